/** One user, as the admins of their tenant see them. Each tab reads its own data when it is opened. */
import { Fragment, useCallback, useEffect, useRef } from "react";
import { Button, Tab, TabList, TabPanel, Tabs } from "react-aria-components";
import { Link, useLocation, useParams, useSearchParams } from "react-router";
import { useQuery, useSubscription } from "urql";
import { AdminOnly } from "../../components/admin/AdminOnly";
import { Choice } from "../../components/admin/Choice";
import { Value } from "../../components/admin/Value";
import { Empty, Failure, Skeleton } from "../../components/State";
import { AdminUserDocument, type AdminUserQuery, UserDocumentChangedDocument } from "../../generated/graphql";
import type { Platform } from "../../layout/platform";
import { Access } from "./Access";
import { Changes } from "./Changes";
import { Danger } from "./Danger";
import { useDrafts } from "../../components/draft";
import type { Draft } from "./drafts";
import { Effective } from "./Effective";
import { Header } from "./Header";
import { History } from "./History";
import { Metadata } from "./Metadata";
import styles from "./User.module.css";
import { UserBadges } from "./UserBadges";
import { useWords } from "./words";

export type AdminUser = NonNullable<AdminUserQuery["user"]>;

const TABS = ["metadata", "effective", "history", "badges", "access", "changes", "danger"] as const;
const LIVE = { additionalTypenames: ["PlatformMetadata"] };

export default function User() {
  const { username = "" } = useParams();
  return (
    <AdminOnly>
      {(platform) => <Page key={`${platform.key} ${username}`} platform={platform} username={username} />}
    </AdminOnly>
  );
}

function Page({ platform, username }: { platform: Platform; username: string }) {
  const words = useWords();
  const [{ data, error }, read] = useQuery({ query: AdminUserDocument, variables: { username } });
  // The row that was followed has most of it already.
  const state: unknown = useLocation().state;
  const known = data?.user ?? rowOf(state);
  const isUnknown = data?.user === null;
  const readAgain = useCallback(() => read({ requestPolicy: "network-only" }), [read]);
  return (
    <article className="stack">
      <Link to={`/console/p/${platform.key}/users`}>← {words.back}</Link>
      {isUnknown ? (
        <Unknown platformKey={platform.key} username={username} />
      ) : known ? (
        <>
          <Header user={known} />
          <UserTabs platform={platform} username={username} user={data?.user ?? undefined} onEnd={readAgain} />
        </>
      ) : error ? (
        <Failure error={error} onRetry={readAgain} />
      ) : (
        <Skeleton lines={8} />
      )}
    </article>
  );
}

/** A user who is not there, or not there any more. What was typed for them can still be copied. */
function Unknown({ platformKey, username }: { platformKey: string; username: string }) {
  const words = useWords();
  const [onPlatform, setOnPlatform] = useEntryDrafts(platformKey, username);
  const [userWide, setUserWide] = useEntryDrafts(null, username);
  const drafts = [...onPlatform, ...userWide];
  const discard = () => {
    setOnPlatform(new Map());
    setUserWide(new Map());
  };
  return (
    <>
      <h1 className="value">{username}</h1>
      <Empty>
        <p>{words.unknown}</p>
      </Empty>
      {drafts.length > 0 && (
        <section className="stack">
          <h2>{words.unsaved}</h2>
          <dl>
            {drafts.map(([key, draft], index) => (
              <Fragment key={`${index} ${key}`}>
                <dt>
                  <code className="value">{draft.key}</code>
                </dt>
                <dd>
                  <Value name={draft.key} value={draft.value} />
                </dd>
              </Fragment>
            ))}
          </dl>
          <div>
            <Button onPress={discard}>{words.discard}</Button>
          </div>
        </section>
      )}
    </>
  );
}

/** Without a platform, those of the user-wide document. */
const useEntryDrafts = (platformKey: string | null, username: string) =>
  useDrafts<Draft>(`entries ${platformKey ?? ""} ${username}`);

interface TabsProps {
  platform: Platform;
  username: string;
  /** Undefined while it is on its way. */
  user: AdminUser | undefined;
  /** Called when changes cannot be followed any more. */
  onEnd: () => void;
}

/** The tabs about a metadata document: that of the platform, or the user-wide one. */
const OF_DOCUMENT: readonly string[] = ["metadata", "history", "danger"];

function UserTabs({ platform, username, user, onEnd }: TabsProps) {
  const words = useWords();
  const [address, setAddress] = useSearchParams();
  const tab = TABS.find((each) => each === address.get("tab")) ?? "metadata";
  const isUserWide = address.get("of") === "account";
  const [drafts, setDrafts] = useEntryDrafts(platform.key, username);
  const [userWideDrafts, setUserWideDrafts] = useEntryDrafts(null, username);
  const onPlatform = { platformKey: platform.key, username };
  const open = { platformKey: isUserWide ? null : platform.key, username };
  // Whatever is shown of the document is read again when anybody changes it.
  const [{ error }] = useSubscription({ query: UserDocumentChangedDocument, variables: open, context: LIVE });
  // It ends with an error when the user is deleted, or is no longer one of the viewer's tenant.
  useEffect(() => {
    if (error) onEnd();
  }, [error, onEnd]);
  const show = (shown: string, ofAccount: boolean) =>
    setAddress({ tab: shown, ...(ofAccount && { of: "account" }) }, { replace: true });
  const list = useRef<HTMLDivElement>(null);
  // On a narrow screen, not all tabs fit.
  useEffect(() => {
    // The tabs are drawn after the list.
    const frame = requestAnimationFrame(() =>
      list.current?.querySelector("[aria-selected=true]")?.scrollIntoView({ block: "nearest", inline: "nearest" }),
    );
    return () => cancelAnimationFrame(frame);
  }, [tab]);
  return (
    <Tabs selectedKey={tab} onSelectionChange={(chosen) => show(String(chosen), isUserWide)}>
      <TabList ref={list} aria-label={words.tabList}>
        {TABS.map((tab) => (
          <Tab key={tab} id={tab}>
            {words.tabs[tab]}
          </Tab>
        ))}
      </TabList>
      {OF_DOCUMENT.includes(tab) && (isUserWide || user?.tenantId === platform.tenantId) && (
        <div className={styles.document}>
          <Choice
            label={words.document}
            value={isUserWide ? "account" : "platform"}
            options={[
              ["platform", platform.name],
              ["account", words.userWideDocument],
            ]}
            onChange={(chosen) => show(tab, chosen === "account")}
          />
        </div>
      )}
      <TabPanel id="metadata">
        {isUserWide ? (
          <Metadata key="account" {...open} drafts={userWideDrafts} onDrafts={setUserWideDrafts} />
        ) : (
          <Metadata key="platform" {...open} drafts={drafts} onDrafts={setDrafts} />
        )}
      </TabPanel>
      <TabPanel id="effective">
        <Effective {...onPlatform} />
      </TabPanel>
      <TabPanel id="history">
        <History key={open.platformKey} {...open} />
      </TabPanel>
      <TabPanel id="badges">
        <UserBadges username={username} />
      </TabPanel>
      <TabPanel id="access">
        {user ? <Access user={user} /> : <Skeleton />}
      </TabPanel>
      <TabPanel id="changes">
        <Changes username={username} />
      </TabPanel>
      <TabPanel id="danger">
        <Danger {...onPlatform} document={open} />
      </TabPanel>
    </Tabs>
  );
}

type Row = Partial<AdminUser> & { username: string; displayName: string };

/** The user of the row in the list, which the link has left in the browser's history. */
function rowOf(state: unknown): Row | undefined {
  if (typeof state !== "object" || state === null || !("user" in state)) return undefined;
  const { user } = state;
  const isRow = typeof user === "object" && user !== null && "username" in user && "displayName" in user;
  return isRow ? (user as Row) : undefined;
}
