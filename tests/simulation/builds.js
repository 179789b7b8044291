import { readFileSync } from "node:fs";

const MODULES = [
  "caching", "database", "delivery", "entries", "keeping", "outbox", "ownership", "reading", "room", "sessions", "shelf",
  "signout", "transport", "triggers", "uploads",
];
const STATIC = new URL("../../offlinesync/static/offlinesync/", import.meta.url);

/** A later release: its schema and its entries hold more, and nothing else differs (rows A4, A5, B13). */
const LATER = [
  ["database", "const VERSION = 2;", "const VERSION = 3;"],
  ["database", '["entries", "files", "state"]', '["entries", "files", "state", "later"]'],
  ["database", '  if (lacks("files"))', '  if (lacks("later")) database.createObjectStore("later");\n  if (lacks("files"))'],
  ["entries", "    ...content,", '    future: "kept",\n    ...content,'],
];

/**
 * The modules as visitors get them, of this release and of a later one, with what a mutant changes in both.
 *
 * @param {[string, string, string][]} [changes]  module, what stands there, what shall stand there
 */
export async function loadBuilds(changes = []) {
  return { now: await load(changes), later: await load([...changes, ...LATER]) };
}

async function load(changes) {
  const loaded = await Promise.all(MODULES.map((name) => import(asUrl(name, changed(name, changes)))));
  return Object.fromEntries(MODULES.map((name, index) => [name, loaded[index]]));
}

function changed(name, changes) {
  let source = readFileSync(new URL(`${name}.js`, STATIC), "utf8");
  for (const [module, from, to] of changes) {
    if (module !== name) continue;
    if (source.split(from).length !== 2) throw new Error(`${name}.js does not hold once what is to be changed: ${from}`);
    source = source.replace(from, () => to);
  }
  return source;
}

/** The modules import nothing, so each can stand alone in a URL. */
function asUrl(name, source) {
  return `data:text/javascript;base64,${Buffer.from(`${source}\n//# sourceURL=${name}.js`).toString("base64")}`;
}
