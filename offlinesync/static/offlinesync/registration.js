/**
 * The site's service worker, which takes nobody else's place without a word (row D10).
 *
 * @param {object} collaborators
 * @param {ServiceWorkerContainer | undefined} collaborators.serviceWorker
 * @param {TrustedTypePolicyFactory | undefined} collaborators.trustedTypes
 * @param {CacheStorage | undefined} collaborators.caches
 * @param {string} collaborators.cachePrefix  of the caches that are ours
 * @param {Location} collaborators.location
 * @param {{mount: string, scope: string, worker: string, staticIsHashed?: boolean, replaces?: string[]}} collaborators.config
 *   `replaces`: the workers that the site has said to be done with
 */
export function createRegistration({ serviceWorker, caches, cachePrefix, trustedTypes, location, config }) {
  const absolute = (url) => new URL(url, location.origin).href;

  /** @param {ServiceWorkerRegistration | undefined} registration @returns {string | undefined} */
  function scriptOf(registration) {
    return (registration?.active ?? registration?.waiting ?? registration?.installing)?.scriptURL;
  }

  /** Also under another name, which an earlier release may have given it. */
  const isOurs = (script) => script.startsWith(absolute(config.mount));

  /** A worker's query tells its versions apart, and is no part of its name. */
  function isReplaced(script) {
    const [name] = script.split("?");
    return (config.replaces ?? []).some((url) => [script, name].includes(absolute(url)));
  }

  /** @returns {Promise<string | undefined>} the script that has the place of ours, and may keep it */
  async function foreigner() {
    const registration = await serviceWorker.getRegistration(config.scope);
    const script = registration?.scope === absolute(config.scope) ? scriptOf(registration) : undefined;
    return script === undefined || isOurs(script) || isReplaced(script) ? undefined : script;
  }

  return {
    async register() {
      if (!serviceWorker) return;
      const script = await foreigner();
      if (script !== undefined) {
        console.warn(
          `offlinesync: ${script} is registered for ${config.scope} already and stays, so no page is kept and nothing is ` +
            `sent with the page closed. If it is no longer needed, name it in OFFLINESYNC["REPLACES_WORKERS"].`,
        );
        return;
      }
      const policy = trustedTypes?.createPolicy("offlinesync", { createScriptURL: () => config.worker });
      const url = policy ? policy.createScriptURL("") : config.worker;
      // A deploy, and each look for a new worker, would fetch all modules again whose names say that they are the same.
      const updateViaCache = config.staticIsHashed ? "imports" : "none";
      await serviceWorker.register(url, { type: "module", scope: config.scope, updateViaCache });
    },

    /**
     * Takes our worker and its caches away. It goes on for the pages that are open, and may open its cache anew for them:
     * what is left is looked for on each page.
     */
    async retire() {
      const registration = await serviceWorker?.getRegistration(config.scope);
      if (isOurs(scriptOf(registration) ?? "")) await registration.unregister();
      const names = (await caches?.keys()) ?? [];
      await Promise.all(names.filter((name) => name.startsWith(cachePrefix)).map((name) => caches.delete(name)));
    },

    async update() {
      const registration = await serviceWorker?.getRegistration(config.scope);
      await registration?.update();
    },

    /**
     * Tells our worker something, once there is one.
     *
     * @param {object} message
     * @param {Transferable[]} [transfer]
     */
    async tell(message, transfer = []) {
      const { active } = (await this.ready) ?? {};
      active?.postMessage(message, transfer);
    },

    /** What can be asked of our worker; of somebody else's nothing, since it would not know what a sync of ours means. */
    get ready() {
      return serviceWorker?.ready.then((registration) => (isOurs(scriptOf(registration) ?? "") ? registration : {}));
    },
  };
}
