/** The names of events, which the feed shows and webhooks choose from. */
import type { EventType } from "../generated/graphql";
import { defineWords } from "../words";

export const useEventNames = defineWords<Record<EventType, string>>({
  en: {
    DOCUMENT_CHANGED: "Metadata changed",
    DOCUMENT_CLEARED: "Metadata cleared",
    DEFINITION_CHANGED: "Definition changed",
    DEFINITION_REMOVED: "Definition removed",
    USER_CREATED: "User created",
    USER_CHANGED: "User changed",
    USER_ERASED: "User erased",
    BADGE_AWARDED: "Badge awarded",
    NOTIFICATION_CREATED: "Notification created",
    NOTIFICATION_READ: "Notifications read",
    TOKEN_ISSUED: "Token issued",
    TOKEN_REVOKED: "Token revoked",
  },
  de: {
    DOCUMENT_CHANGED: "Metadaten geändert",
    DOCUMENT_CLEARED: "Metadaten geleert",
    DEFINITION_CHANGED: "Definition geändert",
    DEFINITION_REMOVED: "Definition entfernt",
    USER_CREATED: "Benutzer angelegt",
    USER_CHANGED: "Benutzer geändert",
    USER_ERASED: "Benutzer gelöscht",
    BADGE_AWARDED: "Abzeichen verliehen",
    NOTIFICATION_CREATED: "Mitteilung erstellt",
    NOTIFICATION_READ: "Mitteilungen gelesen",
    TOKEN_ISSUED: "Token ausgestellt",
    TOKEN_REVOKED: "Token widerrufen",
  },
});
