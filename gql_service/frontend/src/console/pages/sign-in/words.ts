import { defineWords } from "../../words";

export const useWords = defineWords({
  en: {
    title: "What other systems must remember about a user",
    intro: "Sign in to see your profile, badges, settings and, as an admin, those of others.",
    again: "Your access token is not valid any more",
    againIntro: "Sign in again. The page and what you have typed stay as they are.",
    token: "Access token",
    tokenHint: "Made under “Data and tokens”, or by an admin: gql-service token issue USERNAME",
    keep: "Keep it until this tab is closed",
    signIn: "Sign in",
    signInAt: (host: string) => `Sign in at ${host}`,
    more: "For developers",
    documentation: "Documentation",
    explorer: "GraphiQL: try queries",
    api: "OpenAPI description of the REST endpoint",
  },
  de: {
    title: "Was andere Systeme sich über einen Benutzer merken müssen",
    intro: "Melden Sie sich an, um Ihr Profil, Ihre Abzeichen und Ihre Einstellungen zu sehen, als Admin auch die anderer Benutzer.",
    again: "Ihr Zugriffstoken ist nicht mehr gültig",
    againIntro: "Melden Sie sich neu an. Die Seite und Ihre Eingaben bleiben erhalten.",
    token: "Zugriffstoken",
    tokenHint: "Erstellt unter „Daten und Tokens“ oder von einem Admin: gql-service token issue USERNAME",
    keep: "Behalten, bis dieser Tab geschlossen wird",
    signIn: "Anmelden",
    signInAt: (host: string) => `Anmelden bei ${host}`,
    more: "Für Entwickler",
    documentation: "Dokumentation (englisch)",
    explorer: "GraphiQL: Abfragen ausprobieren",
    api: "OpenAPI-Beschreibung der REST-Schnittstelle",
  },
});
