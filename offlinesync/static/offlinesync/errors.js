/**
 * Shows the server's field errors in a form, in the markup that Django's own re-rendered form has.
 *
 * @typedef {Record<string, {message: string, code: string}[]>} FieldErrors  keyed by the control's name; `__all__` for the form
 */

const NON_FIELD = "__all__";

/**
 * @param {HTMLFormElement} form
 * @param {FieldErrors} errors
 * @param {(nonField: boolean) => HTMLElement} newList  an empty list with one item to repeat
 * @returns {Map<string, HTMLElement>} the lists that stand at their fields
 */
export function showErrors(form, errors, newList) {
  clearErrors(form);
  const unplaced = [];
  const placed = new Map();
  for (const [name, found] of Object.entries(errors)) {
    const control = name === NON_FIELD ? null : visibleControl(form, name);
    if (control) placed.set(name, placeAt(form, control, name, fill(newList(false), found)));
    else unplaced.push(...found);
  }
  if (unplaced.length) form.prepend(fill(newList(true), unplaced));
  form.querySelector("[aria-invalid=true]")?.focus();
  return placed;
}

/** @param {HTMLFormElement} form */
export function clearErrors(form) {
  const controls = [...form.elements];
  for (const list of listsOf(form, controls)) {
    for (const control of controls) undescribe(control, list.id);
    list.remove();
  }
  for (const control of controls) control.removeAttribute("aria-invalid");
}

/** Also those of controls that stand outside of their form. */
function listsOf(form, controls) {
  const described = controls.flatMap((control) => (control.getAttribute("aria-describedby") ?? "").split(/\s+/));
  const outside = described.filter(Boolean).map((id) => form.ownerDocument.getElementById(id));
  return new Set([...form.querySelectorAll(".errorlist"), ...outside.filter((list) => list?.matches(".errorlist"))]);
}

/** The control of a field, or the first of several that make up one field. */
function visibleControl(form, name) {
  const found = form.elements.namedItem(name) ?? form.elements.namedItem(`${name}_0`);
  const named = found instanceof RadioNodeList ? found[0] : found;
  const control = named ?? form.querySelector(`:is(input, select, textarea)[id^="${CSS.escape(`id_${name}_`)}"]`);
  return control && control.type !== "hidden" ? control : null;
}

function placeAt(form, control, name, list) {
  // A group of radio buttons or checkboxes stands in an element that bears the field's own id.
  const group = form.querySelector(`#${CSS.escape(`id_${name}`)}`);
  const widget = group?.contains(control) ? group : control;
  const anchor = widget.id || `id_${name}`;
  list.id = `${anchor}_error`;
  control.setAttribute("aria-invalid", "true");
  const described = (control.getAttribute("aria-describedby") ?? "").split(/\s+/).filter(Boolean);
  control.setAttribute("aria-describedby", [...described, list.id].join(" "));
  // In a paragraph a list cannot stand: there Django writes it before the paragraph.
  (widget.closest("p") ?? widget).before(list);
  return list;
}

function undescribe(control, id) {
  const left = (control.getAttribute("aria-describedby") ?? "").split(/\s+/).filter((part) => part && part !== id);
  if (left.length) control.setAttribute("aria-describedby", left.join(" "));
  else control.removeAttribute("aria-describedby");
}

function fill(list, errors) {
  const item = list.querySelector("li");
  for (const { message } of errors) {
    const line = item.cloneNode(true);
    line.textContent = message;
    list.append(line);
  }
  item.remove();
  return list;
}
