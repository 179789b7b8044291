/**
 * Says what is true of the page owner's entries, and of nobody else's (P4).
 *
 * @param {object} collaborators
 * @param {ReturnType<import("./outbox.js").createOutbox>} collaborators.outbox
 * @param {ReturnType<import("./elements.js").createElements>} collaborators.elements
 * @param {string} collaborators.owner
 */
export function createStatus({ outbox, elements, owner }) {
  /** @type {{name: string, href?: string} | null} */
  let news = null;
  /** Entries that stand in a form of this page are not listed as well. @type {Set<string>} */
  const onScreen = new Set();
  let latest = 0;

  async function refresh() {
    const turn = ++latest;
    const [waiting, attention, others] = await Promise.all([
      outbox.countWaiting(owner),
      outbox.needingAttention(owner),
      outbox.holdsOthers(owner),
    ]);
    // A slower reading that began earlier must not overwrite a newer one.
    if (turn !== latest) return;
    const listed = attention.filter((entry) => !onScreen.has(entry.id));
    elements.showStatus([
      ...(news ? [news] : []),
      ...(waiting ? [{ name: "waiting", count: waiting }] : []),
      ...(listed.length ? [{ name: "attention", count: listed.length, href: linkTo(listed[0]) }] : []),
      ...(owner === "" && others ? [{ name: "sign-in" }] : []),
    ]);
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
