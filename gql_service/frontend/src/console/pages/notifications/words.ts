import { defineWords } from "../../words";

export const useWords = defineWords({
  en: {
    title: "Notifications",
    markAll: "Mark all as read",
    mark: "Mark as read",
    markOne: (title: string) => `Mark as read: ${title}`,
    unread: "New",
    empty: "You have no notifications. You get one when you earn a badge.",
  },
  de: {
    title: "Mitteilungen",
    markAll: "Alle als gelesen markieren",
    mark: "Als gelesen markieren",
    markOne: (title: string) => `Als gelesen markieren: ${title}`,
    unread: "Neu",
    empty: "Sie haben keine Mitteilungen. Sie bekommen eine, wenn Sie ein Abzeichen verdienen.",
  },
});
