import { ownersIn } from "./site.js";

const KEPT = /<meta name="offlinesync-kept"/;
const UNKNOWN = { owner: null, turn: 0, leaving: null };

/**
 * Sees whose private words lie in which cache, and to whom they are shown (P8), and in whose name something is sent once they
 * have left (row D6).
 *
 * @param {object} collaborators
 * @param {() => object | undefined} collaborators.record  what the device knows of its owner
 * @param {() => {name: string, text: string}[]} collaborators.everything  that is kept
 * @param {(violation: string) => void} collaborators.onViolation
 */
export function createPrivacy({ record, everything, onViolation }) {
  /** What may have a page in hand, or be removing some. @type {Set<{context: object}>} */
  const underWay = new Set();
  /** Who has left without the site's being told, as far as people know. @type {{owner: string, turn: number} | null} */
  let left = null;
  let tidiedTurn = 0;
  let seenTurn = 0;
  /** Somebody has died over it: it is made up for when the site is asked the next time. */
  let isBrokenOff = false;
  let unreadable = 0;
  /** @type {WeakMap<object, number>} */
  const turnOfSession = new WeakMap();

  const current = () => record() ?? UNKNOWN;
  const violated = (what) => onViolation(`P8: ${what}`);
  const ownerOfCache = (name) => decodeURIComponent(name.slice(name.lastIndexOf(":") + 1));

  const lingering = (owner) =>
    everything().flatMap(({ text }) => [...ownersIn(text)]).filter((of) => of !== owner);

  function checkCaches() {
    for (const { name, text } of everything()) {
      for (const of of ownersIn(text)) if (ownerOfCache(name) !== of) violated(`a page of ${of} is kept in ${name}`);
    }
    const { owner, turn } = current();
    if (tidiedTurn !== turn || underWay.size || isBrokenOff) return;
    for (const of of lingering(owner)) violated(`a page of ${of} is kept still, and ${owner || "nobody"} is the owner`);
  }

  /** @template T @param {object} context @param {Promise<T>} work @returns {Promise<T>} */
  async function during(context, work) {
    const one = { context };
    // What a dead page had begun may be committed still, and that is the end of it.
    if (context.alive) underWay.add(one);
    try {
      return await work;
    } finally {
      underWay.delete(one);
      checkCaches();
    }
  }

  return {
    during,
    checkCaches,
    isBusy: () => underWay.size > 0,

    /** The record may have changed. */
    checkRecord() {
      const { turn, leaving } = current();
      if (turn !== seenTurn && leaving) left = { owner: leaving.owner, turn };
      seenTurn = turn;
    },

    /** @param {object} context @param {(owner: string | null) => Promise<void>} removeOthers */
    watchRemoval: (context, removeOthers) => async (owner) => {
      const { turn } = current();
      await during(context, removeOthers(owner));
      if (current().turn !== turn) return;
      tidiedTurn = turn;
      isBrokenOff = false;
      checkCaches();
    },

    /**
     * While nobody can say who has left a page is shown as it comes from the network, and what waits is sent: a device that
     * takes its time is not to be without either (P9).
     *
     * @param {object} context
     * @param {object} ownership
     */
    watchOwnership: (context, ownership) => ({
      ...ownership,
      learn: (owner, turn) => during(context, ownership.learn(owner, turn)),
      async leave(leaving) {
        await during(context, ownership.leave(leaving));
        tidiedTurn = current().turn;
        checkCaches();
      },
      async read() {
        const read = await ownership.read();
        if (read.turn !== current().turn) unreadable += 1;
        return read;
      },
    }),

    /** @param {object} context */
    died(context) {
      for (const one of underWay) {
        if (one.context !== context) continue;
        underWay.delete(one);
        isBrokenOff = true;
      }
    },

    /** Somebody has signed in at the site, whoever has left before. */
    isClear() {
      left = null;
    },

    /** The sessions that a delivery goes by. @param {() => Promise<object>} fetchSession */
    watchSessions: (fetchSession) => async () => {
      const before = { turn: current().turn, unreadable };
      const answer = await fetchSession();
      if (answer.session && before.unreadable === unreadable) turnOfSession.set(answer.session, before.turn);
      return answer;
    },

    /** @param {object} session @param {string | null} owner */
    delivering(session, owner) {
      if (left && owner === left.owner && turnOfSession.get(session) >= left.turn) {
        violated(`something is sent as ${owner}'s, who has left, before the site has been told`);
      }
    },

    /**
     * Whoever sits there sees a page from now on.
     *
     * @returns {(text: string) => void} to be called with it
     */
    opening() {
      const before = { turn: current().turn, left, unreadable };
      return (text) => {
        const { owner, turn } = current();
        if (turn !== before.turn) return;
        for (const of of ownersIn(text)) {
          if (KEPT.test(text) && of !== owner) violated(`a kept page of ${of} is shown to ${owner || "nobody"}`);
          const isKnown = before.left === left && before.unreadable === unreadable;
          if (isKnown && of === left?.owner) violated(`a page of ${of} is shown, who has left`);
        }
      };
    },

    /** Everything is well, and the site could be asked. @param {string | null} user  who is signed in at the site */
    checkQuiet(user) {
      const { owner, leaving } = current();
      if (leaving) violated(`the site has not been told that ${leaving.owner} has left`);
      if (left && left.owner === user) violated(`${user} has left, and is signed in still`);
      for (const of of lingering(owner)) violated(`a page of ${of} is kept after all, and ${owner || "nobody"} is the owner`);
    },
  };
}
