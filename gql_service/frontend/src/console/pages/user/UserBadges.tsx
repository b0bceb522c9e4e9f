import { Button } from "react-aria-components";
import { useMutation, useQuery } from "urql";
import { problemOf } from "../../components/problem";
import { Day } from "../../components/Instant";
import { Empty, Failure, Skeleton } from "../../components/State";
import { AwardBadgeDocument, UserBadgesDocument } from "../../generated/graphql";
import { useAccountWords } from "./account-words";

/** The badges of a user: earned ones, and those that can be awarded. */
export function UserBadges({ username }: { username: string }) {
  const words = useAccountWords();
  const [{ data, error }, read] = useQuery({ query: UserBadgesDocument, variables: { username } });
  const [{ fetching, ...result }, award] = useMutation(AwardBadgeDocument);
  if (!data?.user) {
    return error ? <Failure error={error} onRetry={() => read({ requestPolicy: "network-only" })} /> : <Skeleton />;
  }
  const earned = new Map(data.user.badges?.map((badge) => [badge.name, badge.earnedAt]));
  if (data.badgeCatalog.length === 0) {
    return (
      <Empty>
        <p>{words.noBadges}</p>
      </Empty>
    );
  }
  return (
    <>
      <p role="alert" className="danger">
        {problemOf(result, result.data?.checkBadge.userErrors)}
      </p>
      <div className="scroll-x">
        <table className="table">
          <thead>
            <tr>
              <th scope="col">{words.badge}</th>
              <th scope="col">{words.earned}</th>
            </tr>
          </thead>
          <tbody>
            {data.badgeCatalog.map((badge) => (
              <tr key={badge.name}>
                <td>
                  <strong>{badge.title}</strong>
                  <p className="quiet">{badge.criteria}</p>
                </td>
                <td>
                  {earned.has(badge.name) ? (
                    <Day at={earned.get(badge.name) ?? 0} />
                  ) : (
                    <Button
                      isDisabled={fetching}
                      aria-label={words.awardOf(badge.title)}
                      onPress={() => void award({ username, badge: badge.name })}
                    >
                      {words.award}
                    </Button>
                  )}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </>
  );
}
