import { Checkbox } from "react-aria-components";

interface Props {
  children: string;
  isSelected: boolean;
  isDisabled?: boolean;
  onChange: (isSelected: boolean) => void;
}

/** A check box as the theme draws it. */
export function Check({ children, ...props }: Props) {
  return (
    <Checkbox {...props}>
      {({ isSelected }) => (
        <>
          <span className="box" aria-hidden>
            {isSelected && "✓"}
          </span>
          {children}
        </>
      )}
    </Checkbox>
  );
}
