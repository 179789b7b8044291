/**
 * @typedef {object} Before  what has happened on the page before the client ran
 * @property {Set<HTMLFormElement>} typed  the person has written in them
 * @property {boolean} isLeaving  a form is on its way already, as a plain one
 * @property {boolean} isRestored  the page has been in the back/forward cache
 */

/**
 * What the browser's own POST of a form would carry, and the way back into the form.
 *
 * @typedef {{fields: [string, string][], files: {field: string, file: File}[]}} Content
 */

const CSRF_FIELD = "csrfmiddlewaretoken";
const NEVER_KEPT = ["[type=password]", "[autocomplete*=password]", "[autocomplete*=cc-]", "[autocomplete*=one-time-code]"].join();
const BUTTONS = "button, [type=submit], [type=image], [type=button], [type=reset]";
const CHOICES = "[type=checkbox], [type=radio], select[multiple]";

/** Where a secret has been seen: a button may turn a password into plain text. @type {WeakSet<HTMLFormElement>} */
const secret = new WeakSet();

/** @param {HTMLFormElement} form */
export function holdsSecrets(form) {
  if ([...form.elements].some((control) => control.matches(NEVER_KEPT))) secret.add(form);
  return secret.has(form);
}

/** @param {string} [text] */
export const namesIn = (text = "") => text.split(/\s+/).filter(Boolean);

/**
 * @param {HTMLFormElement} form
 * @param {HTMLElement | null} submitter
 * @returns {boolean} whether what the button asks for, a preview say, is no submission
 */
export function isSkipped(form, submitter) {
  return namesIn(form.dataset.offlinesyncSkip).includes(submitter?.name);
}

/**
 * @param {HTMLFormElement} form
 * @param {HTMLElement | null} submitter
 * @returns {Content}
 */
export function readForm(form, submitter) {
  /** @type {Content} */
  const content = { fields: [], files: [] };
  for (const [name, value] of formData(form, submitter)) {
    if (name === CSRF_FIELD) continue;
    if (typeof value === "string") content.fields.push([crlf(name), crlf(value)]);
    else if (value.name || value.size) content.files.push({ field: crlf(name), file: value });
    // A file input left empty posts a nameless empty file, which Django takes for an empty text.
    else content.fields.push([crlf(name), ""]);
  }
  return content;
}

function formData(form, submitter) {
  // A site's own handler may have taken the button out of the form meanwhile.
  const data = new FormData(form, submitter?.form === form ? submitter : null);
  // Browsers from before 2023 ignore the second argument.
  if (submitter?.name && submitter.type !== "image" && !data.has(submitter.name)) {
    data.append(submitter.name, submitter.value);
  }
  return data;
}

/**
 * @param {HTMLFormElement} form
 * @returns {boolean} whether anything stands in it that the site has not put there
 */
export function isFilled(form) {
  return [...form.elements].some((control) => {
    if (control.type === "file") return control.files.length > 0;
    if (control.matches("[type=checkbox], [type=radio]")) return control.checked !== control.defaultChecked;
    if (control.matches("select")) return isChosen(control);
    if (control.matches("textarea, input:not([type=hidden])")) return control.value !== control.defaultValue;
    return false;
  });
}

/** A list of which the site has chosen nothing begins with its first choice. @param {HTMLSelectElement} select */
function isChosen(select) {
  const options = [...select.options];
  const sent = options.filter(({ defaultSelected }) => defaultSelected);
  const first = options.find((option) => !option.disabled && !option.closest("optgroup")?.disabled);
  const before = select.multiple ? sent : [sent[sent.length - 1] ?? (select.size > 1 ? null : first)];
  return options.some((option) => option.selected !== before.includes(option));
}

/**
 * @param {HTMLFormElement} form
 * @param {[string, string][] | undefined} fields
 * @param {[string, string][]} [standing]  if not those that stand there now
 * @returns {boolean} whether just these words stand in it
 */
export function holds(form, fields, standing = readForm(form, null).fields) {
  if (!fields) return false;
  // Browsers put no file back: where the entry has one, the form has an empty text.
  const ofFiles = new Set([...form.elements].filter(({ type }) => type === "file").map(({ name }) => crlf(name)));
  const texts = (all) => JSON.stringify(all.filter(([name, value]) => value || !ofFiles.has(name)));
  return texts(standing) === texts(fields);
}

/**
 * @param {HTMLFormElement} form
 * @returns {Record<string, string>} what the page calls its fields, by their names
 */
export function labelsOf(form) {
  const labels = {};
  for (const control of form.elements) {
    // Several boxes or radio buttons are one field: their labels are its values, and their legend is its name.
    const isOneOfMany = control.name && form.elements.namedItem(control.name) !== control;
    const label = isOneOfMany ? control.closest("fieldset")?.querySelector("legend") : control.labels?.[0];
    const text = label && textOf(label);
    if (control.name && text) labels[crlf(control.name)] ??= text;
  }
  return labels;
}

/** A label may stand around its control, whose options are no part of its text. */
function textOf(label) {
  const copy = label.cloneNode(true);
  for (const control of copy.querySelectorAll("input, select, textarea, button")) control.remove();
  return copy.textContent.replace(/\s+/g, " ").replace(/\s*:\s*$/, "").trim();
}

const crlf = (text) => text.replace(/\r\n|\r|\n/g, "\r\n");

/**
 * What `fillForm` has done to a form that its own reset leaves as it is.
 *
 * @type {WeakMap<HTMLFormElement, (() => void)[]>}
 */
const undoing = new WeakMap();

/**
 * Puts a kept content back into its form.
 *
 * @param {HTMLFormElement} form
 * @param {[string, string][]} fields
 * @param {{field: string, file: File}[]} files
 */
export function fillForm(form, fields, files) {
  putBack(form, fields, files, (fill) => fill());
}

/**
 * Puts back only what browsers do not put back: files, and what has no control in the page that the site has sent.
 *
 * @param {HTMLFormElement} form
 * @param {[string, string][]} fields
 * @param {{field: string, file: File}[]} files
 */
export function completeForm(form, fields, files) {
  putBack(form, fields, files, (fill, control) => {
    if (control.type === "file" && !control.files.length) fill();
  });
}

/** @param {(fill: () => void, control: Element) => void} decide */
function putBack(form, fields, files, decide) {
  undoFill(form);
  const undo = [];
  undoing.set(form, undo);
  const values = new Map();
  for (const [name, value] of fields) values.set(name, [...(values.get(name) ?? []), value]);
  const controls = [...form.elements].filter(({ name }) => name && name !== CSRF_FIELD);
  for (const control of controls) {
    if (control.matches("fieldset, output, object")) continue;
    if (control.type === "file") {
      take(values.get(control.name) ?? [], "");
      decide(() => fillFiles(control, files.filter(({ field }) => field === control.name)), control);
    } else decide(taking(control, values.get(control.name) ?? [], undo), control);
  }
  for (const name of pressedNames(form, controls)) values.delete(name);
  // What has no control here, such as a row that a script had added, is kept all the same (P2).
  for (const [name, left] of values) {
    const choices = controls.filter((control) => control.name === name && control.matches(CHOICES));
    const last = choices[choices.length - 1];
    // Of radio buttons another one has been chosen since.
    if (last?.type === "radio" && choices.some(({ checked }) => checked)) continue;
    for (const value of left) {
      const added = last ? offer(last, value) : addHidden(form, name, value);
      undo.push(() => added.remove());
    }
  }
}

/**
 * Takes back what `fillForm` has added to a form, and what it has put into hidden controls: a reset does neither.
 *
 * @param {HTMLFormElement} form
 */
export function undoFill(form) {
  for (const step of undoing.get(form) ?? []) step();
  undoing.delete(form);
}

/**
 * As the site has sent it. A site may have a control named "reset".
 *
 * @param {HTMLFormElement} form
 */
export function empty(form) {
  undoFill(form);
  HTMLFormElement.prototype.reset.call(form);
}

/** The button that is pressed next says anew what they say. The form's own list of controls lacks its images. */
function pressedNames(form, controls) {
  const images = [...form.querySelectorAll("input[type=image]")].map(({ name }) => (name ? `${name}.` : ""));
  return [
    ...controls.filter(({ type }) => type === "submit").map(({ name }) => name),
    ...images.flatMap((prefix) => [`${prefix}x`, `${prefix}y`]),
  ];
}

/**
 * @param {HTMLFormElement} form
 * @param {string} name
 * @param {string} value
 * @returns {HTMLInputElement}
 */
export function addHidden(form, name, value) {
  const input = form.ownerDocument.createElement("input");
  Object.assign(input, { type: "hidden", name, value });
  form.append(input);
  return input;
}

/** @param {HTMLInputElement} control */
function fillFiles(control, files) {
  const transfer = new DataTransfer();
  for (const { file } of files) transfer.items.add(file);
  control.files = transfer.files;
}

/**
 * Takes from the values what belongs to a control.
 *
 * @returns {() => void} puts it there
 */
function taking(control, values, undo) {
  if (control.matches("[type=checkbox], [type=radio]")) {
    const checked = take(values, control.value);
    return () => Object.assign(control, { checked });
  }
  if (control.matches("select[multiple]")) {
    const selected = [...control.options].map(({ value }) => take(values, value));
    return () => selected.forEach((is, index) => Object.assign(control.options[index], { selected: is }));
  }
  // A button's value is put nowhere: it has it already.
  if (control.matches(BUTTONS)) take(values, control.value);
  else if (values.length) return filling(control, values.shift(), undo);
  return () => {};
}

function filling(control, value, undo) {
  const before = control.value;
  return () => {
    control.value = value;
    if (control.type === "hidden") undo.push(() => control.value === value && (control.value = before));
    if (control.matches("select") && control.value !== value) {
      const added = offer(control, value);
      undo.push(() => added.remove());
    }
  };
}

/** @returns {boolean} whether it was among them; it no longer is */
function take(values, value) {
  const at = values.indexOf(value);
  if (at >= 0) values.splice(at, 1);
  return at >= 0;
}

/**
 * Offers a choice that the page no longer has, where the person can see it, and make another one.
 *
 * @param {HTMLInputElement | HTMLSelectElement} control
 * @param {string} value
 * @returns {HTMLElement}
 */
function offer(control, value) {
  const { ownerDocument: document } = control;
  if (control.matches("select")) {
    const option = Object.assign(document.createElement("option"), { value, textContent: value });
    control.append(option);
    option.selected = true;
    return option;
  }
  const box = control.cloneNode();
  box.removeAttribute("id");
  Object.assign(box, { value, checked: true, disabled: false, required: false });
  const label = document.createElement("label");
  label.append(box, ` ${value}`);
  const around = control.closest("label");
  if (around) around.after(label);
  else control.parentElement.append(label);
  return label;
}

/**
 * Puts other values into one field: those of its controls that have its name, or that of one of its parts.
 *
 * @param {HTMLFormElement} form
 * @param {string} field
 * @param {[string, string][]} pairs  as a browser would post it
 * @returns {() => void} puts back what stood there
 */
export function fillField(form, field, pairs) {
  const names = new Set([field, ...pairs.map(([name]) => name)]);
  const controls = [...form.elements].filter((control) => names.has(control.name) && !control.matches(BUTTONS));
  const undo = [];
  const before = controls.map((control) => standing(control));
  for (const name of names) {
    const values = pairs.filter(([each]) => each === name).map(([, value]) => value);
    for (const control of controls) if (control.name === name) taking(control, values, undo)();
  }
  tellOf(controls);
  return () => {
    for (const step of [...undo, ...before]) step();
    tellOf(controls);
  };
}

/** @param {HTMLElement} control @returns {() => void} makes it stand again as it does now */
function standing(control) {
  const { value, checked } = control;
  if (control.matches("[type=checkbox], [type=radio]")) return () => Object.assign(control, { checked });
  const selected = control.matches("select") ? [...control.options].map((option) => option.selected) : null;
  if (selected) return () => selected.forEach((is, index) => Object.assign(control.options[index], { selected: is }));
  return () => Object.assign(control, { value });
}

/** The site's own scripts hear of it as if it had been typed. */
function tellOf(controls) {
  for (const control of controls) {
    for (const type of ["input", "change"]) control.dispatchEvent(new Event(type, { bubbles: true }));
  }
}
