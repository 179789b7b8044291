import { SIGN_OUT } from "./network.js";
import { HOME, ORIGIN, PATHS, SIGN_IN } from "./site.js";

/**
 * Those who open pages at the device, sign in and out, and give it to others.
 *
 * @param {object} world  random, privacy, note
 * @param {ReturnType<import("./device.js").createDevice>} device
 * @param {typeof import("../../offlinesync/static/offlinesync/reading.js")} reading
 */
export function createVisits({ random, privacy, note }, device, reading) {
  /** Tabs whose form to sign out has been sent, until another page is there. */
  const signingOut = new Set();
  let signingIn = 0;

  /** @returns {Promise<string | null>} what the person sees, if it is a page of the site */
  async function navigate(path) {
    const { context } = device.startWorker();
    const shown = privacy.opening();
    const headers = new Headers({ accept: "text/html" });
    const request = { url: ORIGIN + path, method: "GET", mode: "navigate", headers };
    const arriving = context.caching.page({ request }, context.waitUntil).catch(() => null);
    const response = await Promise.race([arriving, context.died]);
    if (response?.type === "opaqueredirect" && path !== SIGN_IN) return navigate(SIGN_IN);
    if (response?.status !== 200) return null;
    const html = await response.text().catch(() => "");
    shown(html);
    return html;
  }

  /**
   * @param {string} path
   * @param {object} [from]  the tab in which it opens
   * @returns {Promise<void>}
   */
  async function open(path, from) {
    const html = await navigate(path);
    from?.die();
    const { owner } = reading.readPage(html ?? "");
    note(`${path} opens${owner === null ? " not" : ` for ${owner || "nobody"}`}`);
    if (owner === null) return;
    const [, version] = /<meta name="offlinesync-kept" content="\d+" data-version="([^"]*)"/.exec(html) ?? [];
    const tab = device.openTab(owner, { isKept: version !== undefined, goTo: (to) => open(to, tab) });
    tab.window.addEventListener("online", () => lookAgain(tab, path, version));
    await meetOwner(tab, path, version);
    lookAfter("compare", path, version);
  }

  /** As client.js does it. */
  async function meetOwner(tab, path, version) {
    const { owner: known, leaving } = await tab.ownership.read();
    if (leaving || (known !== tab.owner && version === undefined)) {
      await tab.fetchSession();
      if (version === undefined) device.tellWorker({ type: "look", path });
    }
  }

  async function lookAgain(tab, path, version) {
    await meetOwner(tab, path, version);
    lookAfter("look", path, version);
  }

  function lookAfter(type, path, version) {
    if (version !== undefined) device.tellWorker({ type, path, version });
    device.tellWorker({ type: "refresh" });
  }

  return {
    open: (path = random.pick(PATHS)) => open(path),

    /** In two tabs at once, and without waiting for it. */
    openTwice() {
      const path = random.pick(PATHS);
      for (let tabs = 0; tabs < 2; tabs++) open(path);
    },

    /** The page is looked for anew, as when the network is back. */
    look: () => device.tellWorker(random.pick([{ type: "refresh" }, { type: "look", path: random.pick(PATHS) }])),

    /** @param {object} tab  the button of its form is pressed */
    signOut(tab) {
      note(`${tab.owner || "nobody"} signs out in ${tab.name}`);
      if (tab.owner) signingOut.add(tab);
      tab.onDeath(() => signingOut.delete(tab));
      const attributes = { method: "post", action: ORIGIN + SIGN_OUT };
      const form = { dataset: { offlinesyncSignOut: "" }, getAttribute: (name) => attributes[name] };
      const event = new Event("submit", { cancelable: true });
      Object.defineProperties(event, { target: { value: form }, submitter: { value: null } });
      tab.window.document.dispatchEvent(event);
    },

    /** Whether the session may still become another one by what has been begun. */
    isSigningInOrOut: () => signingOut.size > 0 || signingIn > 0,

    /** @param {() => void} signAs  the site lets them in */
    async signIn(signAs) {
      signingIn += 1;
      await open(SIGN_IN);
      signAs();
      signingIn -= 1;
      await open(HOME);
    },
  };
}
