import { countIn, defineWords } from "../../words";

interface Contents {
  documents: number;
  definitions: number;
}

const count = countIn("en");
const countGerman = countIn("de");

export const useWords = defineWords({
  en: {
    title: "Platforms",
    intro: "On a platform, each user has one document. It belongs to a tenant, and its key stays.",
    empty: "There is no platform yet. Create a tenant, then its first platform.",
    name: "Name",
    key: "Key",
    keyHint: "Lower-case letters, digits, dots, hyphens and underscores. It cannot be changed later.",
    tenant: "Tenant",
    tenantHint: "The id of the tenant that owns it.",
    mode: "Keys",
    modes: { OPEN: "Open: any keys", STRICT: "Strict: defined keys only" },
    kept: "Kept",
    actions: "Actions",
    create: "Create platform",
    edit: "Edit",
    editOf: (name: string) => `Edit ${name}`,
    save: "Save changes",
    delete: "Delete",
    deleteOf: (name: string) => `Delete ${name}`,
    deleteForever: "Delete platform",
    counting: "Counting what it has …",
    lost: ({ documents, definitions }: Contents) =>
      `This deletes for good: ${count(documents, "document", "documents")} of its users with their history, ` +
      `and ${count(definitions, "definition", "definitions")} of keys.`,
    broken: (documents: number) =>
      `${count(documents, "document has", "documents have")} keys that are not defined. They stay as they are until they are next written.`,
    force: "Set it anyway",
    retention: "How long data is kept",
    retentionHint: "Empty: as the settings of the service say. Older data is deleted for good, some time later.",
    historyMaxAge: "Days in the history",
    historyMaxChanges: "Changes in the history of a document",
    idempotencyMaxAge: "Hours in which a repeated write is done once",
    days: (days: number | null) => (days === null ? "history without end" : `history of ${count(days, "day", "days")}`),
    changes: (changes: number) => `at most ${count(changes, "change", "changes")}`,
  },
  de: {
    title: "Plattformen",
    intro: "Auf einer Plattform hat jeder Benutzer ein Dokument. Sie gehört zu einem Mandanten, und ihr Schlüssel ändert sich nie.",
    empty: "Es gibt noch keine Plattform. Legen Sie zuerst einen Mandanten an, dann seine erste Plattform.",
    name: "Name",
    key: "Schlüssel",
    keyHint: "Kleinbuchstaben, Ziffern, Punkte, Binde- und Unterstriche. Er kann später nicht geändert werden.",
    tenant: "Mandant",
    tenantHint: "Die ID des Mandanten, zu dem sie gehört.",
    mode: "Schlüssel der Dokumente",
    modes: { OPEN: "Offen: beliebige", STRICT: "Streng: nur definierte" },
    kept: "Aufbewahrung",
    actions: "Aktionen",
    create: "Plattform anlegen",
    edit: "Bearbeiten",
    editOf: (name: string) => `${name} bearbeiten`,
    save: "Änderungen speichern",
    delete: "Löschen",
    deleteOf: (name: string) => `${name} löschen`,
    deleteForever: "Plattform löschen",
    counting: "Inhalte werden gezählt …",
    lost: ({ documents, definitions }: Contents) =>
      `Endgültig gelöscht werden: ${countGerman(documents, "Dokument", "Dokumente")} ihrer Benutzer mit dem Verlauf ` +
      `und ${countGerman(definitions, "Definition", "Definitionen")} von Schlüsseln.`,
    broken: (documents: number) =>
      `${countGerman(documents, "Dokument hat", "Dokumente haben")} Schlüssel, die nicht definiert sind. Sie bleiben unverändert, bis sie das nächste Mal geschrieben werden.`,
    force: "Trotzdem setzen",
    retention: "Wie lange Daten bleiben",
    retentionHint: "Leer: wie in den Einstellungen des Dienstes. Älteres wird nach einiger Zeit endgültig gelöscht.",
    historyMaxAge: "Tage im Verlauf",
    historyMaxChanges: "Änderungen im Verlauf eines Dokuments",
    idempotencyMaxAge: "Stunden, in denen ein wiederholter Schreibvorgang nur einmal wirkt",
    days: (days: number | null) =>
      days === null ? "Verlauf unbegrenzt" : `Verlauf von ${countGerman(days, "Tag", "Tagen")}`,
    changes: (changes: number) => `höchstens ${countGerman(changes, "Änderung", "Änderungen")}`,
  },
});
