/**
 * Runs the simulation. `--seeds N [--from S]` runs so many, over all cores, and then every mutant; `--seed S` prints the
 * trace of one. The exit status is 1 where a promise did not hold, a mutant got by, or a seed was not the same twice.
 */
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";

import { loadBuilds } from "./builds.js";
import { MUTANTS } from "./mutants.js";
import { runSchedule } from "./schedule.js";
import { differencesOfModel } from "./wire.js";

const REGRESSIONS = JSON.parse(readFileSync(new URL("regressions.json", import.meta.url), "utf8"));
const CHUNK = 250;
// What a schedule leaves is garbage with its end: with room for all of it, little of it is ever copied.
const YOUNG_GENERATION = { maxYoungGenerationSizeMb: 192 };
// Every so many seeds one is run a second time, and must be the same.
const REPEATED = 200;
// A long run says where it is, and what it has found as soon as it has found it: nobody waits an hour to hear of seed 12.
const SCHEDULES_A_LINE = 50000;

const sum = (into, from) => {
  for (const [kind, count] of Object.entries(from)) into[kind] = (into[kind] ?? 0) + count;
};

/** @param {{mutant?: number, seeds: number[]}} job */
async function runJob({ mutant, seeds }) {
  const { changes, faulty } = MUTANTS[mutant] ?? {};
  const builds = await buildsOf(mutant, changes);
  const found = { schedules: 0, steps: 0, injected: {}, failures: [] };
  for (const seed of seeds) {
    const { violation, hash, steps, injected } = await runSchedule(seed, builds, { faulty });
    found.schedules += 1;
    found.steps += steps;
    sum(found.injected, injected);
    if (violation) found.failures.push({ seed, violation });
    if (violation && mutant !== undefined) return found;
    if (mutant === undefined && seed % REPEATED === 0 && (await runSchedule(seed, builds)).hash !== hash) {
      found.failures.push({ seed, violation: "the same seed went another way" });
    }
  }
  return found;
}

const loaded = new Map();

function buildsOf(mutant, changes) {
  if (!loaded.has(mutant)) loaded.set(mutant, loadBuilds(changes));
  return loaded.get(mutant);
}

/** @param {(job: object) => void} nextJob @param {(job: object, found: object) => void} onFound */
async function overAllCores(nextJob, onFound) {
  const jobs = Number(process.env.JOBS) || availableParallelism();
  await Promise.all(
    Array.from({ length: jobs }, async () => {
      const thread = new Worker(new URL(import.meta.url), { workerData: {}, resourceLimits: YOUNG_GENERATION });
      for (let job = nextJob(); job; job = nextJob()) {
        thread.postMessage(job);
        const [answer] = await once(thread, "message");
        onFound(job, answer);
      }
      await thread.terminate();
    }),
  );
}

/** @param {number} from @param {number} count */
async function simulate(from, count) {
  const total = { schedules: 0, steps: 0, injected: {}, failures: [] };
  const regressions = REGRESSIONS.map(({ seed }) => seed);
  let next = from;
  function nextJob() {
    if (regressions.length) return { seeds: regressions.splice(0) };
    if (next >= from + count) return null;
    const end = Math.min(next + CHUNK, from + count);
    const seeds = Array.from({ length: end - next }, (_, index) => next + index);
    next = end;
    return { seeds };
  }
  await overAllCores(nextJob, (_job, { schedules, steps, injected, failures }) => {
    total.schedules += schedules;
    total.steps += steps;
    sum(total.injected, injected);
    total.failures.push(...failures);
    failures.forEach(printFailure);
    if (Math.floor(total.schedules / SCHEDULES_A_LINE) > Math.floor((total.schedules - schedules) / SCHEDULES_A_LINE)) {
      console.log(`${total.schedules} schedules of ${count}: ${total.failures.length} violations`);
    }
  });
  return total;
}

/** @param {number} most  seeds for each @returns {Promise<object[]>} each with the seed that caught it, or none */
async function hunt(most) {
  const results = MUTANTS.map(({ name, row }) => ({ name, row, seed: null, violation: null, tried: 0 }));
  const waiting = MUTANTS.map((_, mutant) => ({ mutant, from: 0 }));
  function nextJob() {
    const job = waiting.shift();
    if (!job) return null;
    return { mutant: job.mutant, from: job.from, seeds: Array.from({ length: CHUNK }, (_, index) => job.from + index) };
  }
  await overAllCores(nextJob, ({ mutant, from }, { failures: [caught], schedules }) => {
    const result = results[mutant];
    result.tried += schedules;
    if (caught) Object.assign(result, caught);
    else if (result.tried < most) waiting.push({ mutant, from: from + CHUNK });
  });
  return results;
}

async function printTrace(seed, mutantName) {
  const mutant = MUTANTS.find(({ name }) => name === mutantName);
  const trace = [];
  const { violation } = await runSchedule(seed, await loadBuilds(mutant?.changes), { faulty: mutant?.faulty, trace });
  console.log(trace.join("\n"));
  return violation;
}

function printFailure({ seed, violation }) {
  console.log(`\nseed ${seed}: ${violation}\nIts trace: node tests/simulation/main.js --seed ${seed}`);
}

/** What `make reliability` puts into docs/reliability.md. */
function writeRecord({ record, seeds, from }, found) {
  const date = new Date().toISOString().slice(0, 10);
  const commit = execFileSync("git", ["rev-parse", "--short=12", "HEAD"], { encoding: "utf8" }).trim();
  const command = `make simulate SEEDS=${seeds} FROM=${from} RECORD=${record}`;
  writeFileSync(record, `${JSON.stringify({ date, commit, command, ...found }, null, 1)}\n`);
}

async function main() {
  const { values } = parseArgs({
    options: {
      seeds: { type: "string", default: "2000" },
      from: { type: "string", default: "0" },
      seed: { type: "string" },
      mutant: { type: "string" },
      "seeds-for-a-mutant": { type: "string", default: "20000" },
      record: { type: "string" },
    },
  });
  if (values.seed !== undefined) return (await printTrace(Number(values.seed), values.mutant)) ? 1 : 0;

  const differences = differencesOfModel();
  for (const difference of differences) console.log(`the model server does not answer as the real one: ${difference}`);
  const began = performance.now();
  const total = await simulate(Number(values.from), Number(values.seeds));
  const seconds = Math.round((performance.now() - began) / 1000);
  console.log("faults injected:");
  for (const kind of Object.keys(total.injected).sort()) console.log(`  ${String(total.injected[kind]).padStart(9)}  ${kind}`);
  if (total.failures.length) {
    console.log("Add each seed of a violation to tests/simulation/regressions.json with a word on what was wrong, and mend it.");
  }
  const mutants = await hunt(Number(values["seeds-for-a-mutant"]));
  console.log("mutants:");
  for (const { name, row, seed, violation } of mutants) {
    console.log(seed === null ? `  SURVIVED         ${row} ${name}` : `  caught by ${String(seed).padStart(6)} ${row} ${name}: ${violation}`);
  }
  const survivors = mutants.filter(({ seed }) => seed === null);
  console.log(
    `${total.schedules} schedules (${total.steps} steps, ${seconds} s): ${total.failures.length} violations. ` +
      `${mutants.length - survivors.length} of ${mutants.length} mutants caught.`,
  );
  if (values.record) writeRecord(values, { ...total, seconds, mutants });
  return differences.length || total.failures.length || survivors.length ? 1 : 0;
}

if (isMainThread) process.exitCode = await main();
else {
  // Aborted requests are errors by the thousand, and nobody reads where they come from.
  Error.stackTraceLimit = 0;
  parentPort.on("message", async (job) => parentPort.postMessage(await runJob(job)));
}
