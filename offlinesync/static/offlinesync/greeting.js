/**
 * Says to whoever has just signed in under whose name goes out what they have saved on this device before (P4).
 *
 * @param {object} collaborators
 * @param {() => Storage} collaborators.storage  of this tab; throws where the browser refuses it (row A10)
 * @param {string} collaborators.key  names the site
 * @param {string} collaborators.owner  of this page
 * @param {string | null} collaborators.account  what the site calls them
 * @param {ReturnType<import("./outbox.js").createOutbox>} collaborators.outbox
 * @param {ReturnType<import("./status.js").createStatus>} collaborators.status
 * @returns {() => Promise<void>}
 */
export function createGreeting({ storage, key, owner, account, outbox, status }) {
  /** @returns {boolean} whether the page before this one, in this tab, was another's */
  function hasJustCome() {
    try {
      const before = storage().getItem(key);
      storage().setItem(key, owner);
      return owner !== "" && before !== null && before !== owner;
    } catch {
      // Refused or full: nobody is greeted, and everything else works.
      return false;
    }
  }

  return async function greet() {
    if (!hasJustCome() || account === null) return;
    const { count } = await outbox.waiting(owner, 1);
    if (count) await status.greet(account, count);
  };
}
