import { Button, Dialog, DialogTrigger, Popover } from "react-aria-components";
import { Check } from "../../components/admin/Check";
import { type Column, COLUMNS } from "./columns";
import styles from "./Users.module.css";
import { useWords } from "./words";

interface Props {
  columns: readonly Column[];
  onChoose: (column: Column, isShown: boolean) => void;
}

export function ColumnChoice({ columns, onChoose }: Props) {
  const words = useWords();
  return (
    <DialogTrigger>
      <Button>{words.columns}</Button>
      <Popover>
        <Dialog className={styles.columns} aria-label={words.columns}>
          {COLUMNS.map((column) => (
            <Check
              key={column}
              isSelected={columns.includes(column)}
              onChange={(isShown) => onChoose(column, isShown)}
            >
              {words.columnNames[column]}
            </Check>
          ))}
        </Dialog>
      </Popover>
    </DialogTrigger>
  );
}
