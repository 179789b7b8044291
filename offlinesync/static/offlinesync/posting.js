// What a button may want otherwise than its form.
const OVERRIDDEN = ["action", "enctype", "method", "target"];

/**
 * Posts a form as the browser would, without another submit event: the form has been validated, and the site's own
 * handlers have run.
 *
 * @param {object} collaborators
 * @param {Window} collaborators.window
 * @param {typeof import("./fields.js").addHidden} collaborators.addHidden
 */
export function createPosting({ window, addHidden }) {
  /** What a button adds to what is sent. @param {HTMLElement | null} submitter @returns {[string, string][]} */
  function pressed(submitter) {
    const { name, value, type } = submitter ?? {};
    if (type !== "image") return name ? [[name, value]] : [];
    return ["x", "y"].map((axis) => [name ? `${name}.${axis}` : axis, "0"]);
  }

  /** @param {HTMLFormElement} form @param {HTMLElement | null} submitter @returns {() => void} makes the form its own again */
  function override(form, submitter) {
    const wanted = OVERRIDDEN.filter((name) => submitter?.hasAttribute(`form${name}`));
    const before = wanted.map((name) => [name, form.getAttribute(name)]);
    for (const name of wanted) form.setAttribute(name, submitter.getAttribute(`form${name}`));
    return () => {
      for (const [name, value] of before) {
        if (value === null) form.removeAttribute(name);
        else form.setAttribute(name, value);
      }
    };
  }

  /**
   * @param {HTMLFormElement} form
   * @param {HTMLElement | null} submitter
   * @param {Awaited<ReturnType<import("./transport.js").createTransport>["session"]>} answer
   */
  return function post(form, submitter, answer) {
    const added = pressed(submitter).map(([name, value]) => addHidden(form, name, value));
    // The token in a kept page belongs to another visit (row D3).
    const token = form.elements.namedItem("csrfmiddlewaretoken");
    if (token && answer.kind === "session") token.value = answer.session.csrf_token;
    const restore = override(form, submitter);
    window.HTMLFormElement.prototype.submit.call(form);
    restore();
    for (const input of added) input.remove();
  };
}
