// A picture to look at is not worth more memory than that.
const LARGEST = 8 * 1024 * 1024;

/**
 * Shows the pictures of an entry, where the page's policy allows it.
 *
 * @param {object} collaborators
 * @param {ReturnType<import("./outbox.js").createOutbox>} collaborators.outbox
 */
export function createPictures({ outbox }) {
  /**
   * @param {import("./pending.js").Item} item
   * @param {import("./entries.js").Entry} entry
   */
  return async function showPictures(item, entry) {
    const places = [...item.element.querySelectorAll("img[data-offlinesync-file]")];
    for (const place of places) place.hidden = true;
    const files = Array.isArray(entry.files) ? entry.files : [];
    const wanted = places.flatMap((place) => {
      const index = files.findIndex(({ field, type }) => field === place.dataset.offlinesyncFile && String(type).startsWith("image/"));
      return index < 0 ? [] : [{ place, index }];
    });
    if (!wanted.length || files.reduce((sum, { size }) => sum + (Number(size) || 0), 0) > LARGEST) return;
    const contents = await outbox.contents(entry);
    for (const { place, index } of wanted) {
      if (!contents[index] || item.isGone) continue;
      const url = URL.createObjectURL(new Blob([contents[index]], { type: files[index].type }));
      item.pictures.push(url);
      place.addEventListener("load", () => void (place.hidden = false), { once: true });
      place.src = url;
    }
  };
}
