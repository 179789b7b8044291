/**
 * Hundreds of devices that come back at once to a site that can take few of them (row B12): `node crowd.js DEVICES SEED [MISTAKE]`
 * prints as JSON what came of it, with a site that says when to come again and with one that does not.
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

const SECOND = 1000;
const REQUESTS_A_SECOND = 20;
const RETRY_AFTER = 30;
const LONGEST = 10 * 60 * SECOND;
// Everybody starts when the network is back: that one wave cannot be flattened.
const FIRST_WAVE = 2 * SECOND;
const MISTAKES = {
  none: [],
  no_jitter: [["delivery", "return random() * Math.min(", "return Math.min("]],
  ignores_retry_after: [["delivery", "if (retryAfter !== undefined) await", "if (false) await"]],
};

/**
 * @param {number} devices
 * @param {number} seed
 * @param {[string, string, string][]} changes  the mistake
 * @param {boolean} namesATime  whether the site says when to come again
 */
async function comeBack(devices, seed, changes, namesATime) {
  const random = createRandom(seed);
  const scheduler = createScheduler(random);
  usePlatformOf(scheduler);
  const builds = await loadBuilds(changes);
  const arrivals = [];
  const delivered = new Map();
  const site = limited(scheduler, arrivals, namesATime, {
    newToken: () => random.next().toString(36),
    onEffect: ({ id }) => delivered.set(id, (delivered.get(id) ?? 0) + 1),
  });
  let early = 0;
  const crowd = Array.from({ length: devices }, () => {
    let askedUntil = 0;
    const witness = {
      sending() {
        if (scheduler.now() < askedUntil) early += 1;
      },
      sent() {},
      reported() {},
      askedToWait(milliseconds) {
        askedUntil = scheduler.now() + milliseconds;
      },
    };
    return newcomer({ scheduler, random, site, witness, builds });
  });
  for (const device of crowd) device.setLink(false);
  const tabs = crowd.map((device) => device.openTab(""));
  const until = async (isSo, time) => {
    while (!isSo() && scheduler.now() < time && (await scheduler.step()));
  };
  await Promise.race([Promise.all(tabs.map(save)), until(() => false, 60 * SECOND)]);
  await until(() => false, scheduler.now() + 60 * SECOND);
  arrivals.length = 0;
  const back = scheduler.now();
  for (const device of crowd) device.setLink(true);
  await until(() => delivered.size === devices, back + LONGEST);
  const seconds = countBySecond(arrivals.filter((time) => time > back + FIRST_WAVE));
  for (const device of crowd) device.killAll();
  return {
    delivered: delivered.size,
    twice: [...delivered.values()].filter((times) => times > 1).length,
    minutes: (scheduler.now() - back) / (60 * SECOND),
    requests: arrivals.length,
    busiest: Math.max(0, ...seconds),
    early,
  };
}

/** A site that answers so many requests in a second, and turns the others away. */
function limited(scheduler, arrivals, namesATime, collaborators) {
  const server = createServer(collaborators);
  const overloaded = { status: 503, headers: namesATime ? { "retry-after": String(RETRY_AFTER) } : {}, text: "<h1>Busy</h1>" };
  return {
    ...server,
    handle(cookie, request) {
      const now = scheduler.now();
      arrivals.push(now);
      const taken = arrivals.filter((time) => time > now - SECOND).length;
      return taken > REQUESTS_A_SECOND ? overloaded : server.handle(cookie, request);
    },
  };
}

function newcomer({ scheduler, random, site, witness, builds }) {
  const note = () => {};
  const faults = createFaults(random, note);
  const storage = createStorage({ scheduler, random, faults, name: "offlinesync:/offlinesync/", onCommitted() {} });
  const cookie = site.sign(null);
  const network = createNetwork({ scheduler, random, faults, server: site, witness, cookie: () => cookie, idsOnDevice: () => [] });
  const privacy = createPrivacy({ record: () => undefined, everything: () => [], onViolation() {} });
  const locks = createLocks(scheduler, random);
  return createDevice({ scheduler, random, storage, locks, network, witness, privacy, note }, builds);
}

async function save(tab, number) {
  const id = tab.newId();
  await tab.outbox.save(tab.newEntry({ id, owner: "", form: "note", fields: [["title", `note ${number}`]] }), []);
  await tab.triggers.deliver();
}

/** @param {number[]} times */
function countBySecond(times) {
  const counts = new Map();
  for (const time of times) counts.set(Math.floor(time / SECOND), (counts.get(Math.floor(time / SECOND)) ?? 0) + 1);
  return [...counts.values()];
}

const [devices, seed] = process.argv.slice(2, 4).map(Number);
const mistake = process.argv[4] ?? "none";
console.log(JSON.stringify({
  with_a_time: await comeBack(devices, seed, MISTAKES[mistake], true),
  without: await comeBack(devices, seed, MISTAKES[mistake], false),
}));
