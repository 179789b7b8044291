/**
 * @typedef {object} Page  what a page says of itself
 * @property {string | null} owner  whom it was rendered for, "" for nobody; null: it does not say, and is not kept
 * @property {string | null} strategy
 * @property {string} language  "" where the site has but one
 * @property {string[]} references  what it is drawn with, as it is written there
 */

const OWNER = /<meta\s+name="offlinesync-owner"\s+content="([^"]*)"/;
const STRATEGY = /<meta\s+name="offlinesync-keep"\s+content="([^"]*)"/;
const LANGUAGE = /<meta\s+name="offlinesync-language"\s+content="([^"]*)"/;
const KEPT = /(<meta name="offlinesync-kept" content=")\d+/;
// Not what a link leads to, which the page is drawn without.
const REFERENCE = /<(?!a\s)[a-z][^>]*?\s(?:src|href)="([^"]+)"/gi;
const STYLE_REFERENCE = /url\(\s*["']?([^"')\s]+)|@import\s+["']([^"']+)/g;
const TOKEN_INPUT = /<input\b[^>]*\bname="csrfmiddlewaretoken"[^>]*>/gi;
const VALUE = /\bvalue="([^"]+)"/i;
const NONCE = /\snonce="[^"]*"/gi;
// What Django escapes.
const ESCAPED = { "&lt;": "<", "&gt;": ">", "&quot;": '"', "&#x27;": "'", "&#39;": "'", "&amp;": "&" };

/** @param {string} text */
const unescape = (text) => text.replace(/&(?:lt|gt|quot|#x27|#39|amp);/g, (escaped) => ESCAPED[escaped]);

/** @param {string} html @returns {Page} */
export function readPage(html) {
  const owner = OWNER.exec(html)?.[1];
  return {
    owner: owner === undefined ? null : unescape(owner),
    strategy: STRATEGY.exec(html)?.[1] ?? null,
    language: LANGUAGE.exec(html)?.[1] ?? "",
    references: Array.from(html.matchAll(REFERENCE), ([, reference]) => unescape(reference)),
  };
}

/** @param {string} css @returns {string[]} what a style sheet is drawn with, as it is written there */
export function readStyles(css) {
  return Array.from(css.matchAll(STYLE_REFERENCE), ([, plain, imported]) => plain ?? imported);
}

/** The page without its CSRF tokens, wherever they stand: one of another visit is never used (row D3). @param {string} html */
export function withoutTokens(html) {
  const tokens = (html.match(TOKEN_INPUT) ?? []).flatMap((input) => VALUE.exec(input)?.[1] ?? []);
  return tokens.reduce((text, token) => text.replaceAll(token, ""), html);
}

/** What two renderings of the same content have in common. @param {string} html */
export const contentOf = (html) => withoutTokens(html).replace(NONCE, "");

/**
 * The page as it is kept: it says so, since when, and in which version.
 *
 * @param {string} html
 * @param {{kept: number, version: string}} facts
 */
export function markKept(html, { kept, version }) {
  const mark = `<meta name="offlinesync-kept" content="${kept}" data-version="${version}">\n`;
  return withoutTokens(html).replace(OWNER, (owner) => mark + owner);
}

/** The server has said that it is as it was. @param {string} html @param {number} kept */
export const markAnew = (html, kept) => html.replace(KEPT, (_, start) => start + kept);
