import { createCaches } from "./caches.js";
import { createChaos } from "./chaos.js";
import { createDevice } from "./device.js";
import { createFaults } from "./faults.js";
import { createLocks } from "./locks.js";
import { createNetwork } from "./network.js";
import { createPeople } from "./people.js";
import { usePlatformOf } from "./platform.js";
import { createPrivacy } from "./privacy.js";
import { createRandom } from "./random.js";
import { createScheduler } from "./scheduler.js";
import { createServer } from "./server.js";
import { HOME } from "./site.js";
import { createStorage } from "./storage.js";
import { createVisits } from "./visits.js";
import { createWitness, valueOf } from "./witness.js";

const MINUTE = 60000;
// A request may take half a minute, a pause one, and the lock changes hands in between.
const BOUND = 5 * MINUTE;
const WORKER_BOUND = 2 * MINUTE;
// Longer than the worker goes on by itself; then Chromium tries again after five minutes, and after fifteen (row B3).
const SITE_AWAY = 4 * MINUTE;
const SYNC_BOUND = 22 * MINUTE;
const MOST_STEPS = 60000;
const LONGEST_GAP = 40;
// Until what blocks an upgrade has gone, and what hangs has come back.
const CALM = 15000;
// What a schedule with pages does takes four times as long as one of the outbox alone, which has the more to be tried.
const WITH_PAGES = 1 / 8;

/**
 * One schedule: people write while everything goes wrong that can, then nothing does any more, and the outbox has to be
 * empty within a bound (row B10).
 *
 * @param {number} seed
 * @param {Awaited<ReturnType<import("./builds.js").loadBuilds>>} builds
 * @param {{faulty?: Record<string, boolean>, trace?: string[]}} [options]
 * @returns {Promise<{violation: string | null, hash: number, steps: number, injected: Record<string, number>}>}
 */
export async function runSchedule(seed, builds, { faulty, trace } = {}) {
  const random = createRandom(seed);
  const hasPages = random.chance(WITH_PAGES);
  const scheduler = createScheduler(random);
  usePlatformOf(scheduler);
  let hash = 2166136261;
  let violation = null;
  let steps = 0;

  function note(what) {
    const line = `${scheduler.now().toFixed(3)} ${what}`;
    for (let index = 0; index < line.length; index++) hash = Math.imul(hash ^ line.charCodeAt(index), 16777619) >>> 0;
    trace?.push(line);
  }

  function onViolation(what) {
    note(`VIOLATION ${what}`);
    violation ??= what;
  }

  // Not one of them is an answer to anybody, and in a browser each stands in the console as an error of the site's.
  const onUntaken = (error) => onViolation(`P9: nobody has taken ${error}`);
  process.on("unhandledRejection", onUntaken);

  const faults = createFaults(random, note);
  const entries = () => storage.records("entries");
  const drafts = () => storage.records("state").filter(({ key }) => key[0] === "draft");
  const witness = createWitness({ entries, files: () => storage.records("files"), drafts, now: scheduler.now, onViolation });
  const storage = createStorage({ scheduler, random, faults, name: "offlinesync:/offlinesync/", onCommitted });
  const caches = createCaches({ scheduler, random, faults, onChanged: () => privacy.checkCaches() });
  const record = () => storage.records("state").find(({ key }) => key === "owner");
  const privacy = createPrivacy({ record, everything: caches.everything, onViolation });

  function onCommitted() {
    witness.checkDevice();
    privacy.checkRecord();
  }

  const server = createServer({
    faulty,
    newToken: () => random.next().toString(36),
    onUnknown: (submission) => witness.refusedAsUnknown(submission),
    onEffect(effect) {
      note(`the site has ${effect.title}`);
      witness.happened(effect);
    },
  });
  const session = { cookie: server.sign(random.pick(["1", null])) };
  const network = createNetwork({
    scheduler,
    random,
    faults,
    server,
    witness,
    cookie: () => session.cookie,
    idsOnDevice: () => entries().map(({ id }) => id),
  });
  const locks = createLocks(scheduler, random);
  const world = { scheduler, random, faults, storage, caches, locks, network, server, session, witness, privacy, note };
  const device = createDevice(world, builds);
  const people = createPeople(world);
  const visits = createVisits(world, device, builds.now.reading);
  const chaos = createChaos(world, device, people, visits, { hasPages });
  const signedIn = () => server.userOf(session.cookie) ?? "";

  /** Goes on until it is so, for so long at the most. @returns {Promise<boolean>} whether it is so */
  async function until(isSo, milliseconds) {
    const end = scheduler.now() + milliseconds;
    const most = steps + MOST_STEPS;
    await scheduler.settle();
    while (!violation && !isSo()) {
      if (scheduler.now() > end) return false;
      if (++steps > most) onViolation("B10: it goes on for ever");
      if (!(await scheduler.step())) return isSo();
    }
    return true;
  }

  /** @param {unknown} work @param {number} milliseconds  at the most */
  async function isOver(work, milliseconds) {
    let isSo = false;
    Promise.resolve(work).then(() => {
      isSo = true;
    });
    return until(() => isSo, milliseconds);
  }

  async function goWrong() {
    const kinds = chaos.chooseKinds();
    const events = random.chance(0.05) ? random.between(10, 40) : random.between(3, 10);
    if (hasPages) device.tellWorker({ type: "install" });
    device.openTab(signedIn());
    for (let event = 0; event < events && !violation; event++) {
      await isOver(chaos.happen(kinds), MINUTE);
      let gap = random.chance(0.2) ? 0 : random.between(1, LONGEST_GAP);
      await until(() => gap-- === 0, 20 * MINUTE);
    }
  }

  async function comeRight() {
    note("nothing goes wrong any more");
    faults.heal();
    device.sync.refuse(false);
    device.setLink(true);
    await until(() => false, CALM);
  }

  /** Somebody opens a page, and the site is told of whoever has left (P8). */
  async function comesToRest() {
    // Or it would end the session that begins now. An answer that never ends is given up after five minutes.
    await until(() => !visits.isSigningInOrOut(), 2 * BOUND);
    await isOver(visits.open(HOME), BOUND);
    await checkPages();
    // What is on its way still may end the session that was there before.
    await signIn(signedIn());
  }

  async function checkPages() {
    // Answers that never end may come one behind the other, and each is given up after its five minutes.
    const isQuiet = await until(() => !privacy.isBusy(), 4 * BOUND);
    if (!isQuiet) onViolation("P8: pages are looked for, and it does not come to an end");
    if (!violation) privacy.checkQuiet(server.userOf(session.cookie));
  }

  async function signIn(owner) {
    if (!hasPages) return chaos.signAs(owner || null);
    await isOver(visits.signIn(() => chaos.signAs(owner || null)), BOUND);
    await checkPages();
  }

  /** Milliseconds until the last of what was asked of the device is over. */
  function longestPause() {
    const pauses = [...entries().map(({ pause }) => pause), ...storage.records("state").map(({ pause }) => pause)];
    const now = (device.tabs()[0] ?? device.openTab("")).clock.wall();
    return Math.max(0, ...pauses.map((pause) => (pause && pause.since <= now ? pause.until - now : 0)));
  }

  /** The bugs are there still, and whatever is not to blame gets past those that are (P6, row B9). */
  async function othersPass() {
    const owner = signedIn();
    device.openTab(owner);
    const good = () => entries().filter(
      (entry) => entry.owner === owner && entry.state === "waiting" && entry.group === null && valueOf(entry, "behaviour") === "",
    );
    if (!(await until(() => !good().length, longestPause() + BOUND))) onViolation(`B9: ${valueOf(good()[0], "title")} is held up by others`);
  }

  /** What was promised when the page closed: the worker alone delivers it (rows B3, B4). @param {{away: boolean}} site */
  async function workerDelivers({ away }) {
    const tab = device.openTab(signedIn());
    await until(() => false, MINUTE);
    if (longestPause() > 0) return;
    if (random.chance(0.5)) {
      await tab.armSync();
      device.sync.backOff();
    }
    network.setAway(away);
    const { act, ended } = people.write(tab, { withTrouble: false });
    await isOver(ended, MINUTE);
    await until(() => act.isPromised !== undefined, MINUTE);
    for (const open of device.tabs()) open.die();
    if (away) await until(() => false, SITE_AWAY);
    network.setAway(false);
    if (!act.isPromised) return;
    const isThere = await until(() => witness.effects.has(act.title), away ? SYNC_BOUND : WORKER_BOUND);
    if (!isThere) onViolation(`B4: ${act.title} was to be sent with the page closed, and was not`);
  }

  async function empties(owner) {
    await signIn(owner);
    const tab = device.openTab(owner);
    const own = () => entries().filter((entry) => entry.owner === owner);
    const waitsForThePerson = (entry) => own().some(
      ({ seq, state, group }) => state === "refused" && (seq === entry.seq || (seq < entry.seq && group !== null && group === entry.group)),
    );
    for (let round = 0; own().length && !violation; round++) {
      const before = longestPause();
      const isDone = await until(() => own().every(waitsForThePerson), before + BOUND);
      if (!isDone) return onViolation(`B10: ${own().map(({ state }) => state)} of ${owner || "nobody"} after all has been well`);
      await isOver(people.correct(tab), BOUND);
      if (round > 100) return onViolation("B10: what is corrected is refused again and again");
    }
  }

  async function endWell() {
    if (random.chance(0.3)) await othersPass();
    server.mend();
    if (random.chance(0.3)) await workerDelivers({ away: random.chance(0.3) });
    people.pressAgain();
    await until(() => false, CALM);
    for (const owner of ["1", "2", ""]) await empties(owner);
    // A look in the middle of a transaction would see half of it.
    await until(() => !storage.isWriting(), BOUND);
    witness.checkDevice();
    for (const act of witness.saved) {
      if (!witness.isSettled(act)) onViolation(`P2: ${act.open[0].title} never reached the site`);
    }
    if (!violation && entries().length) onViolation(`B10: ${entries().length} entries are left`);
  }

  await goWrong();
  if (!violation) await comeRight();
  if (!violation && hasPages) await comesToRest();
  if (!violation) await endWell();
  await scheduler.turn();
  device.killAll();
  process.off("unhandledRejection", onUntaken);
  return { violation, hash, steps, injected: faults.injected };
}
