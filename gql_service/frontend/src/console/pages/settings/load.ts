/** Reads the settings of the viewer on a platform: its definitions, with the viewer's entries and effective values. */
import type { Client, CombinedError } from "urql";
import {
  type SettingsDocumentFragment,
  SettingsDocument,
  type SettingsQuery,
  UserWideSettingsDocument,
  type ValueType,
} from "../../generated/graphql";

type Entry = SettingsDocumentFragment["entrySummaries"][number];
export type Evaluation = SettingsDocumentFragment["evaluations"][number];
type Platform = NonNullable<SettingsQuery["platform"]>;
export type Definition = Platform["definitions"][number];

/** Where the effective value comes from. */
type Source = "you" | "account" | "rollout" | "default" | "off" | "broken" | "none";

/** The viewer's own entry. Without a digest, its value cannot be read. */
export interface Own {
  value: unknown;
  digest: string | null;
}

/** What the viewer gets of a setting, and why. */
export interface Outcome {
  effective: unknown;
  source: Source;
  variant: string | null;
}

export interface Setting extends Outcome {
  key: string;
  title: string;
  /** Null for keys without a definition. Empty if the definition names no section. */
  section: string | null;
  description: string | null;
  type: ValueType;
  own: Own | null;
  canEdit: boolean;
  canReset: boolean;
  definition: Definition | null;
}

export interface Loaded {
  /** Null for the settings that belong to no platform. */
  platformName: string | null;
  revision: number;
  settings: readonly Setting[];
}

const FRESH = { requestPolicy: "network-only" } as const;

/** Without a key, what is stored for all platforms. Null if there is no such platform. Throws a `CombinedError` if
 * nothing could be read. */
export async function readSettings(client: Client, key: string | null): Promise<Loaded | null> {
  if (key === null) {
    const { data, error } = await client.query(UserWideSettingsDocument, {}, FRESH).toPromise();
    if (!data?.me.userMetadata) throw error as CombinedError;
    return toLoaded(null, data.me.userMetadata);
  }
  const { data, error } = await client.query(SettingsDocument, { key }, FRESH).toPromise();
  if (data && !data.platform) return null;
  if (!data?.platform || !data.platformMetadata) throw error as CombinedError;
  return toLoaded(data.platform, data.platformMetadata);
}

const toLoaded = (platform: Platform | null, document: SettingsDocumentFragment): Loaded => ({
  platformName: platform?.name ?? null,
  revision: document.revision,
  settings: toSettings(platform, document.evaluations, document.entrySummaries),
});

function toSettings(
  platform: Platform | null,
  evaluations: readonly Evaluation[],
  entries: readonly Entry[],
): Setting[] {
  const entryOf = new Map(entries.map((entry) => [entry.metadataKey, entry]));
  const evaluationOf = new Map(evaluations.map((evaluation) => [evaluation.key, evaluation]));
  const definitionOf = new Map(platform?.definitions.map((definition) => [definition.key, definition]));
  const keys = new Set([...definitionOf.keys(), ...entryOf.keys()]);
  return [...keys]
    .map((key) => {
      const definition = definitionOf.get(key) ?? null;
      return toSetting(key, definition, entryOf.get(key), evaluationOf.get(key), platform?.viewerIsAdmin ?? false);
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
    ...outcomeOf(evaluation),
    canEdit: entry ? entry.canChange && entry.digest !== null : isAdmin || definition?.isEditable !== false,
    canReset: entry?.canChange ?? false,
    definition,
  };
}

/** Without an evaluation, there is no value. */
export const outcomeOf = (evaluation?: Evaluation): Outcome => ({
  effective: evaluation?.value,
  source: sourceOf(evaluation),
  variant: evaluation?.variant ?? null,
});

function sourceOf(evaluation: Evaluation | undefined): Source {
  if (!evaluation) return "none";
  if (evaluation.reason === "DISABLED") return "off";
  if (evaluation.reason === "ERROR") return "broken";
  return evaluation.source === null ? "none" : SOURCES[evaluation.source];
}

const SOURCES = { ENTRY: "you", USER_WIDE_ENTRY: "account", VARIANT: "rollout", DEFAULT: "default" } as const;

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
