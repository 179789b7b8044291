import { sha256 } from "./hash.js";
import { titleOf } from "./witness.js";

/** What can be wrong with what somebody writes, and what the site then says of it. */
export const BEHAVIOURS = [
  "validate: refuse",
  "validate: deny",
  "save: fail",
  "site: crash",
  "site: 413",
  "site: malformed",
  "site: firewall",
];
/** A large one travels in parts. */
export const FILE_SIZES = { small: 20, large: 64 };
// Every so many acts are those of a script, which hands data over.
const OF_SCRIPT = 5;
// And so many of those in a group are about the one before.
const ABOUT_ANOTHER = 2;
// So many are kept as a draft while they are written.
const DRAFTED = 3;
// Until somebody thinks better of what they have discarded.
const LONGEST_THOUGHT = 5000;

/**
 * Those who sit at the device: they write, press buttons, correct what was refused, and believe what they are told.
 *
 * @param {object} world  scheduler, random, faults, witness, note
 */
export function createPeople({ scheduler, random, faults, witness, note }) {
  let written = 0;
  /** What each owner has saved last in a group: the next one may be about it. @type {Map<string, {act: object, id: string}>} */
  const lastInGroup = new Map();
  /** Acts whose words still stand in a form, because they could not be saved. @type {Set<{tab: object, act: object}>} */
  const inForms = new Set();

  function newWords(prefix) {
    written += 1;
    return `${prefix} ${written}`;
  }

  function newAct(owner, withTrouble, wanted) {
    const behaviour = wanted ?? (withTrouble && random.chance(0.35) ? random.pick(BEHAVIOURS) : "");
    if (behaviour) faults.count(`poison ${behaviour}`);
    const group = withTrouble && random.chance(0.3) ? "shared" : null;
    return {
      owner,
      behaviour,
      group,
      about: (group && written % ABOUT_ANOTHER === 0 && lastInGroup.get(owner)) || null,
      isOfScript: written % OF_SCRIPT === 0,
      isDrafted: written % DRAFTED === 0,
      ...fileOf(random.chance(0.25) ? random.between(1, 255) : null),
      title: newWords("act"),
      id: null,
    };
  }

  function entryOf(tab, act, id) {
    const file = { field: "attachment", part: "f0", name: "a.bin", type: "", size: act.content?.byteLength };
    return tab.newEntry({
      id,
      owner: act.owner,
      form: act.about ? "edited note" : "note",
      target: act.about?.id ?? null,
      page: "/",
      captured_at: new Date(tab.clock.wall()).toISOString(),
      ...wordsOf(act),
      files: act.byte === null ? [] : [file],
      group: act.group,
    });
  }

  function wordsOf({ title, behaviour, isOfScript }) {
    return isOfScript ? { data: { title, behaviour } } : { fields: [["title", title], ["behaviour", behaviour]] };
  }

  function fileOf(byte) {
    if (byte === null) return { byte };
    const size = byte % 2 ? FILE_SIZES.large : FILE_SIZES.small;
    const content = Uint8Array.from({ length: size }, (_, place) => (byte + place) % 256).buffer;
    return { byte, content, sum: sha256(content) };
  }

  const contentsOf = ({ content }) => (content ? [content] : []);

  /** As drafts.js does it, before the button is pressed. @returns {Promise<IDBValidKey[][]>} what is to go with the entry */
  async function draft(tab, { owner, title, isDrafted, unsure, id }) {
    if (!isDrafted) return [];
    const key = ["draft", owner, "note", title];
    try {
      await tab.withRoom(() => tab.database.transact("readwrite", async ({ state }) => void state.put({ key, title, act: unsure ? id : null })));
      note(`${tab.name} keeps a draft of ${title}`);
      witness.drafted(title);
    } catch (error) {
      note(`${tab.name} keeps no draft of ${title}: ${error.name}`);
    }
    return [key];
  }

  /** As forms.js does it: saved under one id, then sent; what could not be saved is posted plainly or tried again. */
  async function submit(tab, act) {
    const drafts = await draft(tab, act);
    if (!tab.alive) return;
    act.id ??= tab.newId();
    const entry = entryOf(tab, act, act.id);
    act.future = entry.future;
    witness.pressed(act, { id: entry.id, title: act.title, about: act.about }, tab);
    note(`${tab.name} writes ${act.title} ${act.behaviour} ${act.group ?? ""}`);
    try {
      await tab.withRoom(tab.outbox.open);
      while (!(await tab.withRoom(() => tab.outbox.save(entry, contentsOf(act), drafts)))) {
        witness.gaveUp(act, { id: entry.id, title: act.title });
        entry.id = tab.newId();
        witness.pressed(act, { id: entry.id, title: act.title, about: act.about }, tab);
      }
    } catch (error) {
      if (tab.alive) notSaved(tab, act, entry, error);
      return;
    }
    if (tab.alive) saved(tab, act, { id: entry.id, title: act.title });
  }

  function saved(tab, act, version) {
    note(`${tab.name} says saved ${act.title}`);
    witness.told(act, version);
    if (act.group) lastInGroup.set(act.owner, { act, id: version.id });
    tab.tellOthers();
    tab.armSync().then((isPromised) => {
      act.isPromised = isPromised;
    });
    tab.triggers.deliver();
  }

  function notSaved(tab, act, entry, error) {
    note(`${tab.name} says not saved ${act.title}: ${error.name}`);
    witness.gaveUp(act, { id: entry.id, title: act.title });
    // Nobody knows whether it is there: it is never posted as well, and tried again under its id (row A3).
    act.unsure ||= error.name === "TimeoutError";
    if (act.unsure) return void inForms.add({ tab, act });
    const version = { id: entry.id, title: act.title };
    witness.toldNotSaved(act, version);
    if (random.chance(0.5)) inForms.add({ tab, act });
    else witness.posted(act, version);
  }

  /** @param {object} tab @param {string} [wanted]  the id of the one to correct, if it is there */
  async function correct(tab, wanted) {
    const attention = await tab.outbox.needingAttention(tab.owner).catch(() => []);
    if (!attention.length || !tab.alive) return;
    const old = attention.find(({ id }) => id === wanted) ?? random.pick(attention);
    const act = witness.actByTitle.get(titleOf(old));
    const id = old.receipt?.code === "id_reuse" ? tab.newId() : old.id;
    // What it was about is gone for good, and it is written anew.
    const about = old.receipt?.errors?.__all__ ? null : act.about;
    const corrected = { ...act, title: newWords("corrected"), behaviour: "", about };
    const entry = entryOf(tab, corrected, id);
    const version = { id, title: corrected.title, about };
    const drafts = await draft(tab, { ...corrected, unsure: false });
    if (!tab.alive) return;
    witness.pressed(act, version, tab);
    note(`${tab.name} corrects ${titleOf(old)}`);
    const isReplaced = await tab.withRoom(() => tab.outbox.replace(old.id, entry, contentsOf(corrected), drafts)).catch(() => null);
    if (!isReplaced) witness.gaveUp(act, version);
    if (!isReplaced || !tab.alive) return;
    act.future = entry.future ?? act.future;
    // Whoever has found it among the saved ones knows what became of it, and does not send it a second time.
    for (const form of inForms) if (form.act === act) inForms.delete(form);
    saved(tab, act, version);
  }

  /** Whoever discards an entry wants what was seen of it to go, and nothing that was written since (P2). */
  async function discard(tab) {
    const seen = await tab.outbox.page(tab.owner, { after: 0, limit: 9 }).catch(() => []);
    if (!seen.length || !tab.alive) return;
    const entry = random.pick(seen);
    note(`${tab.name} discards ${titleOf(entry)}`);
    witness.discarding(titleOf(entry));
    const report = (error) => note(`${tab.name} reports ${error.name}`);
    const contents = await tab.outbox.contents(entry).catch(report);
    const gone = contents && (await tab.outbox.discard(entry).catch(report));
    if (gone && tab.alive && random.chance(0.5)) await undo(tab, gone, contents).catch(report);
  }

  /** As controls.js does it. */
  async function undo(tab, gone, contents) {
    await new Promise((resolve) => scheduler.at(random.next() * LONGEST_THOUGHT, resolve));
    if (!tab.alive) return;
    await tab.outbox.restore(gone, contents);
    note(`${tab.name} takes ${titleOf(gone)} back`);
    witness.restored(titleOf(gone));
    if (tab.alive) tab.triggers.deliver();
  }

  /** As controls.js does it: what waits is to go out now. */
  async function sendNow(tab) {
    note(`${tab.name} sends now`);
    await tab.outbox.hasten(tab.owner).catch((error) => note(`${tab.name} reports ${error.name}`));
    if (tab.alive) tab.triggers.deliver();
  }

  return {
    discard,
    sendNow,

    /** @param {object} tab @param {{withTrouble?: boolean, behaviour?: string}} [what] */
    write: (tab, { withTrouble = true, behaviour } = {}) => {
      const act = newAct(tab.owner, withTrouble, behaviour);
      return { act, ended: submit(tab, act) };
    },

    correct,

    /** The button is pressed again in every form that is open and full. */
    pressAgain() {
      for (const form of inForms) {
        inForms.delete(form);
        if (form.tab.alive) submit(form.tab, form.act);
      }
    },

    isWriting: () => [...inForms].some(({ tab }) => tab.alive),
  };
}
