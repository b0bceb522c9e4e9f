/** Numbers and dates as the viewer's language writes them. */
import { useLocale } from "react-aria-components";

export const useNumberFormat = (options?: Intl.NumberFormatOptions): Intl.NumberFormat =>
  new Intl.NumberFormat(useLocale().locale, options);

export const useDateFormat = (options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat =>
  new Intl.DateTimeFormat(useLocale().locale, options);
