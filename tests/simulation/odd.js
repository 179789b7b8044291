/**
 * Odd records on the device, damaged or of a release to come, each beside two good ones (P6, rows B9 and B13): `node odd.js SEED`
 * prints as JSON what came of each.
 */
import { loadBuilds } from "./builds.js";
import { createDevice } from "./device.js";
import { createFaults } from "./faults.js";
import { createLocks } from "./locks.js";
import { createNetwork } from "./network.js";
import { usePlatformOf } from "./platform.js";
import { createPrivacy } from "./privacy.js";
import { createRandom } from "./random.js";
import { createScheduler } from "./scheduler.js";
import { createServer } from "./server.js";
import { createStorage } from "./storage.js";

const NAME = "offlinesync:/offlinesync/";
const MINUTE = 60000;
const TEN_YEARS = 10 * 365 * 24 * 60 * MINUTE;
// What goes round in circles is stopped here.
const MOST_REQUESTS = 400;
const MOST_STEPS = 20000;
const GOOD = ["good 1", "good 2"];
const FILE = { field: "attachment", part: "f0", name: "a.bin", type: "", size: 1 };

const lacks = (name) => ({ [name]: _, ...record }) => record;
const has = (changes) => (record) => ({ ...record, ...changes });
const pausedFor = (pause) => (record, now) => ({ ...record, pause: pause(now) });
const refused = (record) => ({ ...record, fields: [...record.fields, ["behaviour", "validate: refuse"]] });

/** What becomes of the first of three records, or of all, or what else lies there. */
const ODD = {
  "files are missing": { odd: lacks("files") },
  "files are null": { odd: has({ files: null }) },
  "files are a number": { odd: has({ files: 7 }) },
  "files are a number, and it has failed alone": { odd: has({ files: 7, failures: 1 }) },
  "files are nothing": { odd: has({ files: [null] }) },
  "a file without a size": { odd: has({ files: [{ ...FILE, size: undefined }] }) },
  "a file without a part": { odd: has({ files: [{ ...FILE, part: undefined }] }) },
  "fields are missing": { odd: lacks("fields") },
  "fields hold what JSON cannot": { odd: has({ fields: [["title", 7n]] }) },
  "no id": { odd: lacks("id") },
  "an id that is a number": { odd: has({ id: 7 }) },
  "no form": { odd: lacks("form") },
  "no pause": { odd: lacks("pause") },
  "a pause without an end": { odd: pausedFor((now) => ({ since: now })) },
  "a pause that ends at no time": { odd: pausedFor((now) => ({ since: now, until: NaN })) },
  "a pause for ever": { odd: pausedFor((now) => ({ since: now, until: Infinity })) },
  "a pause of many years": { odd: pausedFor((now) => ({ since: now - 1, until: now + TEN_YEARS })) },
  "a pause with an end of another kind": { odd: pausedFor((now) => ({ since: now, until: 7n })) },
  "a pause that is a text": { odd: has({ pause: "later" }) },
  "no failures": { odd: lacks("failures") },
  "failures of another kind": { odd: has({ failures: 7n, files: 7 }) },
  "no revision": { odd: lacks("revision") },
  "a revision that is no number": { odd: has({ revision: NaN }) },
  "no group, and it is refused": { odd: (record) => refused(lacks("group")(record)), good: lacks("group") },
  "a hold without an end": { hold: (now) => ({ since: now }) },
  "a hold that ends at no time": { hold: (now) => ({ since: now, until: NaN }) },
  "a hold of many years": { hold: (now) => ({ since: now, until: now + TEN_YEARS }) },
};

/**
 * @param {number} seed
 * @param {{odd?: Function, good?: Function, hold?: (now: number) => object}} what
 */
async function comesOf(seed, { odd = (record) => record, good = (record) => record, hold }) {
  const random = createRandom(seed);
  const scheduler = createScheduler(random);
  usePlatformOf(scheduler);
  const reported = [];
  const note = (what) => what.includes(" reports ") && reported.push(what);
  const delivered = [];
  let requests = 0;
  let steps = 0;
  const server = createServer({
    newToken: () => random.next().toString(36),
    onEffect: ({ title }) => delivered.push(title),
  });
  const faults = createFaults(random, note);
  const storage = createStorage({ scheduler, random, faults, name: NAME, onCommitted() {} });
  const cookie = server.sign(null);
  const witness = {
    sending() {
      requests += 1;
    },
    sent() {},
    reported() {},
    askedToWait() {},
  };
  const network = createNetwork({ scheduler, random, faults, server, witness, cookie: () => cookie, idsOnDevice: () => [] });
  const privacy = createPrivacy({ record: () => undefined, everything: () => [], onViolation() {} });
  const world = { scheduler, random, storage, locks: createLocks(scheduler, random), network, witness, privacy, note };
  const device = createDevice(world, await loadBuilds());

  async function until(isSo, milliseconds) {
    const end = scheduler.now() + milliseconds;
    const isTooMuch = () => requests >= MOST_REQUESTS || ++steps > MOST_STEPS;
    while (!isSo() && scheduler.now() < end && !isTooMuch() && (await scheduler.step()));
  }

  async function done(work) {
    let isDone = false;
    work.finally(() => {
      isDone = true;
    });
    await until(() => isDone, MINUTE);
    if (!isDone) throw new Error("It does not come to an end");
    return work;
  }

  device.setLink(false);
  const tab = device.openTab("");
  const now = tab.clock.wall();
  const titles = ["odd", ...GOOD];
  for (const title of titles) {
    const entry = tab.newEntry({ id: tab.newId(), owner: "", form: "note", fields: [["title", title]] });
    await done(tab.outbox.save(entry, []));
  }
  await done(rewrite(storage.of(tab), (record, place) => (place === 0 ? odd(record, now) : good(record)), hold?.(now)));
  // It fails for a while, as it did on the way here, and then nothing is in the way.
  await until(() => false, 5 * MINUTE);
  device.setLink(true);
  await until(() => false, 5 * MINUTE);
  const isSoon = GOOD.every((title) => delivered.includes(title));
  // The longest pause there is, and some time.
  await until(() => false, 65 * MINUTE);
  device.killAll();
  const left = storage.records("entries").map(({ seq, state }) => `${titles[seq - 1]} ${state}`);
  return { delivered: delivered.sort(), isSoon, left, requests, reported };
}

/** @param {{open: Function}} indexedDB */
function rewrite(indexedDB, change, hold) {
  return new Promise((resolve, reject) => {
    indexedDB.open(NAME).addEventListener("success", ({ target: { result: database } }) => {
      const transaction = database.transaction(["entries", "state"], "readwrite");
      const entries = transaction.objectStore("entries");
      entries.getAll().onsuccess = ({ target: { result } }) => result.forEach((record, place) => entries.put(change(record, place)));
      if (hold) transaction.objectStore("state").put({ key: "hold", pause: hold });
      transaction.oncomplete = () => {
        database.close();
        resolve();
      };
      transaction.onabort = () => reject(transaction.error);
    });
  });
}

const seed = Number(process.argv[2]);
const found = {};
for (const [name, what] of Object.entries(ODD)) found[name] = await comesOf(seed, what);
console.log(JSON.stringify(found));
