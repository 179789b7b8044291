/**
 * Sees everything: what people wrote and were told, what lies on the device, what the site has done. It speaks up as soon
 * as one of the promises does not hold.
 *
 * An act is one thing that somebody wrote and sent: `{owner, group, open}`. A version is a pair of an id and a title, open
 * from the press of the button until another one is told to be saved. Once an act is told to be saved, one of its open versions
 * is on the device, or the site has it.
 *
 * @param {object} collaborators
 * @param {() => object[]} collaborators.entries  the records on the device
 * @param {() => object[]} collaborators.files
 * @param {() => {title: string, act: string | null}[]} collaborators.drafts
 * @param {() => number} collaborators.now
 * @param {(violation: string) => void} collaborators.onViolation
 */
export function createWitness({ entries, files, drafts, now, onViolation }) {
  /** @type {Map<string, object>} */
  const actByTitle = new Map();
  /** What the words are about. @type {Map<string, {act: object, id: string} | null>} */
  const aboutOf = new Map();
  /** @type {Set<object>} */
  const saved = new Set();
  /** @type {Map<string, {owner: string, id: string | null, title: string}>} */
  const effects = new Map();
  /** @type {Set<string>} titles */
  const discarded = new Set();
  /** Some of those are taken back: others may have gone before them meanwhile. @type {Set<string>} titles */
  const takenOut = new Set();
  /** Kept while they were written, and not saved yet. @type {Set<string>} titles */
  const drafted = new Set();
  /** Until when the site has put off an entry. @type {Map<string, number>} */
  const putOff = new Map();
  const inFlight = new Set();
  /** When a request with it has come to its end. @type {Map<string, number>} */
  const answered = new Map();
  let askedToWaitUntil = 0;
  let honoursWaits = true;
  let hasClock = true;

  // Not thrown: much of this runs under code whose business it is to survive errors.
  const violated = (promise, what) => onViolation(`${promise}: ${what}`);

  const isSame = (one, other) => one.id === other.id && one.title === other.title;
  const hasEffect = ({ id, title }) => effects.get(title)?.id === id;
  const isOver = (version) => hasEffect(version) || discarded.has(version.title);
  const isKept = (records, { id, title }) => records.some((record) => record.id === id && titleOf(record) === title);

  function checkDevice() {
    const records = entries();
    for (const act of saved) {
      if (!act.open.some((version) => isOver(version) || isKept(records, version))) {
        violated("P2", `${act.open[0].title} is neither on the device nor on the site`);
      }
    }
    const contents = files();
    for (const record of records) checkRecord(record, contents);
    checkDrafts(records.map(titleOf));
    const wanted = records.reduce((sum, record) => sum + record.files.length, 0);
    if (contents.length !== wanted) violated("A7", `${contents.length} files on the device, ${wanted} belong to an entry`);
  }

  /**
   * What is typed is a draft until it is an entry, and never both: what was sent would be offered again (row A11). Where nobody
   * knows whether it is one, the draft has its id.
   */
  function checkDrafts(saved) {
    const kept = drafts().map(({ title }) => title);
    const ofNew = drafts().filter(({ act }) => !act).map(({ title }) => title);
    for (const title of ofNew) if (saved.includes(title)) violated("A11", `${title} is a draft and an entry`);
    for (const title of saved) drafted.delete(title);
    for (const title of drafted) if (!kept.includes(title)) violated("A11", `${title} is neither a draft nor an entry`);
  }

  function checkRecord(record, contents) {
    const act = actByTitle.get(titleOf(record));
    if (!act) return violated("P2", `the entry ${record.id} holds words that nobody wrote`);
    if (record.owner !== act.owner) violated("P4", `${titleOf(record)} is kept for ${record.owner}, not for ${act.owner}`);
    if (!["waiting", "refused", "stuck"].includes(record.state)) violated("P2", `${record.id} is in a state that no page shows`);
    if (act.isPosted) violated("P7", `${titleOf(record)} was posted plainly and is in the outbox as well`);
    if (act.future && record.future !== act.future) violated("A5", `${titleOf(record)} has lost what a newer release wrote`);
    for (const { part } of record.files) {
      const file = contents.find((kept) => kept.entry === record.id && kept.part === part);
      if (new Uint8Array(file?.content ?? [])[0] !== act.byte) violated("A7", `${titleOf(record)} has lost a file`);
    }
  }

  /** Nothing of a group overtakes an earlier member that waits on the device still. */
  function checkOrder({ id, owner, group }) {
    if (group === null) return;
    const members = entries().filter((record) => record.owner === owner && record.group === group);
    const own = members.find((record) => record.id === id);
    for (const record of members) {
      if (takenOut.has(titleOf(record))) continue;
      if (own && record.seq < own.seq && !hasEffect({ id: record.id, title: titleOf(record) })) {
        violated("P6", `${titleOf(own)} was brought in before ${titleOf(record)} of its group`);
      }
    }
  }

  /** What was written about something that the site had not heard of is done to just that. */
  function checkReference({ id, title, about: found }) {
    const about = aboutOf.get(title);
    const wanted = about && `key of ${about.id}`;
    // A form that the browser posts itself says in its own way what it is about.
    if (id !== null && found !== wanted) violated("P6", `${title} is about ${wanted}, and was done to ${found}`);
  }

  function checkFile({ id, title, sums }, act) {
    // A form that the browser posts itself carries its files itself.
    if (id !== null && sums.join() !== (act.sum ?? "")) violated("A6", `${title} arrived with another file`);
  }

  return {
    actByTitle,
    saved,
    effects,
    checkDevice,

    /** Somebody presses the button. @param {object} act @param {{id: string, title: string, about: object | null}} version @param {object} tab */
    pressed(act, version, tab) {
      act.open = [...(act.open ?? []), { ...version, tab }];
      aboutOf.set(version.title, version.about);
      actByTitle.set(version.title, act);
    },

    /** Somebody is writing it, and the device has it. */
    drafted(title) {
      drafted.add(title);
      checkDevice();
    },

    /** It has not come to that. */
    gaveUp(act, version) {
      for (const open of act.open) if (isSame(open, version)) open.tab = null;
    },

    /** The page says "Saved on this device". What is being written in another tab meanwhile may take its place (P2). */
    told(act, version) {
      this.gaveUp(act, version);
      act.open = act.open.filter((open) => isSame(open, version) || open.tab?.alive);
      saved.add(act);
      putOff.delete(version.id);
      checkDevice();
    },

    /** Its owner wants to be rid of these words: from now on they may be gone, and what is written after them may not. */
    discarding(title) {
      discarded.add(title);
      takenOut.add(title);
    },

    /** They have thought better of it, and were told that it is back. */
    restored(title) {
      discarded.delete(title);
      checkDevice();
    },

    /** It says "not saved", knowing that nothing was written. */
    toldNotSaved(act, version) {
      if (isKept(entries(), version)) violated("P7", `${version.title} is said not to be saved, and is`);
    },

    /** The browser posts the form plainly. */
    posted(act, version) {
      act.isPosted = true;
      this.happened({ owner: act.owner, id: null, title: version.title, group: null });
    },

    /** The site has committed. */
    happened(effect) {
      const { owner, title } = effect;
      const act = actByTitle.get(title);
      if (!act) return violated("P2", `the site has ${title}, which nobody wrote`);
      if (effects.has(title)) violated("P3", `${title} happened twice`);
      if (act.owner !== owner) violated("P4", `${title} of ${act.owner || "nobody"} happened as ${owner || "nobody"}'s`);
      checkOrder(effect);
      checkReference(effect);
      checkFile(effect, act);
      effects.set(title, effect);
    },

    /** The site refuses it because it knows nothing of what it is about. */
    refusedAsUnknown(submission) {
      const title = titleOf(submission);
      const about = aboutOf.get(title);
      const isDiscarded = about && [...takenOut].some((gone) => actByTitle.get(gone) === about.act);
      if (!isDiscarded) violated("P6", `${title} was refused: what it is about has not come before it`);
    },

    /** A page is told of receipts. */
    reported(owner, receipts) {
      for (const { id, status, retry_after: seconds } of receipts) {
        const isPaused = status === "deferred" && entries().some((record) => record.id === id && record.pause);
        // To write it down may take the device its time, and its clock counts whole milliseconds.
        if (isPaused && seconds > 0) putOff.set(id, (answered.get(id) ?? now()) + seconds * 1000 - 1);
        const isTrue = [...effects.values()].some((effect) => effect.id === id && effect.owner === owner);
        if (status === "accepted" && !isTrue) violated("P5", `a page was told that ${id} was accepted, which it was not`);
      }
    },

    sending(exchange) {
      if (honoursWaits && exchange.isOfDelivery && now() < askedToWaitUntil) violated("B12", "a request before the time that the site has asked for");
      const isEarly = ({ ids, isOfDelivery }) => isOfDelivery && ids.some((id) => now() < putOff.get(id));
      if (hasClock && isEarly(exchange)) violated("B12", "an entry before the time that the site has put it off to");
      inFlight.add(exchange);
      const alive = [...inFlight].filter(({ context, path }) => context.alive && /(submissions|parts)\/$/.test(path));
      if (alive.length > 1) violated("B6", "two deliveries at once");
    },

    /** @param {string} path @returns {boolean} whether a request for it is on its way */
    isSending: (path) => [...inFlight].some((exchange) => exchange.path === path),

    /** @returns {string[]} the entries that are on their way */
    idsOnTheWay: () => [...inFlight].flatMap(({ ids }) => ids),

    sent(exchange) {
      inFlight.delete(exchange);
      for (const id of exchange.ids) answered.set(id, now());
    },

    askedToWait(milliseconds) {
      askedToWaitUntil = Math.max(askedToWaitUntil, now() + milliseconds);
    },

    /** Where a clock jumps or the device cannot write, nobody can keep an appointment. */
    excuseWaits() {
      honoursWaits = false;
    },

    /** What is written down already holds for as long as the clock that it was written by. */
    excusePauses() {
      hasClock = false;
    },

    /** @param {object} act whatever the site has of it may be there once more under another id */
    isSettled: (act) => act.open.some(isOver),
  };
}

/** @param {{fields: [string, string][], data?: Record<string, string>}} record @param {string} name */
export const valueOf = ({ fields, data }, name) => data?.[name] ?? fields.find(([key]) => key === name)?.[1] ?? "";

/** @param {{fields: [string, string][], data?: Record<string, string>}} record */
export const titleOf = (record) => valueOf(record, "title");
