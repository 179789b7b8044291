import { FAULTS as ON_THE_WAY, SESSION, SIGN_OUT, SUBMISSIONS } from "./network.js";

const YEARS = 10 * 365 * 86400000;
const OWNERS = ["1", "2", null];
const LONGEST_BLOCK = 6000;
const LOOK = 150;
const LOOKS = 800;
// Until a page is kept, where nothing goes wrong.
const LONGEST_OPENING = 500;

const ON_THE_DEVICE = [
  "quota", "transaction_aborts", "transaction_hangs", "dead_handle", "open_refused", "open_hangs", "cache_full",
  "cache_hangs", "dies_over_cache",
];
/** What can only go wrong where pages are kept, or read. */
const OF_PAGES = ["cache_full", "cache_hangs", "dies_over_cache", "leave", "sign_out_fails"];
/** What waits for the next request, or the next transaction. */
const LOADED = [...ON_THE_WAY, ...ON_THE_DEVICE];

/**
 * What happens to the device, the network and the people, by kind. Each returns nothing when it could not happen.
 *
 * @param {object} world
 * @param {ReturnType<import("./device.js").createDevice>} device
 * @param {ReturnType<import("./people.js").createPeople>} people
 * @param {ReturnType<import("./visits.js").createVisits>} visits
 * @param {{hasPages: boolean}} schedule  whether pages are opened, kept and left as well
 */
export function createChaos(world, device, people, visits, { hasPages }) {
  const { scheduler, random, faults, storage, server, session, witness, privacy, note } = world;

  const anyTab = () => (device.tabs().length ? random.pick(device.tabs()) : device.openTab(ownerOfNewPage()));
  // Without a network only a page that was kept opens, and that was rendered for nobody.
  const ownerOfNewPage = () => (world.network.isUp() ? (server.userOf(session.cookie) ?? "") : "");

  function signAs(user) {
    session.cookie = server.sign(user, session.cookie);
    privacy.isClear();
    note(`signed in as ${user}`);
  }

  /** Where staff can act as somebody else, the account changes under the same token: the owner alone tells. */
  async function switchOwner() {
    if (random.chance(0.5) && !(await look(() => witness.isSending(SESSION)))) return;
    const user = random.pick(OWNERS);
    if (random.chance(0.5)) return signAs(user);
    session.cookie = { ...session.cookie, user };
    privacy.isClear();
    note(`acts as ${user}`);
  }

  /** By the form that is there for it, with a network or without one, or while it goes. */
  async function leave() {
    if (ownerOfNewPage() !== "") device.openTab(ownerOfNewPage());
    const tabs = device.tabs().filter(({ owner }) => owner !== "");
    if (!tabs.length) return;
    const tab = random.pick(tabs);
    await random.pick([async () => {}, whileSending, whileOpening])();
    if (!tab.alive || faults.isHealed()) return;
    if (random.chance(0.5)) device.setLink(false);
    visits.signOut(tab);
    await pause(random.next() * LOOK);
    if (random.chance(0.5) && !faults.isHealed()) device.setLink(random.chance(0.7));
    if (random.chance(0.5)) await visits.open();
  }

  const whileSending = () => look(() => [SESSION, SUBMISSIONS].some(witness.isSending));

  function whileOpening() {
    visits.open();
    return pause(random.next() * LONGEST_OPENING);
  }

  function failSignOut() {
    faults.load(random.pick(ON_THE_WAY), random.between(1, 5), SIGN_OUT);
    return leave();
  }

  const FAULTS = {
    ...Object.fromEntries(LOADED.map((kind) => [kind, () => load(kind)])),
    kill_tab: () => kill(device.tabs().length && random.pick(device.tabs())),
    kill_worker: () => kill(device.worker()),
    power_cut: cutPower,
    link_down: () => counted("link_down", () => device.setLink(false)),
    owner_switch: () => counted("owner_switch", switchOwner),
    leave: () => counted("leave", leave),
    sign_out_fails: () => counted("sign_out_fails", failSignOut),
    sign_out: () => counted("sign_out", () => signAs(null)),
    token_change: () => counted("token_change", () => signAs(server.userOf(session.cookie))),
    clock_jump: () => counted("clock_jump", jump),
    update: () => counted("update", () => device.update()),
    blocked_upgrade: () => counted("blocked_upgrade", block),
    sync_refused: () => counted("sync_refused", () => device.sync.refuse(true)),
    sync_backs_off: () => counted("sync_backs_off", () => device.sync.backOff()),
    sync_forgotten: () => counted("sync_forgotten", () => device.sync.forgetAll()),
  };

  /** A correction, and the answer to what stood there before, cross each other on the way. */
  async function correctOnTheWay() {
    const tab = anyTab();
    people.write(tab, { behaviour: "site: 413" });
    const isThere = (wanted) => storage.records("entries").find((entry) => entry.owner === tab.owner && wanted(entry));
    if (!(await look(() => isThere(({ state }) => state === "stuck")))) return;
    server.mend();
    const isOnTheWay = ({ id, state }) => state === "stuck" && witness.idsOnTheWay().includes(id);
    if (await look(() => isThere(isOnTheWay))) people.correct(tab, isThere(isOnTheWay).id);
  }

  /** Whoever does not want to wait presses the button while the site wants to be left alone. */
  async function sendNow() {
    const tab = anyTab();
    await look(() => storage.records("entries").some(({ owner, pause }) => owner === tab.owner && pause?.isAsked));
    if (tab.alive) people.sendNow(tab);
  }

  /** Some things matter only in a certain moment. @returns {Promise<boolean>} whether it has come while things go wrong */
  async function look(forWhat) {
    for (let looks = 0; looks < LOOKS && !faults.isHealed(); looks++) {
      if (forWhat()) return true;
      await pause(LOOK);
    }
    return false;
  }

  const pause = (milliseconds) => new Promise((resolve) => scheduler.at(milliseconds, resolve));

  function counted(kind, happen) {
    faults.count(kind);
    return happen();
  }

  function load(kind) {
    if (ON_THE_DEVICE.includes(kind)) witness.excuseWaits();
    const isOnTheWay = ON_THE_WAY.includes(kind);
    // The first request of a delivery asks for the session, and would keep what is meant for the second from happening.
    faults.load(kind, random.between(1, isOnTheWay ? 3 : 2), isOnTheWay && random.chance(0.7) ? SUBMISSIONS : "");
  }

  function kill(context) {
    if (!context) return;
    witness.excuseWaits();
    counted(`kill_${context.kind}`, () => context.die());
  }

  async function cutPower() {
    witness.excuseWaits();
    faults.count("power_cut");
    device.killAll();
    await storage.cutPower();
    witness.checkDevice();
  }

  function jump() {
    witness.excuseWaits();
    witness.excusePauses();
    device.setClock(Math.floor((random.next() * 2 - 1) * YEARS));
  }

  function block() {
    // Pages open meanwhile are of the later build, which wants to upgrade and waits for it (row A4): nobody can note an
    // appointment.
    witness.excuseWaits();
    storage.openForAWhile(random.next() * LONGEST_BLOCK);
    device.update();
  }

  const DEEDS = {
    write: () => void people.write(anyTab()),
    correct: () => void people.correct(anyTab()),
    discard: () => void people.discard(anyTab()),
    send_now: sendNow,
    press_again: () => people.pressAgain(),
    open_tab: () => void device.openTab(ownerOfNewPage()),
    link_up: () => device.setLink(true),
    correct_on_the_way: correctOnTheWay,
    mend: () => server.mend(),
    visit: () => visits.open(),
    visit_in_passing: () => visits.openTwice(),
    look_for_pages: () => visits.look(),
    sign_in: () => visits.signIn(() => signAs(random.pick(["1", "2"]))),
  };
  const OFTEN = [
    "write", "write", "write", "write", "correct", "correct", "discard", "send_now", "press_again", "open_tab", "correct_on_the_way", "link_up",
    "mend",
  ];
  const OFTEN_WITH_PAGES = [...OFTEN, "visit", "visit", "visit_in_passing", "look_for_pages", "sign_in", "sign_in"];

  return {
    /** Only some kinds in one schedule, so that each of them meets each other one alone. */
    chooseKinds: () => Object.keys(FAULTS).filter((kind) => (hasPages || !OF_PAGES.includes(kind)) && random.chance(0.3)),

    /** @param {string[]} kinds */
    happen(kinds) {
      if (!kinds.length || random.chance(0.45)) return DEEDS[random.pick(hasPages ? OFTEN_WITH_PAGES : OFTEN)]();
      return FAULTS[random.pick(kinds)]();
    },

    signAs,
  };
}
