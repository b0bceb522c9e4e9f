import { defineWords } from "../words";

export const useWords = defineWords({
  en: {
    loading: "Loading",
    tryAgain: "Try again",
    failed: "This could not be loaded.",
    pageFailed: "This page could not be shown. Nothing is lost. If it fails again, reload it when all is saved.",
    unreachable: "The server cannot be reached. Nothing is lost; try again in a moment.",
    forbidden: "You have no right to see this. Ask an admin of your organisation.",
    errorId: (id: string) => `Error id: ${id}`,
    cancel: "Cancel",
    close: "Close",
    typeToConfirm: (name: string) => `Type ${name} to confirm`,
    next: "Next page",
    previous: "Previous page",
    never: "never",
  },
  de: {
    loading: "Wird geladen",
    tryAgain: "Erneut versuchen",
    failed: "Das konnte nicht geladen werden.",
    pageFailed:
      "Diese Seite konnte nicht angezeigt werden. Es geht nichts verloren. Schlägt es wieder fehl, laden Sie sie neu, sobald alles gespeichert ist.",
    unreachable: "Der Server ist nicht erreichbar. Es geht nichts verloren; versuchen Sie es gleich noch einmal.",
    forbidden: "Sie dürfen das nicht sehen. Wenden Sie sich an einen Admin Ihrer Organisation.",
    errorId: (id: string) => `Fehler-ID: ${id}`,
    cancel: "Abbrechen",
    close: "Schließen",
    typeToConfirm: (name: string) => `Zur Bestätigung ${name} eingeben`,
    next: "Nächste Seite",
    previous: "Vorherige Seite",
    never: "nie",
  },
});
