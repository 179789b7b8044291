/**
 * Says what is true of the page owner's entries, and of nobody else's (P4).
 *
 * @param {object} collaborators
 * @param {ReturnType<import("./outbox.js").createOutbox>} collaborators.outbox
 * @param {ReturnType<import("./elements.js").createElements>} collaborators.elements
 * @param {(error: unknown) => void} collaborators.reportError
 * @param {string} collaborators.owner
 */
export function createStatus({ outbox, elements, reportError, owner }) {
  /** @type {{name: string, href?: string} | null} */
  let news = null;
  /** Entries that stand in a form of this page are not listed as well. @type {Set<string>} */
  const onScreen = new Set();
  let latest = 0;

  /** @returns {Promise<{name: string, count?: number, href?: string}[]>} */
  async function countedLines() {
    const [waiting, attention, others] = await Promise.all([
      outbox.countWaiting(owner),
      outbox.needingAttention(owner),
      outbox.holdsOthers(owner),
    ]);
    const listed = attention.filter((entry) => !onScreen.has(entry.id));
    return [
      ...(waiting ? [{ name: "waiting", count: waiting }] : []),
      ...(listed.length ? [{ name: "attention", count: listed.length, href: linkTo(listed[0]) }] : []),
      ...(owner === "" && others ? [{ name: "sign-in" }] : []),
    ];
  }

  async function refresh() {
    const turn = ++latest;
    let counted = [];
    try {
      counted = await countedLines();
    } catch (error) {
      // The news is true whether or not the outbox can be counted now.
      reportError(error);
    }
    // A slower reading that began earlier must not overwrite a newer one.
    if (turn === latest) elements.showStatus([...(news ? [news] : []), ...counted]);
  }

  return {
    refresh,
    onScreen,

    /**
     * @param {string} name  of the template with the sentence
     * @param {string} [href]
     */
    say(name, href) {
      news = { name, href };
      return refresh();
    },
  };
}

/** @param {import("./entries.js").Entry} entry */
const linkTo = (entry) => `${entry.page}#offlinesync-${entry.id}`;
