/**
 * What the site's view has said to the person, for the page that comes next in this tab: there it would stand if the form
 * had been posted plainly.
 *
 * @typedef {{text: string, level: string}} Message  level: a tag of `django.contrib.messages`
 *
 * @param {object} collaborators
 * @param {() => Storage} collaborators.storage  of this tab; throws where the browser refuses it (row A10)
 * @param {string} collaborators.key  names the site and the owner (P4)
 */
export function createMessages({ storage, key }) {
  return {
    /** @param {Message[]} messages */
    carry(messages) {
      if (!messages.length) return;
      try {
        storage().setItem(key, JSON.stringify(messages));
      } catch {
        // Refused or full: the page that comes next shows what was done, if not in these words.
      }
    },

    /** @returns {Message[]} those of the page before, once */
    take() {
      try {
        const messages = JSON.parse(storage().getItem(key)) ?? [];
        storage().removeItem(key);
        return messages;
      } catch {
        // Refused, or not ours: there is nothing to say.
        return [];
      }
    },
  };
}
