/** @import { Draft } from "./drafts.js" */

const ANSWER_TIME = 300;

/**
 * Offers what was written into a form and not sent, in a line before it, and says what is kept while somebody writes, in one
 * behind it: what comes in before a form moves its button away from under the finger.
 *
 * @param {object} collaborators
 * @param {Document} collaborators.document
 * @param {ReturnType<import("./elements.js").createElements>} collaborators.elements
 * @param {ReturnType<import("./drafts.js").createDrafts>} collaborators.drafts
 * @param {ReturnType<import("./outbox.js").createOutbox>} collaborators.outbox
 * @param {ReturnType<import("./acts.js").createActs>} collaborators.acts
 * @param {ReturnType<import("./correcting.js").createCorrecting>} collaborators.correcting
 * @param {ReturnType<import("./status.js").createStatus>} collaborators.status
 * @param {ReturnType<import("./formstates.js").createFormStates>} collaborators.stateOf
 * @param {typeof import("./fields.js")} collaborators.fields
 * @param {() => void} collaborators.ask  the other tabs which drafts are of a form that is open there
 * @param {{setTimeout: Function}} collaborators.clock
 * @param {string} collaborators.owner
 */
export function createOffers({ document, elements, drafts, outbox, acts, correcting, status, stateOf, fields, ask, clock, owner }) {
  /**
   * @typedef {object} Place
   * @property {HTMLFormElement} form
   * @property {HTMLElement} [before]
   * @property {HTMLElement} [after]
   * @property {Draft[]} offered  the newest first
   * @property {Draft | null} discarded  last, and can be taken back
   * @property {boolean | null} isKept  null: nothing has been kept, and nothing said
   */
  /** @type {Map<HTMLFormElement, Place>} */
  const places = new Map();
  /** @type {Set<IDBValidKey>} */
  const elsewhere = new Set();

  function placeOf(form) {
    if (!places.has(form)) places.set(form, { form, offered: [], discarded: null, isKept: null });
    return places.get(form);
  }

  function show(place) {
    const { offered, discarded, isKept } = place;
    say(place, "before", [
      ...(discarded ? [elements.clone("draft-discarded")] : []),
      ...(offered.length ? [offerOf(offered[0])] : []),
    ]);
    say(place, "after", isKept === null ? [] : [elements.clone(isKept ? "draft-kept" : "draft-not-kept")]);
  }

  /** @param {Place} place @param {"before" | "after"} side  of the form @param {HTMLElement[]} lines */
  function say(place, side, lines) {
    if (!place[side] && !lines.length) return;
    if (!place[side]) {
      place[side] = elements.clone("drafts");
      // A live region speaks only of what changes while it is in the page.
      place.form[side](place[side]);
    }
    // What is said already is not said again.
    const said = (element) => element.outerHTML;
    const there = new Map([...place[side].children].map((element) => [said(element), element]));
    elements.arrange(place[side], lines.map((line) => there.get(said(line)) ?? line));
  }

  function offerOf({ at, hasFiles }) {
    const line = elements.clone("draft-offer");
    for (const place of line.querySelectorAll("time")) elements.tellTime(place, at);
    if (!hasFiles) for (const place of line.querySelectorAll("[data-offlinesync-files]")) place.remove();
    return line;
  }

  /** Those of a form that is open in another tab are nobody's to take. */
  async function look(form) {
    const found = await drafts.found(form);
    if (!found.length) return;
    ask();
    await new Promise((resolve) => clock.setTimeout(resolve, ANSWER_TIME));
    // A page that was left by its owner is no place for it (P4).
    if (status.isSignedOut()) return;
    const place = placeOf(form);
    place.offered = found.filter(({ key }) => !elsewhere.has(key[3]));
    settle(form, place);
  }

  /** What stands in the form already, because the browser has put it back, is not offered as well. */
  function settle(form, place) {
    const standing = place.offered.filter((draft) => drafts.isThere(form, draft));
    for (const draft of standing) drafts.adopt(form, draft);
    place.offered = place.offered.filter((draft) => !standing.includes(draft));
    show(place);
  }

  async function putBack(form, place) {
    const [draft] = place.offered;
    const state = stateOf(form);
    await state.takenUp;
    if (state.busy || (state.refusal && state.refusal.id !== draft.corrects)) return status.say("form-in-use");
    // Nothing is sent while other words come into the form.
    state.busy = true;
    try {
      const aside = await drafts.takeOver(form, draft);
      await fill(form, state, draft);
      const others = place.offered.filter((each) => each !== draft);
      Object.assign(place, { offered: [...(aside ? [aside] : []), ...others], discarded: null });
    } finally {
      state.busy = false;
    }
    show(place);
    [...form.elements].find((control) => control.matches("input:not([type=hidden]), select, textarea"))?.focus();
    drafts.touch(form);
    await drafts.write(form);
  }

  /** What corrected something that was refused does so still, unless that has been sent or discarded since. */
  async function fill(form, state, { fields: words, corrects, base_version: shown, act }) {
    const entry = corrects ? await outbox.get(corrects) : undefined;
    const isRefused = entry !== undefined && entry.owner === owner && entry.state !== "waiting";
    const files = isRefused ? await correcting.filesOf(entry) : [];
    acts.forget(form);
    fields.empty(form);
    fields.fillForm(form, words, files);
    if (isRefused) await correcting.reopen(form, entry);
    if (shown !== null) form.dataset.offlinesyncBaseVersion = shown;
    Object.assign(state, { id: act, earlier: null, unsure: act !== null, typedOn: true });
  }

  async function discard(form, place) {
    const [draft, ...others] = place.offered;
    await drafts.remove(draft);
    Object.assign(place, { offered: others, discarded: draft });
    show(place);
    focusOn(place, "undo-draft");
  }

  async function undo(form, place) {
    const { discarded } = place;
    await drafts.restore(discarded);
    Object.assign(place, { offered: [discarded, ...place.offered], discarded: null });
    show(place);
    focusOn(place, "put-back");
  }

  function focusOn({ before }, action) {
    before.querySelector(`[data-offlinesync-action="${action}"]`)?.focus();
  }

  const ACTIONS = new Map([
    ["put-back", putBack],
    ["discard-draft", discard],
    ["undo-draft", undo],
  ]);

  return {
    /** Once the outbox can be read. */
    async start() {
      await Promise.all([...document.forms].filter(drafts.isWanted).map(look));
    },

    /** @param {IDBValidKey[]} ids  of drafts that belong to a form in another tab */
    hear(ids) {
      for (const id of ids) elsewhere.add(id);
    },

    /** @param {HTMLFormElement} form @param {"kept" | "failed" | "gone"} what  became of what stands in it */
    tell(form, what) {
      if (what !== "kept" && !places.has(form)) return;
      const place = placeOf(form);
      // Where nothing was promised, nothing has to be taken back.
      const before = place.isKept;
      place.isKept = { kept: true, failed: before === null ? null : false, gone: null }[what];
      settle(form, place);
    },

    actions: [...ACTIONS.keys()],

    /** @param {string} action @param {HTMLElement} button */
    async act(action, button) {
      const [form, place] = [...places].find(([, { before }]) => before?.contains(button)) ?? [];
      if (form && !status.isSignedOut()) await ACTIONS.get(action)(form, place);
    },
  };
}
