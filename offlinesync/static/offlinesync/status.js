// What they say of the next delivery does not hold while nobody is signed in.
const PROMISES = ["saved", "saved-sync", "saved-sending", "being-sent-as"];
// More than anybody reads, and few enough to be no burden to a page (P9).
const LONGEST_LIST = 50;

/**
 * Says what is true of the page owner's entries, and of nobody else's (P4).
 *
 * @param {object} collaborators
 * @param {ReturnType<import("./outbox.js").createOutbox>} collaborators.outbox
 * @param {ReturnType<import("./elements.js").createElements>} collaborators.elements
 * @param {ReturnType<import("./listing.js").createListing>} collaborators.listing
 * @param {ReturnType<import("./pending.js").createPending>} collaborators.pending
 * @param {ReturnType<import("./activity.js").createActivity>} collaborators.activity
 * @param {ReturnType<import("./connection.js").createConnection>} collaborators.connection
 * @param {ReturnType<import("./reasons.js").createReasons>} collaborators.reasons
 * @param {() => boolean} collaborators.hasForms  whether something can be written on this page
 * @param {typeof import("./listing.js").linkTo} collaborators.linkTo
 * @param {ReturnType<import("./trace.js").createTrace>} collaborators.trace
 * @param {(error: unknown) => void} collaborators.reportError
 * @param {string} collaborators.owner
 * @param {Location} collaborators.location
 */
export function createStatus({
  outbox, elements, listing, pending, activity, connection, reasons, hasForms, linkTo, trace, reportError, owner, location,
}) {
  /** @type {import("./elements.js").Line | null} */
  let news = null;
  /** What the site's view has said with it. @type {import("./messages.js").Message[]} */
  let messages = [];
  /** What is true of the page, whatever becomes of the entries. @type {Map<string, {name: string, href?: string}>} */
  const notes = new Map();
  /** Entries that stand in a form of this page are not listed as well. @type {Set<string>} */
  const onScreen = new Set();
  let latest = 0;
  /** @type {Promise<void>} */
  let showing;
  /** What the site has last said of whoever is signed in. @type {import("./transport.js").Session | null} */
  let session = null;

  /**
   * This page's owner is not who is signed in: until they are back there is no number, name or content (P4, rows D1, D5).
   */
  const isSignedOut = () => owner !== "" && session !== null && session.owner !== owner;

  /** @returns {string | undefined} the way to sign in, and back */
  function linkToSignIn() {
    if (!session?.login_url) return undefined;
    const url = new URL(session.login_url, location.href);
    if (url.origin === location.origin && url.pathname === location.pathname) return undefined;
    url.searchParams.set("next", location.pathname + location.search);
    return url.href;
  }

  async function look() {
    const before = trace.read();
    const [waiting, attention, others] = await Promise.all([
      outbox.waiting(owner, LONGEST_LIST),
      outbox.needingAttention(owner),
      outbox.holdsOthers(owner),
    ]);
    activity.see(waiting);
    // The one that was just written is among them, however many wait.
    const latest = pending.hasPlaces() ? await outbox.latest(owner, LONGEST_LIST).catch(() => [...attention, ...waiting.first]) : [];
    const isListed = (entry) => !onScreen.has(entry.id);
    return {
      waiting: waiting.count,
      latest,
      first: waiting.first.filter(isListed),
      attention: attention.filter(isListed),
      others,
      missing: missingFrom(before, waiting, attention),
    };
  }

  function missingFrom(before, { born, count, first }, attention) {
    const oldest = [...first, ...attention].sort((a, b) => a.seq - b.seq)[0];
    return trace.reconcile(before, { born, count: count + attention.length, since: oldest?.captured_at ?? null });
  }

  function linesOf({ waiting, attention, others, missing }) {
    if (isSignedOut()) return waiting || attention.length ? [{ name: "sign-in-again", href: linkToSignIn() }] : [];
    return [
      ...(missing ? [{ name: "missing", ...missing }] : []),
      ...sendingLine(),
      ...(waiting ? [{ name: "waiting", count: waiting }] : []),
      ...(attention.length ? [{ name: "attention", count: attention.length, href: linkTo(attention[0]) }] : []),
      ...(owner === "" && others ? [{ name: "sign-in", href: linkToSignIn() }] : []),
      ...troubleLine(waiting),
    ];
  }

  function sendingLine() {
    const { sending } = activity.now();
    return sending ? [{ name: "sending", ...sending }] : [];
  }

  function troubleLine(waiting) {
    if (!waiting || activity.now().sending) return [];
    const at = reasons.nextTry();
    // Where the worker has had the answer, only the time is left of it.
    return at || connection.now().state === "trouble" ? [{ name: "trouble", at }] : [];
  }

  /** Where nobody writes, and nothing waits, it is nobody's business. @param {Awaited<ReturnType<typeof look>> | null} seen  null: it cannot be read, and nothing can be kept */
  function connectionLine(seen) {
    const { state, isBack } = connection.now();
    const mayWrite = seen !== null && hasForms();
    if (!mayWrite && !seen?.waiting && !elements.isStatusPlaced) return [];
    if (state === "offline") return [{ name: mayWrite ? "offline-form" : "offline" }];
    return isBack ? [{ name: "online" }] : [];
  }

  function list({ latest, waiting, first, attention }) {
    if (isSignedOut()) {
      pending.hide();
      return listing.hide();
    }
    const entries = [...attention, ...first];
    const more = waiting > LONGEST_LIST ? waiting - first.length : 0;
    listing.show({ entries, more });
    pending.show(latest);
  }

  function newsNow() {
    const said = messages.map(({ text, level }) => ({ name: "message", text, level }));
    if (!news) return said;
    return [isSignedOut() && PROMISES.includes(news.name) ? { name: "saved-here" } : news, ...said];
  }

  /** @param {import("./transport.js").Session | null} [told]  what a delivery has learned @returns {Promise<void>} once it is on the page */
  function refresh(told = null) {
    session = told ?? session;
    showing = show(++latest);
    return showing;
  }

  async function show(turn) {
    let seen = null;
    try {
      seen = await look();
    } catch (error) {
      // The news is true whether or not the outbox can be counted now.
      reportError(error);
    }
    // A slower reading that began earlier must not overwrite a newer one.
    if (turn !== latest) return showing;
    const lines = [...newsNow(), ...(seen ? linesOf(seen) : []), ...notes.values(), ...connectionLine(seen)];
    elements.showStatus(lines, connection.now().state);
    if (seen) list(seen);
  }

  /**
   * @param {string} name  of the template with the sentence
   * @param {string} [href]
   * @param {import("./messages.js").Message[]} [saidByView]
   */
  function say(name, href, saidByView = []) {
    news = { name, href };
    messages = saidByView;
    return refresh();
  }

  return {
    refresh,
    say,
    isSignedOut,
    onScreen,

    /** @param {string} account  that they have just signed in to @param {number} count  of what goes out under that name */
    greet(account, count) {
      news = { name: "being-sent-as", text: account, count };
      return refresh();
    },

    /** Says what the view has said about what was sent from the page before. @param {import("./messages.js").Message[]} said */
    pass(said) {
      messages = said;
      return refresh();
    },

    /**
     * Says something that stays true while other things happen.
     *
     * @param {string} name  of the template with the sentence
     * @param {string} [href]
     */
    note(name, href) {
      notes.set(name, { name, href });
      return refresh();
    },

    /** It is not true any more. @param {string} name */
    withdraw(name) {
      return notes.delete(name) ? refresh() : undefined;
    },

    /** The person has read that something is missing. */
    dismissLoss() {
      trace.dismiss();
      return refresh();
    },

    /** @param {string} id  of what no form on this page can take any more (row C10) */
    async showWords(id) {
      await say("form-gone");
      listing.open(id);
    },
  };
}
