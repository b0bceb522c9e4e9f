/** What is being edited and not yet saved. Drafts outlive the tab of the page. */
import type { EntryFragment, UserMetadataInput, ValueType } from "../../generated/graphql";

export interface Draft {
  /** The entry as it was when editing began. Null for a new one. */
  base: EntryFragment | null;
  key: string;
  valueType: ValueType;
  value: string;
  isPublic: boolean;
  isEditable: boolean;
  /** As in the fields of the form: local time without a zone, or empty. */
  validFrom: string;
  validUntil: string;
}

/** By key; the draft of a new entry has the key "". */
export type Drafts = ReadonlyMap<string, Draft>;

export const NEW: Draft = {
  base: null,
  key: "",
  valueType: "string",
  value: "",
  isPublic: true,
  isEditable: true,
  validFrom: "",
  validUntil: "",
};

export const draftOf = (entry: EntryFragment): Draft => ({
  base: entry,
  key: entry.metadataKey,
  valueType: entry.valueType,
  value: entry.metadataValue ?? "",
  isPublic: entry.isPublic,
  isEditable: entry.isEditable,
  validFrom: localOf(entry.validFrom),
  validUntil: localOf(entry.validUntil),
});

/** Only what was changed: what was not, others may have changed in the meantime. */
export function inputOf(draft: Draft): UserMetadataInput {
  const { base } = draft;
  const input: UserMetadataInput = { metadataKey: draft.key };
  if (!base || draft.value !== (base.metadataValue ?? "")) input.metadataValue = draft.value;
  if (!base) input.valueType = draft.valueType;
  if (draft.isPublic !== base?.isPublic) input.isPublic = draft.isPublic;
  if (draft.isEditable !== base?.isEditable) input.isEditable = draft.isEditable;
  if (draft.validFrom !== localOf(base?.validFrom)) input.validFrom = instantOf(draft.validFrom);
  if (draft.validUntil !== localOf(base?.validUntil)) input.validUntil = instantOf(draft.validUntil);
  return input;
}

export function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function localOf(instant: string | null | undefined): string {
  if (!instant) return "";
  const date = new Date(instant);
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 19);
}

const instantOf = (local: string): string | null => (local ? new Date(local).toISOString() : null);
