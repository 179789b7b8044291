/**
 * What people wrote counts more than pages: on a full device kept pages go, the visited ones first, until an entry has
 * room (row A1).
 *
 * @param {object} collaborators
 * @param {ReturnType<typeof import("./shelf.js").createShelves>} collaborators.shelves
 * @param {StorageManager | undefined} collaborators.storage
 * @returns {<T>(write: () => Promise<T>, contents?: ArrayBuffer[]) => Promise<T>} what the write came to, with these files
 *   in it; rejects where there is no room all the same
 */
export function createRoom({ shelves, storage }) {
  const steps = [shelves.removeVisited, shelves.removeAll];

  /** As far as the browser says: it need not, and its numbers are rough. */
  async function hasRoom(bytes) {
    const { quota, usage } = (await storage?.estimate?.().catch(() => null)) ?? {};
    return !(quota - usage < bytes);
  }

  return async function withRoom(write, contents = []) {
    const bytes = contents.reduce((sum, { byteLength }) => sum + byteLength, 0);
    for (const makeRoom of steps) {
      try {
        // A large file that would be given up near its end costs the person more than a kept page.
        if (bytes === 0 || (await hasRoom(bytes))) return await write();
      } catch (error) {
        if (error.name !== "QuotaExceededError") throw error;
      }
      await makeRoom();
    }
    return write();
  };
}
