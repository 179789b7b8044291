/**
 * Signing out by the form that `{% offline_sign_out %}` marks, with or without a network: what is kept for its owner goes
 * first, then the site is told, as soon as it can be reached (P8, row D6).
 *
 * @param {object} collaborators
 * @param {Window} collaborators.window
 * @param {string} collaborators.owner  of this page
 * @param {string} collaborators.home  where a page for nobody may be kept
 * @param {ReturnType<import("./ownership.js").createOwnership>} collaborators.ownership
 * @param {ReturnType<import("./transport.js").createTransport>["session"]} collaborators.askSite  without finishing a sign-out
 * @param {ReturnType<import("./sessions.js").createSessions>} collaborators.fetchSession
 * @param {ReturnType<import("./posting.js").createPosting>} collaborators.post
 * @param {(error: unknown) => void} collaborators.reportError
 */
export function createSignOut({ window, owner, home, ownership, askSite, fetchSession, post, reportError }) {
  const { document, location } = window;

  async function signOut(form, submitter) {
    const url = new URL(form.action, location.href);
    // Before anything that could take its time: whoever takes the device next must not find the pages.
    await ownership.leave({ owner, url: url.pathname + url.search }).catch(reportError);
    const answer = await askSite();
    if (answer.kind !== "session") return location.assign(home);
    // The browser tells the site now, and shows what comes of it.
    await ownership.leave(null).catch(reportError);
    post(form, submitter, answer);
  }

  function onSubmit(event) {
    const { target: form, submitter } = event;
    // On a page for nobody there is nobody to sign out, and what the form does is for the site.
    const isOurs = owner !== "" && form.dataset.offlinesyncSignOut !== undefined && form.method === "post";
    if (event.defaultPrevented || !isOurs || new URL(form.action, location.href).origin !== location.origin) return;
    event.preventDefault();
    signOut(form, submitter).catch(reportError);
  }

  /** A page that was rendered for somebody, and comes from the past: is it still theirs? */
  async function hideOfOthers() {
    if (owner === "" || (await isStillTheirs())) return;
    document.documentElement.hidden = true;
    const answer = await fetchSession();
    if (answer.kind === "session" && answer.session.owner === owner) document.documentElement.hidden = false;
    else location.reload();
  }

  async function isStillTheirs() {
    const { owner: current } = await ownership.read();
    return current === null || current === owner;
  }

  return {
    /** @param {boolean} isFromThePast  the page was gone back to, and may have come from some cache */
    start(isFromThePast) {
      document.addEventListener("submit", onSubmit);
      window.addEventListener("pageshow", ({ persisted }) => {
        if (persisted) hideOfOthers().catch(reportError);
      });
      if (isFromThePast) hideOfOthers().catch(reportError);
    },
  };
}
