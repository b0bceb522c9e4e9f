/** The colours of the editors. Each needs a contrast of 4.5 to the background, and Monaco's dark comments have less. */
// GraphiQL does not export the theme that it defines, and a theme of one's own cannot inherit from it.
import { MONACO_THEME_DATA } from "../../node_modules/@graphiql/react/dist/constants.js";

MONACO_THEME_DATA.dark.rules.push({ token: "comment", foreground: "#8fbf7f" });
