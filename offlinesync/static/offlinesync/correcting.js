/** @import { Entry, Receipt } from "./entries.js" */

const FRAGMENT = /^#offlinesync-([0-9a-f-]{36})$/;

/**
 * What needs the person's attention stands in the form that it came from, with what the site has said of it: at once, from a
 * link in the list, or when the browser has put back what stood there (row A8).
 *
 * @param {object} collaborators
 * @param {Window} collaborators.window
 * @param {ReturnType<import("./outbox.js").createOutbox>} collaborators.outbox
 * @param {ReturnType<import("./status.js").createStatus>} collaborators.status
 * @param {ReturnType<import("./formstates.js").createFormStates>} collaborators.stateOf
 * @param {ReturnType<import("./acts.js").createActs>} collaborators.acts
 * @param {typeof import("./fields.js")} collaborators.fields
 * @param {ReturnType<import("./refusal.js").createRefusal>} collaborators.showRefusal
 * @param {boolean} collaborators.isRevisited  the browser has put back what stood in the page's forms
 * @param {(error: unknown) => void} collaborators.reportError
 * @param {string} collaborators.owner
 */
export function createCorrecting({ window, outbox, status, stateOf, acts, fields, showRefusal, isRevisited, reportError, owner }) {
  const { document } = window;

  /** What has failed is told to the developer's console, and taken for no answer. */
  function told(error) {
    reportError(error);
    return null;
  }

  /** @param {HTMLFormElement} form @param {Receipt} receipt */
  async function show(form, receipt) {
    Object.assign(stateOf(form), { refusal: receipt, typedOn: false });
    acts.remember(form, receipt.id);
    status.onScreen.add(receipt.id);
    showRefusal(form, receipt);
    if (receipt.status === "conflict") {
      // Whoever sends it again has seen what it replaces.
      form.dataset.offlinesyncBaseVersion = receipt.version ?? "";
      return status.say("changed-meanwhile");
    }
    await status.say(receipt.code === "id_reuse" ? "refused-again" : "refused");
  }

  /** Opens what the site refused in the form it came from: the link carries the entry's id. */
  async function openRefused() {
    const id = FRAGMENT.exec(window.location.hash)?.[1];
    const entry = id && (await outbox.get(id));
    if (!entry || entry.owner !== owner || entry.state === "waiting") return;
    const form = formOf(entry);
    if (!form) return status.showWords(id);
    const state = stateOf(form);
    await state.takenUp;
    const files = await filesOf(entry);
    // The browser has put it back itself, with what the person has changed since.
    if (state.refusal?.id === id) return;
    if (state.busy || state.typedOn) return status.say("form-in-use");
    if (state.refusal) fields.empty(form);
    fields.fillForm(form, entry.fields, files);
    status.onScreen.delete(state.refusal?.id);
    await reopen(form, entry);
  }

  /**
   * What was written stands beside what its page had shown, and not beside what this one shows (row E1).
   *
   * @param {HTMLFormElement} form  that it stands in
   * @param {Entry} entry
   */
  async function reopen(form, { id, receipt, base_version: shown }) {
    if (shown != null) form.dataset.offlinesyncBaseVersion = shown;
    await show(form, receipt ?? { id, status: "rejected" });
  }

  /** What the browser has put back into a form is what stood in it, under the id that it had then (row A8). */
  async function takeUp(form) {
    const id = acts.recall(form);
    if (id === undefined) return;
    const state = stateOf(form);
    const entry = await outbox.get(id).catch(told);
    const files = entry && entry.state !== "waiting" ? await filesOf(entry) : [];
    // Nothing is waited for from here on: nobody types or presses in between.
    // To fill a duplicated tab Firefox types, sooner or later than this.
    const isTheirs = !(state.typedOn || state.wasTypedOn) || fields.holds(form, entry?.fields);
    if (!entry) state.id = fields.isFilled(form) ? id : null;
    // The same words under the same id are one act, also if they arrive meanwhile.
    else if (entry.state === "waiting" && state.busy) state.id = id;
    else if (entry.state === "waiting") {
      state.earlier = id;
      if (isTheirs) fields.empty(form);
    } else if (isTheirs) {
      if (fields.isFilled(form)) fields.completeForm(form, entry.fields, files);
      else fields.fillForm(form, entry.fields, files);
      reopen(form, entry).catch(told);
    }
  }

  async function takeUpAll() {
    const forms = [...document.forms];
    if (!isRevisited) return forms.forEach((form) => acts.forget(form));
    await Promise.all(forms.map((form) => (stateOf(form).takenUp = takeUp(form).catch(told))));
  }

  /** A page may hold several forms of one name, each for another object, and some that differ in nothing we know. */
  function formOf({ id, form, target }) {
    const found = [...document.forms].filter(
      ({ dataset }) => dataset.offlinesyncForm === form && (dataset.offlinesyncTarget ?? null) === target,
    );
    return found.find((each) => acts.recall(each) === id) ?? found[0];
  }

  /** @param {Entry} entry @returns {Promise<{field: string, file: File}[]>} those that can still be read */
  async function filesOf(entry) {
    const contents = (await outbox.contents(entry).catch(told)) ?? [];
    return entry.files.flatMap(({ field, name, type }, index) =>
      contents[index] ? [{ field, file: new File([contents[index]], name, { type }) }] : [],
    );
  }

  return { show, reopen, filesOf, takeUpAll, openRefused };
}
