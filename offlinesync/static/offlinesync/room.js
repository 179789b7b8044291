/**
 * What people wrote counts more than pages: on a full device kept pages go, the visited ones first, until an entry has
 * room (row A1).
 *
 * @param {object} collaborators
 * @param {ReturnType<typeof import("./shelf.js").createShelves>} collaborators.shelves
 * @returns {<T>(write: () => Promise<T>) => Promise<T>} what the write came to; rejects where there is no room all the same
 */
export function createRoom({ shelves }) {
  const steps = [shelves.removeVisited, shelves.removeAll];

  return async function withRoom(write) {
    for (const makeRoom of steps) {
      try {
        return await write();
      } catch (error) {
        if (error.name !== "QuotaExceededError") throw error;
        await makeRoom();
      }
    }
    return write();
  };
}
