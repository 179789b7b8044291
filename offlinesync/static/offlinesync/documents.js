const PATIENCE = 30000;

/**
 * Fetches pages of the site as documents.
 *
 * @param {object} collaborators
 * @param {typeof XMLHttpRequest} collaborators.XMLHttpRequest  which parses them itself, as Trusted Types allow (row D8)
 */
export function createDocuments({ XMLHttpRequest }) {
  /**
   * @param {string} url
   * @param {string} selector  of what is in it for certain: a page of somebody's on the way is none of ours
   * @param {{isFresh?: boolean}} [how]  not from the browser's own cache
   * @returns {Promise<Document>}
   */
  return function fetchDocument(url, selector, { isFresh = false } = {}) {
    return new Promise((resolve, reject) => {
      const request = new XMLHttpRequest();
      const fail = () => reject(new Error(`${url} did not arrive as it should (${request.status})`));
      const isRight = () => request.status === 200 && request.response?.querySelector(selector);
      request.onload = () => (isRight() ? resolve(request.response) : fail());
      request.onerror = request.ontimeout = fail;
      request.responseType = "document";
      request.open("GET", url);
      request.timeout = PATIENCE;
      if (isFresh) request.setRequestHeader("Cache-Control", "no-cache");
      request.send();
    });
  };
}
