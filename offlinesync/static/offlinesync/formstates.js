/** @import { Receipt } from "./entries.js" */

/**
 * What is known of a form, for as long as its page is there.
 *
 * @typedef {object} FormState
 * @property {boolean} busy
 * @property {boolean} typedOn  the person has typed since the form was saved, filled or emptied
 * @property {boolean} wasTypedOn  when the button was pressed
 * @property {Receipt | null} refusal  of the entry that stands in the form to be corrected
 * @property {boolean} plainly  it could not be saved
 * @property {string | null} id  of the act, from the first submit until it is saved (row A8)
 * @property {string | null} earlier  id of what stood in the form when the page was left, and waits
 * @property {boolean} unsure  it may have been saved all the same (row A3)
 * @property {Promise<unknown> | null} takenUp  once it is known which act it is that the browser has put back
 */

/** @returns {(form: HTMLFormElement) => FormState} */
export function createFormStates() {
  /** @type {WeakMap<HTMLFormElement, FormState>} */
  const states = new WeakMap();
  return function stateOf(form) {
    if (!states.has(form)) states.set(form, fresh());
    return states.get(form);
  };
}

/** @returns {FormState} */
function fresh() {
  return { busy: false, typedOn: false, wasTypedOn: false, refusal: null, plainly: false, id: null, earlier: null, unsure: false, takenUp: null };
}
