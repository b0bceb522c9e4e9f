/** What is typed in the editor: a definition as text fields, and back. */
import type { DefineMetadataInput, DefinitionFragment, ValueType } from "../../generated/graphql";
import { fromText, toText } from "./values";

export const TYPES: readonly ValueType[] = ["string", "number", "boolean", "date", "json", "binary"];

/** Which text fields a type has, beside those of all types. */
export const RULES: Record<ValueType, readonly RuleName[]> = {
  string: ["minLength", "maxLength", "pattern", "choices"],
  number: ["minimum", "maximum", "choices"],
  boolean: [],
  date: ["minimum", "maximum", "choices"],
  json: ["schema", "indexedPaths"],
  binary: ["minLength", "maxLength"],
};

/** All of a definition but its key. */
export type Content = Omit<DefineMetadataInput, "platformKey" | "key">;
type RuleName =
  "minimum" | "maximum" | "minLength" | "maxLength" | "pattern" | "choices" | "schema" | "indexedPaths";
export type TextName = RuleName | "key" | "title" | "section" | "position" | "description" | "category" | "default";
export type ChoiceName = "isPublic" | "isEditable" | "isIndexed" | "isEncrypted";
export type SwitchName = "userWideFallback" | "clientVisible";
export type Draft = Record<TextName, string> &
  Record<ChoiceName, boolean | null> &
  Record<SwitchName, boolean> & { valueType: ValueType };

export const NEW_DRAFT: Draft = {
  valueType: "string",
  key: "",
  minimum: "",
  maximum: "",
  minLength: "",
  maxLength: "",
  pattern: "",
  choices: "",
  schema: "",
  indexedPaths: "",
  title: "",
  section: "",
  position: "",
  description: "",
  category: "",
  default: "",
  isPublic: null,
  isEditable: null,
  isIndexed: null,
  isEncrypted: null,
  userWideFallback: false,
  clientVisible: true,
};

export function draftOf(definition: DefinitionFragment): Draft {
  const { valueType: type, choices, indexedPaths } = definition;
  return {
    valueType: type,
    key: definition.key,
    minimum: toText(type, definition.minimum),
    maximum: toText(type, definition.maximum),
    minLength: toText("number", definition.minLength),
    maxLength: toText("number", definition.maxLength),
    pattern: definition.pattern ?? "",
    choices: choices?.map((each) => toText(type, each)).join("\n") ?? "",
    schema: toText("json", definition.schema),
    indexedPaths: indexedPaths?.join("\n") ?? "",
    title: definition.title ?? "",
    section: definition.section ?? "",
    position: toText("number", definition.position),
    description: definition.description ?? "",
    category: definition.category ?? "",
    default: toText(type, definition.default),
    isPublic: definition.isPublic ?? null,
    isEditable: definition.isEditable ?? null,
    isIndexed: definition.isIndexed ?? null,
    isEncrypted: definition.isEncrypted ?? null,
    userWideFallback: definition.userWideFallback,
    clientVisible: definition.clientVisible,
  };
}

/** The parts of a definition that the editor changes. Rules that the type does not have are left out. */
function rulesOf(draft: Draft) {
  const { valueType: type } = draft;
  const rule = (name: RuleName) => (RULES[type].includes(name) ? draft[name] : "");
  const lines = (name: RuleName) => rule(name).split("\n").filter((line) => line.trim());
  const choices = lines("choices").map((line) => fromText(type, line));
  const paths = lines("indexedPaths").map((line) => line.trim());
  return {
    valueType: type,
    minimum: fromText(type, rule("minimum")),
    maximum: fromText(type, rule("maximum")),
    minLength: wholeNumber(rule("minLength")),
    maxLength: wholeNumber(rule("maxLength")),
    pattern: rule("pattern") || undefined,
    choices: choices.length ? choices : undefined,
    schema: fromText("json", rule("schema")),
    indexedPaths: paths.length ? paths : undefined,
    title: draft.title || undefined,
    section: draft.section || undefined,
    position: wholeNumber(draft.position),
    description: draft.description || undefined,
    category: draft.category || undefined,
    default: fromText(type, draft.default),
    isPublic: draft.isPublic,
    isEditable: draft.isEditable,
    isIndexed: draft.isIndexed,
    isEncrypted: draft.isEncrypted,
    userWideFallback: draft.userWideFallback,
    clientVisible: draft.clientVisible,
  };
}

const wholeNumber = (text: string): number | undefined => (text.trim() ? Math.trunc(Number(text)) : undefined);

/** What was typed: only what differs from what the editor began with, so that nothing else is changed. With another
 * type, all rules are others. */
export function editsOf(draft: Draft, initial: Draft): Partial<Content> & Pick<Content, "valueType"> {
  const all = rulesOf(draft);
  const isOtherType = draft.valueType !== initial.valueType;
  const names = Object.keys(all) as (keyof typeof all & keyof Draft)[];
  const changed = names.filter((name) => isOtherType || draft[name] !== initial[name]);
  return { valueType: draft.valueType, ...Object.fromEntries(changed.map((name) => [name, all[name]])) };
}

/** Whether the draft has another type or other rules, so that saving it reads all documents. */
export const hasOtherRules = (draft: Draft, initial: Draft): boolean =>
  draft.valueType !== initial.valueType || RULES[draft.valueType].some((name) => draft[name] !== initial[name]);

/** All of a definition: `defineMetadata` replaces it, so what is not sent is lost. */
export function inputOf(definition: DefinitionFragment): Content {
  // The cache adds the names of types, which inputs do not have.
  const named: DefinitionFragment & { __typename?: string } = definition;
  const { key: _key, updatedAt: _updatedAt, __typename: _type, variants, ...rest } = named;
  return { ...rest, variants: variants.map(({ name, value, weight }) => ({ name, value, weight })) };
}
