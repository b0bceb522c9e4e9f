import { defineWords } from "../../words";

export const useWords = defineWords({
  en: {
    title: "Profile",
    image: (name: string) => `Picture of ${name}`,
    verified: "verified",
    notVerified: "not verified",
    language: "Language",
    badges: (earned: number, total: number) => `Badges ${earned} of ${total}`,
    badgesTitle: "Badges",
    earned: (earned: number, total: number) => `${earned} of ${total} earned`,
    earnedAt: "Earned",
    locked: "Locked",
    toDo: "What to do:",
    allEarned: "You have earned all badges.",
  },
  de: {
    title: "Profil",
    image: (name: string) => `Bild von ${name}`,
    verified: "bestätigt",
    notVerified: "nicht bestätigt",
    language: "Sprache",
    badges: (earned: number, total: number) => `Abzeichen ${earned} von ${total}`,
    badgesTitle: "Abzeichen",
    earned: (earned: number, total: number) => `${earned} von ${total} verdient`,
    earnedAt: "Verdient am",
    locked: "Gesperrt",
    toDo: "Was zu tun ist:",
    allEarned: "Sie haben alle Abzeichen verdient.",
  },
});
