/** @import { Entry } from "./entries.js" */

/**
 * What the buttons do that stand in the status and in the list of what is kept.
 *
 * @param {object} collaborators
 * @param {ReturnType<import("./outbox.js").createOutbox>} collaborators.outbox
 * @param {ReturnType<import("./status.js").createStatus>} collaborators.status
 * @param {ReturnType<import("./listing.js").createListing>} collaborators.listing
 * @param {ReturnType<import("./elements.js").createElements>} collaborators.elements
 * @param {ReturnType<import("./connection.js").createConnection>} collaborators.connection
 * @param {ReturnType<import("./offers.js").createOffers>} collaborators.offers
 * @param {ReturnType<import("./backup.js").createBackup>} collaborators.download
 * @param {() => Promise<void>} collaborators.deliver  resolves when the attempt has ended
 * @param {() => Promise<string | null>} collaborators.sendNow  likewise, with what came of it; whatever waits for a time is tried
 * @param {ReturnType<import("./room.js").createRoom>} collaborators.withRoom
 * @param {ReturnType<import("./pending.js").createPending>} collaborators.pending
 * @param {(message: {type: "saved" | "discarded", id: string}) => void} collaborators.announce  to the other tabs
 * @param {(error: unknown) => void} collaborators.reportError
 * @param {string} collaborators.owner
 */
export function createControls({
  outbox, status, listing, pending, elements, connection, offers, withRoom, download, deliver, sendNow, announce, reportError, owner,
}) {
  /** What was discarded last, while it can be taken back. @type {{entry: Entry, contents: (ArrayBuffer | undefined)[]} | null} */
  let taken = null;

  /** @param {string | undefined} id  of the entry at which it was pressed; without one, it is about all of them */
  async function send(id) {
    const outcome = await sendNow();
    // Who has to sign in, or to load the page anew, is told just that.
    if (status.isSignedOut() || outcome === "unsupported_protocol") return;
    if (await isUnsent(id)) await status.say(connection.now().state === "offline" ? "unsent-offline" : "unsent");
  }

  /** @param {string | undefined} id  without one, any @returns {Promise<boolean>} what was refused says so itself */
  async function isUnsent(id) {
    if (id === undefined) return (await outbox.unsent(owner)) > 0;
    const entry = await outbox.get(id);
    return entry !== undefined && entry.state !== "refused";
  }

  /** @param {string | undefined} id  of an entry in the list, which its owner wants to be rid of (P2) */
  async function discard(id) {
    const entry = listing.shown(id);
    if (!entry) return;
    // Of what cannot be read any more there is nothing to take back (row B9).
    const contents = await outbox.contents(entry).catch(() => null);
    const isWhole = contents?.every((content) => content !== undefined);
    const gone = await outbox.discard(entry);
    // It has been changed in another tab, or sent.
    if (!gone) return status.refresh();
    taken = isWhole ? { entry: gone, contents } : null;
    pending.forget(id);
    announce({ type: "discarded", id });
    await status.say(taken ? "discarded" : "discarded-for-good");
    if (!listing.focus()) elements.focusOn("undo");
  }

  async function undo() {
    if (!taken) return;
    const { entry, contents } = taken;
    try {
      await withRoom(() => outbox.restore(entry, contents), contents);
    } catch (error) {
      reportError(error);
      return status.say("not-restored");
    }
    taken = null;
    announce({ type: "saved", id: entry.id });
    await status.say("restored");
    listing.focus();
    deliver().catch(reportError);
  }

  const ACTIONS = new Map([
    ["send", ({ offlinesyncEntry }) => send(offlinesyncEntry)],
    ["undo", undo],
    ["discard", ({ offlinesyncEntry }) => discard(offlinesyncEntry)],
    ["download", ({ offlinesyncFile }) => download(offlinesyncFile)],
    ["dismiss", () => status.dismissLoss()],
    ...offers.actions.map((action) => [action, (_, button) => offers.act(action, button)]),
  ]);

  return {
    /** @param {string} action @param {HTMLElement} button */
    async act(action, button) {
      if (!ACTIONS.has(action) || button.getAttribute("aria-busy") === "true") return;
      button.setAttribute("aria-busy", "true");
      try {
        await ACTIONS.get(action)(button.dataset, button);
      } finally {
        button.removeAttribute("aria-busy");
      }
    },
  };
}
