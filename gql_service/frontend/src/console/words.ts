/** The texts of the console in each language. Each page has its own, beside it, in `words.ts`. */
import { useLocale } from "react-aria-components";

export const LANGUAGES = { en: "English", de: "Deutsch" } as const;
export type Language = keyof typeof LANGUAGES;

const isLanguage = (value: unknown): value is Language => typeof value === "string" && value in LANGUAGES;

/** The first of these languages that we speak, or English. Regions are ignored: `de-AT` is German. */
export function chooseLanguage(wanted: readonly (string | null | undefined)[]): Language {
  return wanted.map((name) => name?.split("-")[0]).find(isLanguage) ?? "en";
}

/** A hook for the texts of a page. All languages must have the same texts as English: the compiler checks it. */
export function defineWords<Words>(texts: { en: Words; de: NoInfer<Words> }): () => Words {
  return function useWords() {
    const { locale } = useLocale();
    return texts[chooseLanguage([locale])];
  };
}

/** Numbers with their unit in a language, such as "1 user" and "12,400 users". */
export function countIn(language: Language): (number: number, one: string, many: string) => string {
  const format = new Intl.NumberFormat(language);
  return (number, one, many) => `${format.format(number)} ${number === 1 ? one : many}`;
}
