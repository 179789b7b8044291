/** @import { Receipt } from "./entries.js" */

/**
 * Shows in a form why the site has not taken what was written in it. Where somebody else has changed what it is about,
 * theirs stands beside mine, and can be taken field by field (row E1).
 *
 * @param {object} collaborators
 * @param {ReturnType<import("./elements.js").createElements>} collaborators.elements
 * @param {typeof import("./errors.js")} collaborators.errors
 * @param {typeof import("./fields.js")} collaborators.fields
 */
export function createRefusal({ elements, errors, fields }) {
  /** @param {Receipt} receipt @returns {import("./errors.js").FieldErrors} */
  function whatIsThere({ current }) {
    const said = elements.clone("there-now").textContent.trim();
    return Object.fromEntries(Object.entries(current ?? {}).map(([name, value]) => [name, [{ message: `${said} ${value ?? ""}`, code: "" }]]));
  }

  /**
   * @param {HTMLElement} place  behind what is there now
   * @param {() => () => void} fill  the form with theirs; what it returns puts mine back
   * @param {boolean} isUntouched  mine is what the page had shown: nobody wants that back by having overlooked it
   */
  function offer(place, fill, isUntouched) {
    const choice = elements.clone("choose");
    const button = (which) => choice.querySelector(`[data-offlinesync-take="${which}"]`);
    let putBack = () => {};
    function take(which) {
      if (which === "mine") putBack();
      else putBack = fill();
      for (const each of ["theirs", "mine"]) button(each).hidden = each === which;
    }
    for (const which of ["theirs", "mine"]) {
      button(which).addEventListener("click", () => {
        take(which);
        choice.querySelector("button:not([hidden])").focus();
      });
    }
    place.append(" ", choice);
    if (isUntouched) take("theirs");
    else button("mine").hidden = true;
  }

  /** @param {HTMLFormElement} form @param {Receipt} receipt */
  return function showRefusal(form, receipt) {
    const placed = errors.showErrors(form, receipt.errors ?? whatIsThere(receipt), elements.newErrorList);
    // A site's own texts may be those of an earlier release.
    if (receipt.errors || !elements.has("choose")) return;
    for (const [name, theirs] of Object.entries(receipt.current_fields ?? {})) {
      const place = placed.get(name)?.querySelector("li:last-child");
      if (place) offer(place, () => fields.fillField(form, name, theirs), (receipt.untouched ?? []).includes(name));
    }
  };
}
