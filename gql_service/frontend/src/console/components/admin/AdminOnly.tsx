/** Pages for the admins of a platform, and for platform owners. Others are told so, and where to find what is theirs. */
import type { ReactNode } from "react";
import { Link, useParams } from "react-router";
import { useQuery } from "urql";
import { AdminPlatformDocument } from "../../generated/graphql";
import { type Platform, usePlatforms } from "../../layout/platform";
import { useViewer } from "../../session";
import { Empty, Failure, Skeleton } from "../State";
import { useWords } from "./words";

export function AdminOnly({ children }: { children: (platform: Platform) => ReactNode }) {
  const words = useWords();
  const { platformKey = "" } = useParams();
  const known = usePlatforms().find((each) => each.key === platformKey);
  // The list of platforms may still be on its way, or not have this one on its first page.
  const [{ data, error, fetching }, read] = useQuery({
    query: AdminPlatformDocument,
    variables: { key: platformKey },
    pause: known !== undefined,
    requestPolicy: "cache-first",
  });
  const platform = known ?? data?.platform;
  if (platform?.viewerIsAdmin) return children(platform);
  if (platform) return <NoRights platformKey={platform.key} />;
  if (error) return <Failure error={error} onRetry={() => read({ requestPolicy: "network-only" })} />;
  if (fetching || !data) return <Skeleton />;
  return (
    <Empty>
      <p>{words.unknown}</p>
      <Link to="/console/profile">{words.profile}</Link>
    </Empty>
  );
}

export function OwnerOnly({ children }: { children: ReactNode }) {
  return useViewer().isPlatformOwner ? children : <NoRights />;
}

/** Without the key of a platform, the page is for platform owners. */
function NoRights({ platformKey }: { platformKey?: string }) {
  const words = useWords();
  return (
    <Empty>
      <h1>{platformKey ? words.noRights : words.ownersOnly}</h1>
      <p>{platformKey ? words.noRightsHint : words.ownersOnlyHint}</p>
      <p>{words.yours}</p>
      <p className="row">
        {platformKey && <Link to={`/console/p/${platformKey}/settings`}>{words.settings}</Link>}
        <Link to="/console/profile">{words.profile}</Link>
      </p>
    </Empty>
  );
}
