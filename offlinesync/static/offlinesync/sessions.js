/**
 * Asks the site who is signed in, and remembers it. A sign-out that the site has not been told of comes first: until then
 * whoever has left is signed in nowhere on this device (P8).
 *
 * @param {object} collaborators
 * @param {ReturnType<import("./transport.js").createTransport>} collaborators.transport
 * @param {ReturnType<import("./ownership.js").createOwnership>} collaborators.ownership
 * @param {(error: unknown) => void} collaborators.reportError
 * @returns {ReturnType<import("./transport.js").createTransport>["session"]}
 */
export function createSessions({ transport, ownership, reportError }) {
  const ownerOf = ({ session }) => session.owner ?? "";

  /** @returns {Promise<Awaited<ReturnType<typeof transport.session>>>} */
  async function afterSignOut(answer, { url }) {
    await transport.signOut(answer.session, url);
    return transport.session();
  }

  return async function session() {
    const { owner, leaving, turn } = await ownership.read();
    let answer = await transport.session();
    if (answer.kind !== "session") return answer;
    if (leaving && ownerOf(answer) === leaving.owner) {
      answer = await afterSignOut(answer, leaving);
      if (answer.kind !== "session") return answer;
      // What they sent as nobody may go out all the same: it stays nobody's.
      if (ownerOf(answer) === leaving.owner) return { ...answer, session: { ...answer.session, owner: null } };
    }
    // Where it can't be written down it is true all the same.
    if (leaving || ownerOf(answer) !== owner) await ownership.learn(ownerOf(answer), turn).catch(reportError);
    return answer;
  };
}
