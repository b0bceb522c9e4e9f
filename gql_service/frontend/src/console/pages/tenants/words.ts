import { countIn, defineWords } from "../../words";

interface Contents {
  users: number;
  guests: number;
  platforms: number;
  documents: number;
}

const count = countIn("en");
const countGerman = countIn("de");

export const useWords = defineWords({
  en: {
    title: "Tenants",
    intro: "A tenant owns users and platforms. Its id stays, and permissions begin with it.",
    empty: "There is no tenant yet. Create one to add users and platforms.",
    name: "Name",
    id: "Id",
    idHint: "Leave it empty to get a new one. It cannot be changed later.",
    created: "Created",
    actions: "Actions",
    create: "Create tenant",
    username: "Username",
    email: "Email",
    home: "Home tenant",
    admins: "Admins",
    adminsOf: (name: string) => `Admins of ${name}`,
    adminsHint: "Users who have the admin permission of this tenant. Platform owners are admins of it, too.",
    noAdmins: "Nobody has the admin permission of this tenant. Platform owners can give it to a user.",
    owners: "Platform owners",
    ownersHint: "They are admins of every tenant. The command line appoints them.",
    noOwners: "There is no platform owner.",
    rename: "Rename",
    renameOf: (name: string) => `Rename ${name}`,
    delete: "Delete",
    deleteOf: (name: string) => `Delete ${name}`,
    deleteForever: "Delete tenant",
    counting: "Counting what it has …",
    lost: ({ users, guests, platforms, documents }: Contents) =>
      `This deletes for good: ${count(users, "user", "users")} with all their data, ` +
      `${count(platforms, "platform", "platforms")} and ${count(documents, "document", "documents")}. ` +
      `${count(guests, "user", "users")} of other tenants lose their permissions here. The id is never given out again.`,
    left: (users: number) => `${count(users, "user is", "users are")} left. Close this window to stop.`,
  },
  de: {
    title: "Mandanten",
    intro: "Zu einem Mandanten gehören Benutzer und Plattformen. Seine ID ändert sich nie, und Rechte beginnen mit ihr.",
    empty: "Es gibt noch keinen Mandanten. Legen Sie einen an, um Benutzer und Plattformen hinzuzufügen.",
    name: "Name",
    id: "ID",
    idHint: "Leer lassen, um eine neue zu erhalten. Sie kann später nicht geändert werden.",
    created: "Angelegt",
    actions: "Aktionen",
    create: "Mandanten anlegen",
    username: "Benutzername",
    email: "E-Mail",
    home: "Eigener Mandant",
    admins: "Admins",
    adminsOf: (name: string) => `Admins von ${name}`,
    adminsHint: "Benutzer mit dem Admin-Recht dieses Mandanten. Plattform-Eigentümer sind ebenfalls Admins.",
    noAdmins: "Niemand hat das Admin-Recht dieses Mandanten. Plattform-Eigentümer können es vergeben.",
    owners: "Plattform-Eigentümer",
    ownersHint: "Sie sind Admins aller Mandanten. Die Befehlszeile ernennt sie.",
    noOwners: "Es gibt keinen Plattform-Eigentümer.",
    rename: "Umbenennen",
    renameOf: (name: string) => `${name} umbenennen`,
    delete: "Löschen",
    deleteOf: (name: string) => `${name} löschen`,
    deleteForever: "Mandanten löschen",
    counting: "Inhalte werden gezählt …",
    lost: ({ users, guests, platforms, documents }: Contents) =>
      `Endgültig gelöscht werden: ${users} Benutzer mit allen Daten, ` +
      `${countGerman(platforms, "Plattform", "Plattformen")} und ${countGerman(documents, "Dokument", "Dokumente")}. ` +
      `${guests} Benutzer anderer Mandanten verlieren ihre Rechte hier. Die ID wird nie wieder vergeben.`,
    left: (users: number) => `Noch ${users} Benutzer. Schließen Sie dieses Fenster, um abzubrechen.`,
  },
});
