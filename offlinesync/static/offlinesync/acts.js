/**
 * Which id belongs to what stands in a form, for as long as it stands there. The browser puts a form's text back when its
 * page is reloaded, come back to or duplicated, and it is the same act still (row A8).
 *
 * @param {object} collaborators
 * @param {() => Storage} collaborators.storage  of this tab; throws where the browser refuses it (row A10)
 * @param {string} collaborators.key  names the site and the owner
 * @param {Location} collaborators.location
 */
export function createActs({ storage, key, location }) {
  const nameOf = (form) => JSON.stringify([location.pathname + location.search, ...placeOf(form)]);

  /** @returns {Record<string, string>} */
  function read() {
    try {
      return JSON.parse(storage().getItem(key)) ?? {};
    } catch {
      // Refused, or not ours: a reloaded form is then a new one.
      return {};
    }
  }

  function write(ids) {
    try {
      storage().setItem(key, JSON.stringify(ids));
    } catch {
      // Refused or full: likewise.
    }
  }

  return {
    /** @param {HTMLFormElement} form @param {string} id */
    remember(form, id) {
      write({ ...read(), [nameOf(form)]: id });
    },

    /** @param {HTMLFormElement} form */
    forget(form) {
      const { [nameOf(form)]: id, ...others } = read();
      if (id) write(others);
    },

    /** @param {HTMLFormElement} form @returns {string | undefined} */
    recall: (form) => read()[nameOf(form)],
  };
}

/**
 * A page may hold several forms of one name, each for another object, and some that differ only in their place. The first
 * of those is called what it was before there were others (row B13).
 *
 * @param {HTMLFormElement} form
 * @returns {(string | number)[]} what tells it from the others
 */
export function placeOf(form) {
  const { offlinesyncForm, offlinesyncTarget = "" } = form.dataset;
  const alike = [...form.ownerDocument.forms].filter(
    ({ dataset }) => dataset.offlinesyncForm === offlinesyncForm && (dataset.offlinesyncTarget ?? "") === offlinesyncTarget,
  );
  const place = Math.max(0, alike.indexOf(form));
  return [offlinesyncForm, offlinesyncTarget, ...(place ? [place] : [])];
}
