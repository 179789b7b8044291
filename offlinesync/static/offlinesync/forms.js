/** @import { Receipt } from "./entries.js" */

const LONGEST_WAIT = 10000;

/**
 * Takes over the forms that `{% offline_form %}` marks: saved first, then sent. A form is posted plainly only before
 * the write has started or after it has aborted, never both (P7).
 *
 * @param {object} collaborators
 * @param {Window} collaborators.window
 * @param {ReturnType<import("./outbox.js").createOutbox>} collaborators.outbox
 * @param {ReturnType<import("./status.js").createStatus>} collaborators.status
 * @param {ReturnType<import("./elements.js").createElements>} collaborators.elements
 * @param {ReturnType<import("./transport.js").createTransport>["session"]} collaborators.fetchSession
 * @param {() => Promise<void>} collaborators.deliver  resolves when the attempt has ended
 * @param {() => Promise<boolean>} collaborators.armSync  whether the browser will deliver with the page closed
 * @param {{setTimeout: Function, clearTimeout: Function}} collaborators.clock
 * @param {string} collaborators.owner
 * @param {() => string} collaborators.newId
 * @param {() => string} collaborators.timestamp
 * @param {typeof import("./entries.js").newEntry} collaborators.newEntry
 * @param {ReturnType<import("./acts.js").createActs>} collaborators.acts
 * @param {typeof import("./fields.js")} collaborators.fields
 * @param {typeof import("./errors.js")} collaborators.errors
 * @param {ReturnType<import("./formstates.js").createFormStates>} collaborators.stateOf
 * @param {ReturnType<import("./correcting.js").createCorrecting>} collaborators.correcting
 * @param {ReturnType<import("./drafts.js").createDrafts>} collaborators.drafts
 * @param {ReturnType<import("./messages.js").createMessages>} collaborators.messages
 * @param {ReturnType<import("./posting.js").createPosting>} collaborators.post
 * @param {ReturnType<import("./room.js").createRoom>} collaborators.withRoom
 * @param {(url: string) => Promise<void>} collaborators.outdate  what is kept of a page
 * @param {() => void} collaborators.announceSaved  to the other tabs
 * @param {() => void} collaborators.askToPersist  has the browser keep what lies here (row A9)
 * @param {(error: unknown) => void} collaborators.reportError
 */
export function createForms(collaborators) {
  const { window, outbox, status, elements, fetchSession, deliver, armSync, clock, owner } = collaborators;
  const { newId, timestamp, newEntry, acts, stateOf, correcting, drafts, fields, errors, messages, announceSaved, askToPersist, post, outdate, withRoom, reportError } = collaborators;
  const { document } = window;
  /** @type {Map<string, (receipt: Receipt) => void>} */
  const awaited = new Map();
  let leaving = false;

  function isCaptured(form, submitter) {
    const method = submitter?.getAttribute("formmethod") ?? form.getAttribute("method") ?? "";
    const elsewhere = ["formaction", "formtarget"].some((name) => submitter?.hasAttribute(name));
    return form.dataset.offlinesyncForm !== undefined
      && method.toLowerCase() === "post"
      && !elsewhere
      && !fields.isSkipped(form, submitter)
      && !form.hasAttribute("target")
      && !fields.holdsSecrets(form);
  }

  function onSubmit(event) {
    const { target: form, submitter } = event;
    if (event.defaultPrevented || !isCaptured(form, submitter)) return;
    event.preventDefault();
    const state = stateOf(form);
    // Two clicks are one act, also while the next page is on its way (row A8).
    if (!state.busy && !leaving) submit(form, submitter, state).catch(told);
  }

  async function submit(form, submitter, state) {
    state.busy = true;
    submitter?.setAttribute("aria-busy", "true");
    try {
      elements.bringStatusTo(form);
      await (state.plainly ? sendUnsaved(form, submitter, { anyway: true }) : saveAndSend(form, submitter, state));
    } finally {
      drafts.release(form);
      state.busy = false;
      submitter?.removeAttribute("aria-busy");
    }
  }

  /** What has failed is told to the developer's console, and taken for no answer. */
  function told(error) {
    reportError(error);
    return null;
  }

  async function saveAndSend(form, submitter, state) {
    // As it stands when the button is pressed: what is typed on is not in it, and a script may empty the form at once (P2).
    const content = fields.readForm(form, submitter);
    const { refusal, typedOn: wasTypedOn } = state;
    Object.assign(state, { wasTypedOn, typedOn: false });
    const drafted = await drafts.hold(form);
    await state.takenUp;
    // What was refused, and turns out to stand here, is seen before it is sent again (P2, row E1).
    if (state.refusal !== refusal) return;
    try {
      await withRoom(outbox.open);
    } catch (error) {
      state.typedOn = true;
      if (state.unsure || state.refusal) return notSaved(form, submitter, state, error);
      // No IndexedDB here: the form is what it was without us (P7, row A10).
      return sendUnsaved(form, submitter, { anyway: true });
    }
    let id;
    try {
      id = await save(form, { ...content, drafted }, state);
    } catch (error) {
      told(error);
      return notSaved(form, submitter, state, error);
    }
    // From here on it is saved, and nothing that fails may leave it in the form to be sent twice (P3).
    Object.assign(state, { refusal: null, id: null, earlier: null, unsure: false });
    drafts.end(form);
    status.onScreen.add(id);
    await saySaved(form).catch(told);
    const armed = armSync();
    const receipt = await firstAnswer(id).catch(told);
    if (receipt && ["rejected", "conflict"].includes(receipt.status)) return correcting.show(form, receipt);
    status.onScreen.delete(id);
    // What was typed on while it was being sent is not in the entry, and stays (P2). Otherwise the form is emptied before
    // the page is left, so that the way back does not lead to a form that is full and sent already (row A8).
    const { typedOn } = state;
    acts.forget(form);
    if (!typedOn) fields.empty(form);
    if (receipt?.status === "accepted") return accepted(receipt, typedOn);
    const isGone = (await outbox.get(id).catch(told)) === undefined;
    if (isGone) await status.say("sent");
    else await status.say((await armed) ? "saved-sync" : "saved");
  }

  async function saySaved(form) {
    errors.clearErrors(form);
    await status.say("saved-sending");
  }

  /** @returns {Promise<string>} the entry's id, once it lies on the device */
  async function save(form, content, state) {
    const { refusal } = state;
    const { offlinesyncForm, offlinesyncLabel, offlinesyncLanguage, offlinesyncTimeZone, offlinesyncTarget, offlinesyncGroup, offlinesyncRefs, offlinesyncBaseVersion } = form.dataset;
    const contents = await Promise.all(content.files.map(({ file }) => file.arrayBuffer()));
    // An id that the site has on record with other content is of no more use.
    state.id ??= refusal && refusal.code !== "id_reuse" ? refusal.id : await idOf(state);
    acts.remember(form, state.id);
    const entry = newEntry({
      id: state.id,
      owner,
      form: offlinesyncForm,
      page: window.location.pathname + window.location.search,
      captured_at: timestamp(),
      fields: content.fields,
      label: offlinesyncLabel,
      labels: fields.labelsOf(form),
      files: content.files.map(({ field, file }, index) => {
        const { byteLength: size } = contents[index];
        return { field, part: `f${index}`, name: file.name, type: file.type, size };
      }),
      language: offlinesyncLanguage ?? null,
      time_zone: offlinesyncTimeZone ?? null,
      target: offlinesyncTarget ?? null,
      group: offlinesyncGroup ?? null,
      base_version: offlinesyncBaseVersion ?? null,
      refs: fields.namesIn(offlinesyncRefs),
    });
    if (!refusal || !(await withRoom(() => outbox.replace(refusal.id, entry, contents, content.drafted), contents))) {
      // Under an id of which nobody knows what came of it the words may have been sent, and are not to be sent twice (P3).
      // Otherwise what was refused has been dealt with in another tab: these are other words.
      if (refusal && !state.unsure) rename(form, state, entry);
      // An earlier attempt has saved what stood in the form then, and these are other words.
      while (!(await withRoom(() => outbox.save(entry, contents, content.drafted), contents))) rename(form, state, entry);
    }
    announceSaved();
    askToPersist();
    return entry.id;
  }

  /** Before it is written: of that write, too, it may stay unknown what came of it. */
  function rename(form, state, entry) {
    state.id = entry.id = newId();
    acts.remember(form, entry.id);
  }

  /** A new one, unless the same words may wait already under an earlier one. */
  async function idOf({ earlier }) {
    const isThere = earlier !== null && (await outbox.get(earlier)) !== undefined;
    return isThere ? earlier : newId();
  }

  /** @returns {Promise<Receipt | null>} null: the first attempt has ended without an answer, or is taking too long */
  async function firstAnswer(id) {
    let timer;
    const receipt = new Promise((resolve) => awaited.set(id, resolve));
    const timeout = new Promise((resolve) => {
      timer = clock.setTimeout(() => resolve(null), LONGEST_WAIT);
    });
    try {
      return await Promise.race([receipt, attempt(id, receipt), timeout]);
    } finally {
      clock.clearTimeout(timer);
      awaited.delete(id);
    }
  }

  async function attempt(id, receipt) {
    await deliver();
    const entry = await outbox.get(id);
    if (entry) return entry.receipt;
    // Another tab or the worker has delivered it, and its word of the receipt is on the way.
    return receipt;
  }

  function leave() {
    leaving = true;
    clock.setTimeout(() => {
      leaving = false;
    }, LONGEST_WAIT);
  }

  async function accepted({ result }, stays) {
    if (!result?.url || stays) return saySent(result);
    leave();
    messages.carry(result.messages ?? []);
    // Whoever has just sent something looks for it there.
    await outdate(result.url).catch(told);
    // It is what the page says when it is come back to.
    status.say("sent").catch(told);
    window.location.assign(new URL(result.url, window.location.href).href);
  }

  function saySent(result) {
    return status.say(result?.url ? "sent-link" : "sent", result?.url, result?.messages);
  }

  async function notSaved(form, submitter, state, error) {
    // What can't be shown goes out all the same (P7).
    await status.say(error.name === "QuotaExceededError" ? "no-room" : "not-saved").catch(told);
    // What stands in the form is in no entry, and no entry is to be put over it (P2).
    state.typedOn = true;
    // Nobody knows whether it lies in the outbox after all: it is tried again under its id, and never posted as well (P7).
    state.unsure ||= error.name === "TimeoutError";
    if (state.unsure) return;
    state.plainly = true;
    // A refused entry lies in the outbox still, and must not be in the database as well without the person's will.
    if (!state.refusal) await sendUnsaved(form, submitter, { anyway: false });
  }

  /**
   * Posts a form that could not be saved, if the site is there.
   *
   * @param {{anyway: boolean}} wish  the person has pressed the button again: let the browser try
   */
  async function sendUnsaved(form, submitter, { anyway }) {
    const answer = await fetchSession();
    const reached = answer.kind === "session";
    // Under another account than the page's the words would become somebody else's (P4).
    if (reached && (answer.session.owner ?? "") !== owner) return status.say("other-account");
    if (reached || anyway) post(form, submitter, answer);
  }

  function onInput({ target }) {
    const form = target.form ?? target.closest?.("form");
    if (form) stateOf(form).typedOn = true;
  }

  return {
    takes: (form) => isCaptured(form, null),
    /** @param {import("./fields.js").Before} before */
    async start({ typed, isLeaving }) {
      // A secret is one still when its field shows it as plain text.
      for (const form of document.forms) fields.holdsSecrets(form);
      drafts.start(typed);
      for (const form of typed) stateOf(form).typedOn = true;
      if (isLeaving) leave();
      const said = messages.take();
      if (said.length) status.pass(said).catch(told);
      document.addEventListener("submit", onSubmit);
      document.addEventListener("input", onInput);
      window.addEventListener("pageshow", () => {
        leaving = false;
      });
      window.addEventListener("hashchange", () => correcting.openRefused().catch(told));
      await correcting.takeUpAll();
      await correcting.openRefused();
    },

    /**
     * @param {string} receiptsOwner
     * @param {Receipt[]} receipts
     */
    async receive(receiptsOwner, receipts) {
      if (receiptsOwner !== owner) return;
      const late = receipts.filter((receipt) => {
        const resolve = awaited.get(receipt.id);
        resolve?.(receipt);
        return !resolve && receipt.status === "accepted";
      });
      if (late.length) await saySent(late[late.length - 1].result);
      else await status.refresh();
    },
  };
}
