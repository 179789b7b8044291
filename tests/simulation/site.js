/** The pages of the model site: each is rendered for whoever is signed in, with a word that is for them alone. */

export const ORIGIN = "https://site.example";
export const HOME = "/";
export const SIGN_IN = "/accounts/login/";
export const OFFLINE = "/offlinesync/offline/";
/** Kept before anybody has visited it. */
export const NAMED = "/start/";
export const CLIENT = "/offlinesync/client.1.js";
export const STATIC = "/static/";
const STYLES = `${STATIC}site.css`;
const PICTURE = `${STATIC}picture.png`;

const STRATEGIES = {
  [HOME]: "network-first",
  "/news/": "stale-while-revalidate",
  "/mine/": "cache-first",
  "/bag/": "network-first",
  "/account/": "network-only",
};
const FOR_SOMEBODY = ["/mine/", "/account/"];
const OTHERS = [NAMED, OFFLINE, SIGN_IN];

export const PATHS = [...Object.keys(STRATEGIES), NAMED];

const FILES = {
  [CLIENT]: ["text/javascript", "// the client"],
  [STYLES]: ["text/css", `body { background: url("${PICTURE}") }`],
  [PICTURE]: ["image/png", "a picture"],
};

/** @param {string} text @returns {Set<string>} whose private words it holds */
export const ownersIn = (text) => new Set(Array.from(text.matchAll(/private word of (\w+)/g), ([, owner]) => owner));

/**
 * @param {{path: string, headers: Record<string, string>}} request
 * @param {string | null} user
 * @param {number} edition  another one is another content
 */
export function answerFor({ path, headers }, user, edition) {
  const file = FILES[path];
  if (file) return { status: 200, headers: { "content-type": file[0], "content-length": "9" }, text: file[1] };
  if (!(path in STRATEGIES) && !OTHERS.includes(path)) return { status: 404, headers: {}, text: "<h1>Not found</h1>" };
  if (FOR_SOMEBODY.includes(path) && user === null) return { status: 302, headers: {}, text: "" };
  const text = render(path, user ?? "", edition);
  const etag = `"${user ?? ""} ${edition}"`;
  if (headers["If-None-Match"] === etag) return { status: 304, headers: { etag }, text: "" };
  return { status: 200, headers: { "content-length": String(text.length), etag }, text };
}

function render(path, owner, edition) {
  const keep = STRATEGIES[path] ? `<meta name="offlinesync-keep" content="${STRATEGIES[path]}">\n` : "";
  const forOwner = owner && path !== OFFLINE ? `<p>private word of ${owner}</p>\n` : "";
  return (
    `<!doctype html>\n<meta name="offlinesync-owner" content="${path === OFFLINE ? "" : owner}">\n${keep}` +
    `<link rel="stylesheet" href="${STYLES}">\n<link rel="offlinesync-client" href="${CLIENT}">\n` +
    `<h1>${path}, edition ${edition}</h1>\n${forOwner}`
  );
}
