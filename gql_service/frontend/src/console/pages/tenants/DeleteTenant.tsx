/** Deleting a tenant: first count what is lost, then ask, then delete its users part by part. */
import { useEffect, useRef, useState } from "react";
import { useMutation } from "urql";
import { useForget } from "../../components/draft";
import { problemOf } from "../../components/problem";
import { Question } from "../../components/Window";
import { DeleteTenantDocument, type DeleteTenantMutation } from "../../generated/graphql";
import { CHANGED, draftOf, type Tenant } from "./tenant";
import { useWords } from "./words";

type Contents = NonNullable<NonNullable<DeleteTenantMutation["deleteTenant"]>["contents"]>;

export function DeleteTenant({ tenant, onClose }: { tenant: Tenant; onClose: () => void }) {
  const words = useWords();
  const { tenantId } = tenant;
  const [contents, setContents] = useState<Contents>();
  const [left, setLeft] = useState<number>();
  const [problem, setProblem] = useState<string>();
  const forget = useForget();
  const [, send] = useMutation(DeleteTenantDocument);
  const isOpen = useRef(true);

  async function remove(input: { dryRun: boolean; force: boolean }) {
    const { data, error } = await send({ input: { tenantId, ...input } }, input.dryRun ? {} : CHANGED);
    setProblem(problemOf({ error }, data?.deleteTenant?.userErrors));
    return data?.deleteTenant;
  }

  useEffect(() => {
    isOpen.current = true;
    // Forced, because otherwise a dry run only says that it is not empty.
    void remove({ dryRun: true, force: true }).then((answer) => setContents(answer?.contents ?? undefined));
    return () => {
      isOpen.current = false;
    };
  }, [tenantId]);

  /** A request deletes some of the users only. Closing the window stops between two requests. */
  async function removeAll() {
    while (isOpen.current) {
      const answer = await remove({ dryRun: false, force: true });
      if (!answer || answer.userErrors.length > 0) return;
      if (answer.deletedTenantId) {
        forget(draftOf(tenant));
        return onClose();
      }
      setLeft(answer.contents?.users);
    }
  }

  return (
    <Question
      title={words.deleteOf(tenant.name)}
      action={words.deleteForever}
      name={tenant.name}
      isOpen
      onClose={onClose}
      onConfirm={() => void removeAll()}
    >
      <p>{contents ? words.lost(contents) : !problem && words.counting}</p>
      <p role="status">{left !== undefined && words.left(left)}</p>
      <p role="alert" className="danger">
        {problem}
      </p>
    </Question>
  );
}
