/** Reads the settings of the viewer on a platform: its definitions, with the viewer's entries and effective values. */
import type { Client, CombinedError } from "urql";
import {
  MoreSettingsDocument,
  SettingsDocument,
  type SettingsEntriesFragment,
  type SettingsQuery,
  type ValueType,
} from "../../generated/graphql";

type Entry = SettingsEntriesFragment["nodes"][number];
export type Definition = NonNullable<SettingsQuery["platform"]>["definitions"][number];
type Evaluation = NonNullable<SettingsQuery["platformMetadata"]>["evaluations"][number];

/** Where the effective value comes from. */
export type Source = "you" | "account" | "rollout" | "default" | "off" | "broken" | "none";

/** The viewer's own entry. Without a digest, its value cannot be read. */
export interface Own {
  value: unknown;
  digest: string | null;
}

export interface Setting {
  key: string;
  title: string;
  /** Null for keys without a definition. Empty if the definition names no section. */
  section: string | null;
  description: string | null;
  type: ValueType;
  own: Own | null;
  effective: unknown;
  source: Source;
  variant: string | null;
  canEdit: boolean;
  canReset: boolean;
  definition: Definition | null;
}

export interface Loaded {
  platformName: string;
  revision: number;
  settings: readonly Setting[];
}

/** Null if there is no such platform. Throws a `CombinedError` if nothing could be read. */
export async function readSettings(client: Client, key: string): Promise<Loaded | null> {
  const { data, error } = await client.query(SettingsDocument, { key }, { requestPolicy: "network-only" }).toPromise();
  if (data && !data.platform) return null;
  if (!data?.platform || !data.platformMetadata?.entries) throw error as CombinedError;
  const entries = await readRest(client, key, data.platformMetadata.entries);
  return {
    platformName: data.platform.name,
    revision: data.platformMetadata.revision,
    settings: toSettings(data.platform, data.platformMetadata.evaluations, entries),
  };
}

/** A page has at most 100 entries. More are read one page after the other, so the server never gets many at once. */
async function readRest(client: Client, key: string, first: SettingsEntriesFragment): Promise<Entry[]> {
  const entries = [...first.nodes];
  let { hasNextPage, endCursor } = first.pageInfo;
  while (hasNextPage && endCursor) {
    const { data, error } = await client
      .query(MoreSettingsDocument, { key, after: endCursor }, { requestPolicy: "network-only" })
      .toPromise();
    const page = data?.platformMetadata?.entries;
    if (!page) throw error as CombinedError;
    entries.push(...page.nodes);
    ({ hasNextPage, endCursor } = page.pageInfo);
  }
  return entries;
}

function toSettings(
  platform: NonNullable<SettingsQuery["platform"]>,
  evaluations: readonly Evaluation[],
  entries: readonly Entry[],
): Setting[] {
  const entryOf = new Map(entries.map((entry) => [entry.metadataKey, entry]));
  const evaluationOf = new Map(evaluations.map((evaluation) => [evaluation.key, evaluation]));
  const definitionOf = new Map(platform.definitions.map((definition) => [definition.key, definition]));
  const keys = new Set([...definitionOf.keys(), ...entryOf.keys()]);
  return [...keys]
    .map((key) => {
      const definition = definitionOf.get(key) ?? null;
      return toSetting(key, definition, entryOf.get(key), evaluationOf.get(key), platform.viewerIsAdmin);
    })
    .sort(inOrder);
}

function toSetting(
  key: string,
  definition: Definition | null,
  entry: Entry | undefined,
  evaluation: Evaluation | undefined,
  isAdmin: boolean,
): Setting {
  return {
    key,
    title: definition?.title ?? key,
    section: definition ? (definition.section ?? "") : null,
    description: definition?.description ?? entry?.description ?? null,
    type: definition?.valueType ?? entry?.valueType ?? "string",
    own: entry ? { value: entry.value, digest: entry.digest ?? null } : null,
    effective: evaluation?.value,
    source: sourceOf(evaluation, entry !== undefined),
    variant: evaluation?.variant ?? null,
    canEdit: entry ? entry.viewerCan.edit && entry.digest !== null : isAdmin || definition?.isEditable !== false,
    canReset: entry?.viewerCan.delete ?? false,
    definition,
  };
}

function sourceOf(evaluation: Evaluation | undefined, isOwn: boolean): Source {
  switch (evaluation?.reason) {
    case undefined:
      return "none";
    case "TARGETING_MATCH":
      return isOwn ? "you" : "account";
    case "SPLIT":
      return "rollout";
    case "DISABLED":
      return "off";
    case "ERROR":
      return "broken";
    default:
      return evaluation?.value == null ? "none" : "default";
  }
}

/** By position, those without one last; then by title. */
function inOrder(one: Setting, other: Setting): number {
  const position = (setting: Setting) => setting.definition?.position ?? Number.MAX_SAFE_INTEGER;
  return position(one) - position(other) || one.title.localeCompare(other.title);
}

/** The sections, in the order of their first settings; keys without a definition last. */
export function inSections(settings: readonly Setting[]): [string | null, Setting[]][] {
  const sections = new Map<string | null, Setting[]>();
  for (const setting of settings) {
    const section = sections.get(setting.section);
    if (section) section.push(setting);
    else sections.set(setting.section, [setting]);
  }
  return [...sections].sort(([one], [other]) => Number(one === null) - Number(other === null));
}
