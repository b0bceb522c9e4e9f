/** What is being edited and not yet saved. */
import { toInstant, toLocal } from "../../components/local-time";
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
  validFrom: toLocal(entry.validFrom),
  validUntil: toLocal(entry.validUntil),
});

/** Only what was changed: what was not, others may have changed in the meantime. */
export function inputOf(draft: Draft): UserMetadataInput {
  const { base } = draft;
  const input: UserMetadataInput = { metadataKey: draft.key };
  if (!base || draft.value !== (base.metadataValue ?? "")) input.metadataValue = draft.value;
  if (!base) input.valueType = draft.valueType;
  if (draft.isPublic !== base?.isPublic) input.isPublic = draft.isPublic;
  if (draft.isEditable !== base?.isEditable) input.isEditable = draft.isEditable;
  if (draft.validFrom !== toLocal(base?.validFrom)) input.validFrom = toInstant(draft.validFrom);
  if (draft.validUntil !== toLocal(base?.validUntil)) input.validUntil = toInstant(draft.validUntil);
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
