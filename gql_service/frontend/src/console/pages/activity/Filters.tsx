/** Which of the events that were read are shown. */
import {
  Button,
  Input,
  Label,
  ListBox,
  ListBoxItem,
  Popover,
  SearchField,
  Select,
  SelectValue,
  Text,
} from "react-aria-components";
import { useEventNames } from "../../components/event-words";
import type { EventPartsFragment, EventType } from "../../generated/graphql";
import styles from "./Activity.module.css";
import type { Names } from "./names";
import { useWords } from "./words";

export interface Filter {
  type: EventType | "ALL";
  /** Part of a name or of an id. */
  user: string;
}

export const EVERYTHING: Filter = { type: "ALL", user: "" };

export function matches({ type, userId, actorId }: EventPartsFragment["node"], filter: Filter, names: Names): boolean {
  if (filter.type !== "ALL" && filter.type !== type) return false;
  const wanted = filter.user.trim().toLocaleLowerCase();
  if (!wanted) return true;
  return [userId, actorId].some((id) => id && `${id} ${names.get(id)}`.toLocaleLowerCase().includes(wanted));
}

export function Filters({ filter, onChange }: { filter: Filter; onChange: (filter: Filter) => void }) {
  const words = useWords();
  const names = useEventNames();
  const items: Record<Filter["type"], string> = { ALL: words.allTypes, ...names };
  return (
    <div className={styles.filters}>
      <Select value={filter.type} onChange={(chosen) => onChange({ ...filter, type: chosen as Filter["type"] })}>
        <Label>{words.filterType}</Label>
        <Button>
          <SelectValue />
          <span aria-hidden>▾</span>
        </Button>
        <Popover>
          <ListBox>
            {Object.entries(items).map(([type, name]) => (
              <ListBoxItem key={type} id={type}>
                {name}
              </ListBoxItem>
            ))}
          </ListBox>
        </Popover>
      </Select>
      <SearchField value={filter.user} onChange={(user) => onChange({ ...filter, user })}>
        <Label>{words.filterUser}</Label>
        <Input />
        <Text slot="description">{words.userHint}</Text>
      </SearchField>
    </div>
  );
}
