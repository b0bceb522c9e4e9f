import { defineWords } from "../../words";

export const useWords = defineWords({
  en: {
    noRights: "This page is for admins",
    noRightsHint: "You are not an admin of this platform's organisation. An admin there can give you the right.",
    ownersOnly: "This page is for platform owners",
    ownersOnlyHint: "It shows the service itself. Those who run the service can make you a platform owner.",
    yours: "What you can see here:",
    settings: "Your settings",
    profile: "Your profile",
    unknown: "There is no such platform, or you may not see it.",
    showAll: (length: string) => `Show all ${length} characters`,
    more: "Show more",
    key: "Key",
    nothing: "(no entry)",
  },
  de: {
    noRights: "Diese Seite ist für Admins",
    noRightsHint:
      "Sie sind kein Admin der Organisation dieser Plattform. Ein Admin dort kann Ihnen dieses Recht geben.",
    ownersOnly: "Diese Seite ist für Plattform-Eigentümer",
    ownersOnlyHint: "Sie zeigt den Dienst selbst. Wer den Dienst betreibt, kann Sie zum Plattform-Eigentümer machen.",
    yours: "Was Sie hier sehen können:",
    settings: "Ihre Einstellungen",
    profile: "Ihr Profil",
    unknown: "Diese Plattform gibt es nicht, oder Sie dürfen sie nicht sehen.",
    showAll: (length: string) => `Alle ${length} Zeichen anzeigen`,
    more: "Mehr anzeigen",
    key: "Schlüssel",
    nothing: "(kein Eintrag)",
  },
});
