/** Which columns the list has. Their names are remembered in the browser, and nothing about any user. */
import { useState } from "react";

export const COLUMNS = ["name", "email", "language", "permissions", "createdAt", "updatedAt"] as const;
export type Column = (typeof COLUMNS)[number];

const PLACE = "console-user-columns";
const DEFAULT: readonly Column[] = ["name", "email", "permissions"];

export function useColumns() {
  const [columns, setColumns] = useState(remembered);
  return {
    columns,
    choose(column: Column, isShown: boolean) {
      const chosen = COLUMNS.filter((each) => (each === column ? isShown : columns.includes(each)));
      setColumns(chosen);
      localStorage.setItem(PLACE, chosen.join(" "));
    },
  };
}

function remembered(): readonly Column[] {
  const names = localStorage.getItem(PLACE)?.split(" ");
  return names ? COLUMNS.filter((each) => names.includes(each)) : DEFAULT;
}
