/** @import { Entry } from "./entries.js" */

const FORMAT = 1;
const PAGE = 20;
// Browsers read the file after the click, and some of them much later.
const KEPT_FOR = 60000;

/**
 * One owner's entries as a file to keep, files included: what lies on one device only can be lost with it (row A9).
 *
 * @param {object} collaborators
 * @param {Document} collaborators.document
 * @param {ReturnType<import("./outbox.js").createOutbox>} collaborators.outbox
 * @param {{setTimeout: Function}} collaborators.clock
 * @param {() => string} collaborators.timestamp
 * @param {string} collaborators.owner
 * @returns {(name: string) => Promise<void>}
 */
export function createBackup({ document, outbox, clock, timestamp, owner }) {
  /** @param {Entry} entry */
  async function readable(entry) {
    // With all that the site is sent of it: `offlinesync_import` takes it in as a delivery would.
    const { id, form, page, captured_at, label, labels, fields, data, receipt, trouble } = entry;
    const { language, time_zone, target, group, base_version, refs } = entry;
    // A file that cannot be read any more is no reason to keep no copy of all the rest (row B9).
    const contents = await outbox.contents(entry).catch(() => []);
    const listed = Array.isArray(entry.files) ? entry.files : [];
    const files = await Promise.all(
      listed.map(async (file, index) => {
        const base64 = contents[index] ? await toBase64(contents[index]).catch(() => null) : null;
        return { field: file?.field, name: file?.name, type: file?.type, size: file?.size, base64 };
      }),
    );
    const said = { id, form, page, captured_at, label, labels, fields, data, files, receipt, trouble };
    return { ...said, language, time_zone, target, group, base_version, refs };
  }

  /** In parts, because one text of all files may be more than a browser holds. @returns {Promise<string[]>} */
  async function written() {
    const head = JSON.stringify({ format: FORMAT, site: document.location.origin, owner, written_at: timestamp() });
    const parts = [head.slice(0, -1), ',"entries":['];
    for (let after = 0; ;) {
      const entries = await outbox.page(owner, { after, limit: PAGE });
      for (const entry of entries) {
        if (parts.length > 2) parts.push(",");
        parts.push(JSON.stringify(await readable(entry)));
      }
      if (entries.length < PAGE) return [...parts, "]}"];
      after = entries[entries.length - 1].seq;
    }
  }

  return async function download(name) {
    const url = URL.createObjectURL(new Blob(await written(), { type: "application/json" }));
    Object.assign(document.createElement("a"), { href: url, download: name }).click();
    clock.setTimeout(() => URL.revokeObjectURL(url), KEPT_FOR);
  };
}

/** @param {ArrayBuffer} content @returns {Promise<string>} */
function toBase64(content) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result.slice(reader.result.indexOf(",") + 1));
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(new Blob([content]));
  });
}
