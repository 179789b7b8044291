/**
 * A kept page has no CSRF token: one of another visit is never used (row D3). Before one of its forms is posted, the site
 * is asked for today's.
 *
 * @param {object} collaborators
 * @param {Window} collaborators.window
 * @param {ReturnType<import("./transport.js").createTransport>["session"]} collaborators.fetchSession
 * @param {ReturnType<import("./posting.js").createPosting>} collaborators.post
 * @param {() => Promise<void>} collaborators.sayUnreached
 * @param {(error: unknown) => void} collaborators.reportError
 */
export function createTokens({ window, fetchSession, post, sayUnreached, reportError }) {
  const lacksToken = (form) => form.elements.namedItem("csrfmiddlewaretoken")?.value === "";

  async function postWithToken(form, submitter) {
    const answer = await fetchSession();
    if (answer.kind === "session") post(form, submitter, answer);
    // Posted into the void, what was typed would be lost.
    else await sayUnreached();
  }

  return {
    /** After all other listeners: what they take over is theirs. */
    start() {
      window.addEventListener("submit", (event) => {
        const { target: form, submitter } = event;
        if (event.defaultPrevented || !lacksToken(form)) return;
        event.preventDefault();
        postWithToken(form, submitter).catch(reportError);
      });
    },
  };
}
