/** Makes pages of the project's documents: they are served at `/docs/`, need no scripts, and look like the console. */
import { readdirSync, readFileSync } from "node:fs";
import { posix, resolve } from "node:path";
import MarkdownIt from "markdown-it";
import type { Plugin } from "vite";

const ROOT = resolve(import.meta.dirname, "../..");
const read = (path: string) => readFileSync(resolve(ROOT, path), "utf8");
const list = (folder: string, extension: string) =>
  readdirSync(resolve(ROOT, folder))
    .filter((name) => name.endsWith(extension))
    .sort()
    .map((name) => `${folder}/${name}`);

/** The documents, in the order of the navigation. Those that no group names are in the last one. */
const GROUPS: readonly [title: string, documents: readonly string[]][] = [
  ["Use it", ["README.md", "docs/guide.md", "docs/users.md", "docs/flags.md", "docs/console.md"]],
  ["Clients", ["docs/graphql.md", "docs/rest.md", "docs/live.md", "docs/webhooks.md", "docs/errors.md"]],
  ["Run it", ["docs/operations.md", "docs/configuration.md", "docs/scaling.md", "docs/reliability.md", "SECURITY.md"]],
  ["Behind it", ["docs/architecture.md", "docs/decisions/README.md", "bench/README.md"]],
  ["The project", ["CONTRIBUTING.md", "CHANGELOG.md"]],
];
/** What the `README.md` of its folder leads to; the navigation has only that one. */
const DETAILS = [...list("docs/decisions", ".md"), ...list("bench", ".md")].filter((path) => !path.endsWith("/README.md"));
const DOCUMENTS = [...new Set([...GROUPS.flatMap(([, documents]) => documents), ...list("docs", ".md"), ...DETAILS])];
/** Files that documents refer to, and that are served as they are. */
const FILES = ["schema.graphql", ...list("docs/images", ".png"), ...list("docs/images", ".webp")];

/** Where a document or file is served, below `/docs/`. */
function target(path: string): string {
  if (FILES.includes(path)) return path.replace(/^docs\//, "");
  if (path === "README.md") return "index.html";
  // Folders have no page of their own: their addresses would have to be redirected to those with a slash.
  return path.replace(/^docs\//, "").replace(/\/README\.md$/, ".md").toLowerCase().replace(/\.md$/, ".html");
}

/** The address of one page from another. */
function address(from: string, to: string): string {
  return posix.relative(posix.dirname(target(from)), target(to)).replace(/(^|\/)index\.html$/, "$1") || "./";
}

/** As GitHub makes the anchors of headings. Those that are there already get a number. */
const anchorOf = (heading: string) => heading.toLowerCase().replace(/[^\p{L}\p{N}_ -]/gu, "").replaceAll(" ", "-");

const escape = (text: string) => new MarkdownIt().utils.escapeHtml(text);

interface Heading {
  level: string;
  anchor: string;
  text: string;
}

/** A document as HTML, with its headings. Links to files that are not served become plain text. */
function render(path: string): { html: string; headings: Heading[] } {
  const markdown = new MarkdownIt();
  const tokens = markdown.parse(read(path), {});
  const headings: Heading[] = [];
  tokens.forEach((token, index) => {
    if (token.type === "heading_open") headings.push(nameHeading(token, tokens[index + 1], headings));
    if (token.type === "inline") token.children = relink(path, token.children ?? []);
    if (token.type === "fence" || token.type === "code_block") token.attrSet("tabindex", "0");
  });
  markdown.renderer.rules["table_open"] = () => '<div class="scroll" tabindex="0"><table>\n';
  markdown.renderer.rules["table_close"] = () => "</table></div>\n";
  // With the keyboard, only what has the focus can be scrolled.
  const block = (content: string) => `<pre tabindex="0"><code>${escape(content)}</code></pre>\n`;
  markdown.renderer.rules["fence"] = (all, index) => block(all[index]?.content ?? "");
  return { html: markdown.renderer.render(tokens, markdown.options, {}), headings };
}

type Token = ReturnType<MarkdownIt["parse"]>[number];

function nameHeading(open: Token, inline: Token | undefined, before: readonly Heading[]): Heading {
  const text = (inline?.children ?? []).map((child) => child.content).join("");
  const same = before.filter((each) => anchorOf(each.text) === anchorOf(text)).length;
  const anchor = anchorOf(text) + (same ? `-${same}` : "");
  open.attrSet("id", anchor);
  return { level: open.tag, anchor, text };
}

/** The inline tokens of a document with links to the pages instead of the sources. */
function relink(path: string, tokens: Token[]): Token[] {
  let isDropped = false;
  return tokens.filter((token, index) => {
    if (token.type === "link_close") return !isDropped;
    const name = token.type === "link_open" ? "href" : token.type === "image" ? "src" : null;
    const link = name && token.attrGet(name);
    if (!name || !link) return true;
    isDropped = false;
    if (/^(https?:|#)/.test(link)) return true;
    const [file = "", anchor] = link.split("#");
    const to = posix.join(posix.dirname(path), decodeURI(file));
    if (DOCUMENTS.includes(to) || FILES.includes(to)) {
      token.attrSet(name, address(path, to) + (anchor ? `#${anchor}` : ""));
      const text = tokens[index + 1];
      // The name of a file means nothing to readers of pages.
      if (text?.type === "text" && /\.md$/.test(text.content)) text.content = nameOf(to);
    } else isDropped = name === "href";
    return !isDropped;
  });
}

function page(path: string): string {
  const { html, headings } = render(path);
  const title = headings[0]?.text ?? path;
  const sections = headings.filter(({ level }) => level === "h2");
  const stylesheet = posix.relative(posix.dirname(target(path)), "docs.css");
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<link rel="stylesheet" href="${stylesheet}">
<title>${escape(title)} - gql_service</title>
</head>
<body>
<a class="skip" href="#content">Skip to the content</a>
<header>
<strong>gql_service</strong>
<a class="to-contents" href="#contents">Contents</a>
<span class="space"></span>
<a href="/console">Console</a>
<a href="/graphql">GraphiQL</a>
</header>
<div class="columns">
<main id="content" tabindex="-1">
${html}</main>
<nav id="contents" aria-label="Documents">
${navigation(path, sections)}</nav>
</div>
</body>
</html>
`;
}

/** All documents, and the sections of the one that is open. */
function navigation(current: string, sections: readonly Heading[]): string {
  const rest = DOCUMENTS.filter((path) => !DETAILS.includes(path) && !GROUPS.flat(2).includes(path));
  const groups = GROUPS.map(([title, documents], index) =>
    [title, index === GROUPS.length - 1 ? [...documents, ...rest] : documents] as const,
  );
  return groups
    .map(([title, documents]) => {
      const items = documents.map((path) => {
        const mark = path === current ? ' aria-current="page"' : "";
        const inside = path === current ? listOf(sections) : "";
        return `<li><a href="${address(current, path)}"${mark}>${escape(nameOf(path))}</a>${inside}</li>`;
      });
      return `<h2>${title}</h2>\n<ul>\n${items.join("\n")}\n</ul>\n`;
    })
    .join("");
}

const listOf = (sections: readonly Heading[]) =>
  sections.length < 2
    ? ""
    : `<ul>${sections.map(({ anchor, text }) => `<li><a href="#${anchor}">${escape(text)}</a></li>`).join("")}</ul>`;

/** The first heading of a document. */
const nameOf = (path: string) =>
  path === "README.md" ? "First steps" : (/^# (.+)$/m.exec(read(path))?.[1] ?? path).replaceAll("`", "");

export function documentation(): Plugin {
  return {
    name: "documentation",
    generateBundle() {
      const emit = (name: string, source: string | Uint8Array) =>
        this.emitFile({ type: "asset", fileName: `docs/${name}`, source });
      const styles = ["src/shared/colours.css", "src/docs/docs.css"];
      emit("docs.css", styles.map((name) => readFileSync(resolve(import.meta.dirname, name), "utf8")).join("\n"));
      for (const path of DOCUMENTS) emit(target(path), page(path));
      for (const path of FILES) emit(target(path), readFileSync(resolve(ROOT, path)));
    },
  };
}
