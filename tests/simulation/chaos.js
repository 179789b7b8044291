import { FAULTS as ON_THE_WAY, SESSION, SUBMISSIONS } from "./network.js";

const YEARS = 10 * 365 * 86400000;
const OWNERS = ["1", "2", null];
const LONGEST_BLOCK = 6000;
const LOOK = 150;
const LOOKS = 800;

const ON_THE_DEVICE = ["quota", "transaction_aborts", "transaction_hangs", "dead_handle", "open_refused", "open_hangs"];
/** What waits for the next request, or the next transaction. */
const LOADED = [...ON_THE_WAY, ...ON_THE_DEVICE];

/**
 * What happens to the device, the network and the people, by kind. Each returns nothing when it could not happen.
 *
 * @param {object} world
 * @param {ReturnType<import("./device.js").createDevice>} device
 * @param {ReturnType<import("./people.js").createPeople>} people
 */
export function createChaos(world, device, people) {
  const { scheduler, random, faults, storage, server, session, witness, note } = world;

  const anyTab = () => (device.tabs().length ? random.pick(device.tabs()) : device.openTab(ownerOfNewPage()));
  // Without a network only a page that was kept opens, and that was rendered for nobody.
  const ownerOfNewPage = () => (world.network.isUp() ? (session.cookie.user ?? "") : "");

  function signAs(user) {
    session.cookie = server.sign(user);
    note(`signed in as ${user}`);
  }

  /** Where staff can act as somebody else, the account changes under the same token: the owner alone tells. */
  async function switchOwner() {
    if (random.chance(0.5) && !(await look(() => witness.isSending(SESSION)))) return;
    const user = random.pick(OWNERS);
    if (random.chance(0.5)) return signAs(user);
    session.cookie = { ...session.cookie, user };
    note(`acts as ${user}`);
  }

  const FAULTS = {
    ...Object.fromEntries(LOADED.map((kind) => [kind, () => load(kind)])),
    kill_tab: () => kill(device.tabs().length && random.pick(device.tabs())),
    kill_worker: () => kill(device.worker()),
    power_cut: cutPower,
    link_down: () => counted("link_down", () => device.setLink(false)),
    owner_switch: () => counted("owner_switch", switchOwner),
    sign_out: () => counted("sign_out", () => signAs(null)),
    token_change: () => counted("token_change", () => signAs(session.cookie.user)),
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
    device.setClock(Math.floor((random.next() * 2 - 1) * YEARS));
  }

  function block() {
    // Pages open meanwhile are of the later build, which wants to upgrade (row A4).
    storage.openForAWhile(random.next() * LONGEST_BLOCK);
    device.update();
  }

  const DEEDS = {
    write: () => void people.write(anyTab()),
    correct: () => void people.correct(anyTab()),
    discard: () => void people.discard(anyTab()),
    press_again: () => people.pressAgain(),
    open_tab: () => void device.openTab(ownerOfNewPage()),
    link_up: () => device.setLink(true),
    correct_on_the_way: correctOnTheWay,
    mend: () => server.mend(),
  };
  const OFTEN = ["write", "write", "write", "write", "correct", "correct", "discard", "press_again", "open_tab", "correct_on_the_way", "link_up", "mend"];

  return {
    /** Only some kinds in one schedule, so that each of them meets each other one alone. */
    chooseKinds: () => Object.keys(FAULTS).filter(() => random.chance(0.3)),

    /** @param {string[]} kinds */
    happen(kinds) {
      if (!kinds.length || random.chance(0.45)) return DEEDS[random.pick(OFTEN)]();
      return FAULTS[random.pick(kinds)]();
    },

    signAs,
  };
}
