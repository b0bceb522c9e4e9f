import type { ReactNode } from "react";

/** The titles of the columns of a table. */
export function TableHead({ titles, children }: { titles: readonly string[]; children?: ReactNode }) {
  return (
    <thead>
      <tr>
        {titles.map((title) => (
          <th key={title} scope="col">
            {title}
          </th>
        ))}
        {children}
      </tr>
    </thead>
  );
}
