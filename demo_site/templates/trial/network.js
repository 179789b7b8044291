/** While a cache of this name is there, the network is cut: page and worker see the same, and so does a worker that starts anew. */
const CUT = "demo:network-is-cut";

/** A storage that fails or hangs cuts nothing. @returns {Promise<boolean>} */
async function look() {
  const late = new Promise((resolve) => setTimeout(resolve, 2000, false));
  return Promise.race([globalThis.caches?.has(CUT).catch(() => false) ?? false, late]);
}

const network = async (...args) => {
  if (await isNetworkCut()) throw new TypeError("The network is cut in the demo");
  return fetch(...args);
};
