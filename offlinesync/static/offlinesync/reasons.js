/** @import { Entry } from "./entries.js" */

// What is said of these speaks of no form to open.
const WITHOUT_A_FORM = ["forbidden", "unknown_form"];
// What is tried again before that is tried again in a moment.
const MOMENT = 60000;
// Nobody who means to send something lets it lie for longer without being told.
const LONG = 2 * 86400000;

/**
 * Says in plain words why something is still on the device, and what becomes of it.
 *
 * @typedef {{name: string, at: string | null}} Reason  the name of the template with the sentence, and when it is tried
 *   again, if that is not soon
 *
 * @param {object} collaborators
 * @param {ReturnType<import("./elements.js").createElements>} collaborators.elements
 * @param {{wall: () => number}} collaborators.clock
 * @param {ReturnType<import("./activity.js").createActivity>} collaborators.activity
 * @param {ReturnType<import("./connection.js").createConnection>} collaborators.connection
 */
export function createReasons({ elements, clock, activity, connection }) {
  /** @param {Entry} entry */
  function nameOf({ state, receipt, trouble, data }) {
    if (state === "refused" && data && !WITHOUT_A_FORM.includes(receipt?.code)) return "refused-no-form";
    const kind = state === "refused" ? "refused" : "waiting";
    const code = kind === "waiting" ? whyItWaits(trouble) : receipt?.status === "conflict" ? "conflict" : receipt?.code;
    return elements.has(`${kind}-${code}`) ? `${kind}-${code}` : `${kind}-other`;
  }

  /** Where the site has said nothing of the entry itself, what is happening now is what there is to say. */
  function whyItWaits(trouble) {
    if (trouble !== null && trouble !== "failed") return trouble;
    if (activity.now().sending) return "sending";
    return connection.now().state === "offline" ? "offline" : (trouble ?? "untried");
  }

  /** @param {number | null} [until]  of the entry's own pause @returns {string | null} ISO 8601 */
  function nextTry(until = null) {
    const { sending, next } = activity.now();
    const at = Math.max(Number(until) || 0, next ?? 0);
    // Beyond any pause there is stands a damaged entry, or a clock that has jumped (row B14).
    const isTold = !sending && at > clock.wall() + MOMENT && at < clock.wall() + 2 * 3600000;
    // To the minute, as it is told.
    return isTold ? new Date(Math.ceil(at / MOMENT) * MOMENT).toISOString() : null;
  }

  return {
    nextTry,

    /** @param {Entry} entry @returns {boolean} whether it has waited so long that somebody should see to it, as the device has the time */
    isLong: ({ state, captured_at }) => state !== "refused" && clock.wall() - Date.parse(captured_at) > LONG,

    /** @param {Entry} entry @returns {Reason} */
    of: (entry) => ({ name: nameOf(entry), at: entry.state === "refused" ? null : nextTry(entry.pause?.until) }),

    /**
     * It changes with every attempt, and nothing else around it does: whoever reads or presses there is not disturbed.
     *
     * @param {HTMLElement} place
     * @param {Reason} reason
     */
    say(place, reason) {
      const seen = JSON.stringify(reason);
      const said = place.querySelector(":scope > [data-offlinesync-reason]");
      if (said?.dataset.offlinesyncReason === seen) return;
      const element = elements.clone(reason.name);
      element.dataset.offlinesyncReason = seen;
      elements.tellNext(element, reason.at);
      if (said) said.replaceWith(element);
      else place.prepend(element);
    },
  };
}
