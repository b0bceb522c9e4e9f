/** The rules of a definition in words, such as "number, 0 to 100". */
import { defineWords } from "../../words";
import { show } from "./values";
import type { DefinitionFragment } from "../../generated/graphql";

const useRuleWords = defineWords({
  en: {
    types: { string: "text", number: "number", boolean: "yes or no", date: "date", json: "JSON", binary: "binary" },
    between: (low: string, high: string) => `${low} to ${high}`,
    atLeast: (low: string) => `at least ${low}`,
    atMost: (high: string) => `at most ${high}`,
    lengthBetween: (low: number, high: number) => `${low} to ${high} long`,
    lengthAtLeast: (low: number) => `at least ${low} long`,
    lengthAtMost: (high: number) => `at most ${high} long`,
    pattern: (pattern: string) => `matches ${pattern}`,
    choices: (choices: string) => `one of ${choices}`,
    andMore: (count: number) => `and ${count} more`,
    schema: "satisfies a JSON Schema",
    hidden: "hidden from users",
    readOnly: "only admins change it",
    encrypted: "encrypted",
    indexed: "searchable",
  },
  de: {
    types: { string: "Text", number: "Zahl", boolean: "ja oder nein", date: "Datum", json: "JSON", binary: "binär" },
    between: (low: string, high: string) => `${low} bis ${high}`,
    atLeast: (low: string) => `mindestens ${low}`,
    atMost: (high: string) => `höchstens ${high}`,
    lengthBetween: (low: number, high: number) => `${low} bis ${high} lang`,
    lengthAtLeast: (low: number) => `mindestens ${low} lang`,
    lengthAtMost: (high: number) => `höchstens ${high} lang`,
    pattern: (pattern: string) => `entspricht ${pattern}`,
    choices: (choices: string) => `einer der Werte ${choices}`,
    andMore: (count: number) => `und ${count} weiteren`,
    schema: "nach JSON-Schema",
    hidden: "für Benutzer verborgen",
    readOnly: "nur von Admins änderbar",
    encrypted: "verschlüsselt",
    indexed: "durchsuchbar",
  },
});

type RuleWords = ReturnType<typeof useRuleWords>;
const SHOWN_CHOICES = 5;

export function useRules(): (definition: DefinitionFragment) => string {
  const words = useRuleWords();
  return (definition) =>
    [
      words.types[definition.valueType],
      bounds(definition, words),
      lengths(definition, words),
      definition.pattern && words.pattern(definition.pattern),
      choices(definition, words),
      definition.schema !== null && definition.schema !== undefined && words.schema,
      definition.isPublic === false && words.hidden,
      definition.isEditable === false && words.readOnly,
      definition.isEncrypted && words.encrypted,
      definition.isIndexed && words.indexed,
    ]
      .filter(Boolean)
      .join(", ");
}

function bounds({ minimum, maximum }: DefinitionFragment, words: RuleWords): string | undefined {
  const [low, high] = [minimum, maximum].map((each) => each !== null && each !== undefined && show(each));
  if (low && high) return words.between(low, high);
  return low ? words.atLeast(low) : high ? words.atMost(high) : undefined;
}

function lengths({ minLength, maxLength }: DefinitionFragment, words: RuleWords): string | undefined {
  if (typeof minLength === "number")
    return typeof maxLength === "number" ? words.lengthBetween(minLength, maxLength) : words.lengthAtLeast(minLength);
  return typeof maxLength === "number" ? words.lengthAtMost(maxLength) : undefined;
}

function choices({ choices: all }: DefinitionFragment, words: RuleWords): string | undefined {
  if (!all) return undefined;
  const shown = all.slice(0, SHOWN_CHOICES).map(show).join(", ");
  return words.choices(all.length > SHOWN_CHOICES ? `${shown} ${words.andMore(all.length - SHOWN_CHOICES)}` : shown);
}
