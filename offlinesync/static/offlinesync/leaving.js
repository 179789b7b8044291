// Whoever wants to be gone is not held up by a device that does not answer (P8).
const PATIENCE = 1000;

/**
 * Before somebody signs out who has left something here: it can be sent first, or it stays, and they know it.
 *
 * @param {object} collaborators
 * @param {Document} collaborators.document
 * @param {ReturnType<import("./outbox.js").createOutbox>} collaborators.outbox
 * @param {ReturnType<import("./elements.js").createElements>} collaborators.elements
 * @param {{setTimeout: Function}} collaborators.clock
 * @param {() => Promise<void>} collaborators.sendNow  resolves when the attempt has ended
 * @param {string} collaborators.owner
 * @returns {() => Promise<boolean>} whether they want to sign out
 */
export function createLeaving({ document, outbox, elements, clock, sendNow, owner }) {
  async function left() {
    const [sendable, attention] = await Promise.all([outbox.unsent(owner), outbox.needingAttention(owner)]);
    const refused = attention.filter(({ state }) => state === "refused").length;
    return { sendable, count: sendable + refused };
  }

  function leftInTime() {
    const late = new Promise((resolve) => clock.setTimeout(() => resolve({ sendable: 0, count: 0 }), PATIENCE));
    return Promise.race([left(), late]);
  }

  function tell(dialog, { sendable, count }) {
    dialog.querySelector("[data-offlinesync-count]").textContent = String(count);
    if (!sendable) dialog.querySelector("[value=send]").remove();
  }

  /** @param {HTMLDialogElement} dialog @returns {Promise<string>} the value of the button; "" where it was only closed */
  function answerOf(dialog) {
    return new Promise((resolve) => {
      dialog.addEventListener("close", () => resolve(dialog.returnValue), { once: true });
    });
  }

  /** The dialog stays until it is known what came of it. */
  function onSend(dialog, button, event) {
    event.preventDefault();
    if (button.getAttribute("aria-busy") === "true") return;
    button.setAttribute("aria-busy", "true");
    sendFirst(dialog).finally(() => button.removeAttribute("aria-busy"));
  }

  async function sendFirst(dialog) {
    await sendNow();
    const now = await left();
    if (now.count === 0) return dialog.close("leave");
    tell(dialog, now);
    dialog.querySelector("[data-offlinesync-unsent]").hidden = false;
  }

  return async function mayLeave() {
    const found = await leftInTime().catch(() => ({ count: 0 }));
    const canAsk = elements.has("leaving") && "HTMLDialogElement" in document.defaultView;
    if (found.count === 0 || !canAsk) return true;
    const dialog = elements.clone("leaving");
    tell(dialog, found);
    const button = dialog.querySelector("[value=send]");
    button?.addEventListener("click", (event) => onSend(dialog, button, event));
    document.body.append(dialog);
    const answer = answerOf(dialog);
    dialog.showModal();
    const wish = await answer;
    dialog.remove();
    return wish === "leave";
  };
}
