import { useCallback, useEffect, useRef, useState } from "react";
import { type CombinedError, useClient, useSubscription } from "urql";
import {
  EffectiveSettingsChangedDocument,
  type EffectiveSettingsChangedSubscription,
  SettingsChangedDocument,
} from "../../generated/graphql";
import { isSame } from "./draft";
import { type Loaded, type Outcome, outcomeOf, readSettings } from "./load";

const MARK_MILLISECONDS = 2000;

type EffectiveChange = NonNullable<EffectiveSettingsChangedSubscription["effectiveChanged"]>;

interface Settings {
  /** Undefined while nothing has been read; null if there is no such platform. */
  loaded: Loaded | null | undefined;
  error: CombinedError | null;
  /** The keys that others have just changed. */
  changed: ReadonlySet<string>;
  /** @param own Keys that the viewer has changed, which are not marked. */
  read: (own?: Iterable<string>) => Promise<Loaded | null>;
}

/** The settings of the viewer on a platform. They follow the changes of others. */
export function useSettings(platformKey: string | null): Settings {
  const client = useClient();
  const [loaded, setLoaded] = useState<Loaded | null>();
  const [error, setError] = useState<CombinedError | null>(null);
  const [changed, setChanged] = useState<ReadonlySet<string>>(new Set());
  const latest = useRef<Loaded | null>(null);
  const reads = useRef(0);

  const read = useCallback(
    async (own: Iterable<string> = []) => {
      const number = ++reads.current;
      try {
        const next = await readSettings(client, platformKey);
        // An older read must not replace what a newer one has found.
        if (number < reads.current) return next;
        setChanged(differences(latest.current, next, new Set(own)));
        latest.current = next;
        setLoaded(next);
        setError(null);
        return next;
      } catch (problem) {
        setError(problem as CombinedError);
        return null;
      }
    },
    [client, platformKey],
  );

  useEffect(() => void read(), [read]);

  // From the first revision that was read, so that no change between reading and subscribing is missed.
  // After an interruption, what came since is told again, and newer changes are recognised by their revision.
  const [since, setSince] = useState<number | null>(null);
  if (since === null && loaded) setSince(loaded.revision);
  const [{ data: event }] = useSubscription({
    query: SettingsChangedDocument,
    variables: { key: platformKey, since: since ?? 0 },
    pause: since === null,
  });
  const revision = event?.platformMetadataChanged?.revision;
  useEffect(() => {
    if (revision !== undefined && revision > (latest.current?.revision ?? 0)) void read();
  }, [revision, read]);

  // Definitions, rollouts, kill switches and windows of validity change values as well.
  useSubscription(
    { query: EffectiveSettingsChangedDocument, variables: { key: platformKey ?? "" }, pause: since === null || platformKey === null },
    (_, event) => {
      if (event.effectiveChanged && latest.current && isNews(event.effectiveChanged, latest.current)) void read();
      return event;
    },
  );

  useEffect(() => {
    if (changed.size === 0) return;
    const timer = setTimeout(() => setChanged(new Set()), MARK_MILLISECONDS);
    return () => clearTimeout(timer);
  }, [changed]);

  return { loaded, error, changed, read };
}

/** Whether the page shows other values than these, or other reasons. The first event of a subscription has all of
 * them. */
function isNews({ resync, changedKeys, evaluations }: EffectiveChange, { settings }: Loaded): boolean {
  const shown = new Map<string, Outcome>(settings.map((setting) => [setting.key, setting]));
  const told = new Map(evaluations.map((each) => [each.key, each]));
  const keys = resync ? new Set([...shown.keys(), ...told.keys()]) : changedKeys;
  return [...keys].some((key) => !isAlike(shown.get(key) ?? outcomeOf(), outcomeOf(told.get(key))));
}

const isAlike = (one: Outcome, other: Outcome): boolean =>
  isSame(one.effective ?? null, other.effective ?? null) && one.source === other.source && one.variant === other.variant;

function differences(before: Loaded | null, after: Loaded | null, own: Set<string>): Set<string> {
  if (!before || !after) return new Set();
  const old = new Map<string, Outcome>(before.settings.map((setting) => [setting.key, setting]));
  return new Set(
    after.settings
      .filter((setting) => !own.has(setting.key) && !isAlike(old.get(setting.key) ?? outcomeOf(), setting))
      .map((setting) => setting.key),
  );
}
