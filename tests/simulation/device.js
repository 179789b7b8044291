import FDBKeyRange from "fake-indexeddb/lib/FDBKeyRange";

import { sha256 } from "./hash.js";
import { SIGN_OUT } from "./network.js";
import { CLIENT, HOME, NAMED, OFFLINE, ORIGIN, STATIC } from "./site.js";
import { createBackgroundSync } from "./sync.js";

const NAME = "offlinesync:/offlinesync/";
const BASE = "/offlinesync/";
// Short, so that what hangs does not take most of a run; the modules' own are for slow devices.
const OPEN_TIMEOUT = 1000;
const PATIENCE = 3000;
const REOPEN_PAUSE = 60000;
const DAY = 86400000;
// So few that something has to go.
const LIMITS = { pages: { maxEntries: 2, maxAge: DAY }, static: { maxEntries: 1, maxAge: null } };
const KEEPING = {
  mount: "/offlinesync/",
  pages: [NAMED],
  offlinePage: OFFLINE,
  client: CLIENT,
  modules: [],
  staticUrl: ORIGIN + STATIC,
  staticIsHashed: true,
  refreshAfter: 60000,
  networkTimeout: 3000,
};

/**
 * Tabs and a worker of one browser profile, put together from the modules as client.js and serviceworker.js do it.
 *
 * @param {object} world  what is outside: scheduler, random, storage, caches, locks, network, witness, privacy, note
 * @param {Record<string, Record<string, any>>} builds
 */
export function createDevice(world, builds) {
  const { scheduler, random, storage, caches, locks, network, witness, privacy, note } = world;
  const contexts = new Set();
  let skew = 1764000000000;
  let born = 0;
  let worker = null;
  let isUpdated = false;

  function newContext(kind, owner) {
    const deaths = [];
    const build = isUpdated && random.chance(0.6) ? "later" : "now";
    const context = { kind, owner, alive: true, name: `${kind}${++born}`, build, onDeath: (run) => deaths.push(run) };
    context.died = new Promise((resolve) => deaths.push(() => resolve("died")));
    context.die = () => {
      context.alive = false;
      contexts.delete(context);
      for (const run of deaths) run();
      storage.release(context);
      locks.release(context);
      privacy.died(context);
    };
    context.clock = clockOf(context);
    context.newId = () => builds.now.entries.uuid7(context.clock.wall(), randomBytes());
    contexts.add(context);
    note(`${context.name} of ${owner || "nobody"} opens, ${build}`);
    return context;
  }

  function randomBytes() {
    return Uint8Array.from({ length: 16 }, () => random.between(0, 255));
  }

  function clockOf(context) {
    return {
      now: () => scheduler.now(),
      wall: () => Math.floor(scheduler.now() + skew),
      setTimeout: (run, delay) => scheduler.at(delay, () => context.alive && run()),
      clearTimeout: scheduler.cancel,
    };
  }

  function broadcast(from, message) {
    for (const context of contexts) {
      if (context === from || !context.receive) continue;
      scheduler.at(random.next() * 5, () => context.alive && context.receive(message));
    }
  }

  /** What page and worker have in common. */
  function equip(context, longest) {
    const { clock, newId } = context;
    const modules = builds[context.build];
    const database = modules.database.createDatabase({
      indexedDB: storage.of(context),
      clock,
      name: NAME,
      openTimeout: OPEN_TIMEOUT,
      patience: PATIENCE,
    });
    const reportError = (error) => note(`${context.name} reports ${error.name}`);
    const transportOf = (marks) =>
      modules.transport.createTransport({ fetch: network.of(context, marks), clock, base: BASE, longest });
    const shelves = modules.shelf.createShelves({ caches: caches?.of(context), clock, prefix: `${NAME}:`, limits: LIMITS });
    const removeOthers = privacy.watchRemoval(context, shelves.removeOthers);
    const ownership = privacy.watchOwnership(context, modules.ownership.createOwnership({ database, clock, removeOthers }));
    const transport = transportOf({});
    const ofPages = transportOf({ isOfPage: true });
    const sessionsBy = (way) => modules.sessions.createSessions({ transport: way, ownership, reportError });
    const watched = (method) => (session, owner, ...what) => {
      privacy.delivering(session, owner);
      return transport[method](session, owner, ...what);
    };
    Object.assign(context, { database, ownership, shelves, reportError, fetchSession: sessionsBy(ofPages), askSession: ofPages.session });
    context.outbox = modules.outbox.createOutbox({ database, IDBKeyRange: FDBKeyRange, newId });
    const uploads = modules.uploads.createUploads({
      outbox: context.outbox,
      transport: {
        arrived: watched("arrived"),
        sendPart: watched("sendPart"),
      },
      digest: async (content) => sha256(content),
    });
    context.deliver = modules.delivery.createDelivery({
      outbox: context.outbox,
      uploads,
      transport: {
        session: privacy.watchSessions(sessionsBy(transport)),
        send: watched("send"),
      },
      toSubmission: modules.entries.toSubmission,
      clock,
      lock: modules.delivery.createLock({ locks: locks.of(context), clock, name: NAME }),
      random: random.next,
      report(owner, receipts) {
        if (!context.alive) return;
        note(`${context.name} learns ${receipts.map(({ status }) => status)}`);
        witness.reported(owner, receipts);
        broadcast(context, { type: "receipts", owner, receipts });
      },
    });
    return modules;
  }

  /** @param {string} owner @param {{isKept?: boolean, goTo?: (path: string) => void}} [page] */
  function openTab(owner, { isKept = false, goTo = () => {} } = {}) {
    const context = newContext("tab", owner);
    const { triggers, signout, room } = equip(context, 20 * 60 * 1000);
    const { clock, newId } = context;
    const window = new EventTarget();
    window.document = Object.assign(new EventTarget(), { visibilityState: "visible", documentElement: { hidden: false } });
    window.navigator = { serviceWorker: { controller: random.chance(0.8) ? {} : null } };
    window.location = { href: ORIGIN + HOME, origin: ORIGIN, assign: goTo, reload: () => goTo(HOME) };
    context.window = window;
    context.withRoom = room.createRoom({ shelves: context.shelves, storage: undefined });
    context.newEntry = builds[context.build].entries.newEntry;
    context.armSync = triggers.createSync({
      serviceWorker: { ready: Promise.resolve({ sync }) },
      clock,
      newTag: () => `${NAME}:${newId()}`,
    });
    context.triggers = triggers.createTriggers({
      window,
      deliver: context.deliver,
      status: { refresh: async () => {}, say: async () => {} },
      armSync: context.armSync,
      clock,
      onOutdated: async () => {},
      reportError: context.reportError,
    });
    signout.createSignOut({
      window,
      owner,
      home: HOME,
      ownership: context.ownership,
      fetchSession: context.fetchSession,
      askSession: context.askSession,
      mayLeave: async () => true,
      post: postSignOut,
      reportError: context.reportError,
    }).start(isKept);
    context.receive = ({ type }) => type === "saved" && context.triggers.deliver();
    context.tellOthers = () => broadcast(context, { type: "saved" });
    begin();
    return context;

    /** The browser posts the form, and shows what comes of it. */
    async function postSignOut(_form, _submitter, { session }) {
      if (!context.alive) return;
      const headers = { [session.csrf_header]: session.csrf_token };
      await network.of(context, { isOfPage: true })(SIGN_OUT, { method: "POST", headers }).catch(() => {});
      goTo(HOME);
    }

    /** As the client does it: what does not open now is tried again. */
    function begin() {
      context.outbox.open().then(
        () => context.triggers.listen(),
        () => clock.setTimeout(begin, REOPEN_PAUSE),
      );
    }
  }

  function startWorker() {
    if (!worker?.alive) {
      worker = newContext("worker", "");
      const { triggers, ...modules } = equip(worker, 150 * 1000);
      keepPages(worker, modules);
      worker.wakeUp = triggers.createWakeUp({ deliver: worker.deliver, clock: worker.clock });
    }
    return { context: worker, wakeUp: worker.wakeUp };
  }

  function keepPages(context, { keeping, caching, reading }) {
    const { clock, shelves, ownership, fetchSession } = context;
    const fetch = network.of(context, { isOfPage: true });
    context.keeping = keeping.createKeeping({
      shelves,
      ownership,
      fetchSession,
      reading,
      fetch,
      clock,
      digest: async (text) => String(text.length) + /edition \d+/.exec(text),
      announce: async ({ path }) => note(`${path} has changed`),
      origin: ORIGIN,
      config: KEEPING,
    });
    context.caching = caching.createCaching({
      keeping: context.keeping, ownership, fetch, fetchSession, clock, origin: ORIGIN, config: KEEPING,
    });
    context.waitUntil = (work) => privacy.during(context, work).catch(context.reportError);
  }

  const sync = createBackgroundSync({ scheduler, isOnline: network.isUp, startWorker, killWorker: (context) => context.die() });

  return {
    sync,
    openTab,
    startWorker,

    /** As the worker's script does it. @param {{type: "install" | "compare" | "look" | "outdate" | "refresh"}} message */
    tellWorker(message) {
      const { keeping, waitUntil } = startWorker().context;
      const tasks = {
        install: () => keeping.install().then(keeping.activate),
        compare: keeping.compare,
        look: keeping.look,
        outdate: ({ path }) => keeping.outdate(path),
        refresh: keeping.refreshNamed,
      };
      waitUntil(tasks[message.type](message));
    },

    tabs: () => [...contexts].filter(({ kind }) => kind === "tab"),
    worker: () => (worker?.alive ? worker : null),

    killAll() {
      for (const context of [...contexts]) context.die();
    },

    /** @param {number} milliseconds  the device's clock is set by so much */
    setClock(milliseconds) {
      skew += milliseconds;
    },

    /** Whatever opens from now on may be of the later build; the one before lives on in tabs and worker (row B13). */
    update() {
      isUpdated = true;
    },

    /** The link is there or not, and pages are told of it. @param {boolean} isUp */
    setLink(isUp) {
      network.setUp(isUp);
      if (!isUp) return;
      sync.online();
      for (const { window } of this.tabs()) window.dispatchEvent(new Event("online"));
    },
  };
}
