/**
 * Signing out by the form that `{% offline_sign_out %}` marks, with or without a network: what is kept for its owner goes
 * first, then the site is told, as soon as it can be reached (P8, row D6).
 *
 * @param {object} collaborators
 * @param {Window} collaborators.window
 * @param {string} collaborators.owner  of this page
 * @param {string} collaborators.home  where a page for nobody may be kept
 * @param {ReturnType<import("./ownership.js").createOwnership>} collaborators.ownership
 * @param {ReturnType<import("./sessions.js").createSessions>} collaborators.fetchSession  which tells the site as well
 * @param {ReturnType<import("./transport.js").createTransport>["session"]} collaborators.askSession
 * @param {() => Promise<boolean>} collaborators.mayLeave  asks whoever has left something here whether they mean it
 * @param {ReturnType<import("./posting.js").createPosting>} collaborators.post
 * @param {(error: unknown) => void} collaborators.reportError
 */
export function createSignOut({ window, owner, home, ownership, fetchSession, askSession, mayLeave, post, reportError }) {
  const { document, location, navigator } = window;

  /** Not `form.action`, which is a control of that name where there is one. */
  const addressOf = (form) => new URL(form.getAttribute("action") ?? "", location.href);

  let isAsked = false;

  async function ask(form, submitter) {
    if (isAsked) return;
    isAsked = true;
    try {
      const may = await mayLeave().catch((error) => {
        // Whoever wants to be gone is not to stay because of us (P8).
        reportError(error);
        return true;
      });
      if (may) await signOut(form, submitter);
    } finally {
      isAsked = false;
    }
  }

  async function signOut(form, submitter) {
    const url = addressOf(form);
    let isLeft = false;
    window.addEventListener("beforeunload", () => {
      isLeft = true;
    });
    // Before anything that could take its time: whoever takes the device next must not find the pages.
    await ownership.leave({ owner, url: url.pathname + url.search }).catch(reportError);
    // This page may be gone any moment, so it forgets nothing: the worker sees before the next page whether the site has been
    // told. Without a worker the site is told here and now, and by the browser once more, which shows what comes of it.
    const answer = await (navigator.serviceWorker?.controller ? askSession() : fetchSession());
    // Whoever goes elsewhere meanwhile gets there: browsers break off what this page has asked for, and let it go on.
    if (isLeft) return;
    if (answer.kind !== "session") return location.assign(home);
    post(form, submitter, answer);
  }

  function onSubmit(event) {
    const { target: form, submitter } = event;
    // On a page for nobody there is nobody to sign out, and what the form does is for the site.
    const isOurs = owner !== "" && form.dataset.offlinesyncSignOut !== undefined && form.getAttribute("method")?.toLowerCase() === "post";
    if (event.defaultPrevented || !isOurs || addressOf(form).origin !== location.origin) return;
    // A button that asks for something else.
    if (submitter?.hasAttribute("formaction")) return;
    event.preventDefault();
    ask(form, submitter).catch(reportError);
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
