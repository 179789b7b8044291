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
 * @param {() => number} collaborators.now
 * @param {(violation: string) => void} collaborators.onViolation
 */
export function createWitness({ entries, files, now, onViolation }) {
  /** @type {Map<string, object>} */
  const actByTitle = new Map();
  /** @type {Set<object>} */
  const saved = new Set();
  /** @type {Map<string, {owner: string, id: string | null, title: string}>} */
  const effects = new Map();
  /** @type {Set<string>} titles */
  const discarded = new Set();
  const inFlight = new Set();
  let askedToWaitUntil = 0;
  let honoursWaits = true;

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
    const wanted = records.reduce((sum, record) => sum + record.files.length, 0);
    if (contents.length !== wanted) violated("A7", `${contents.length} files on the device, ${wanted} belong to an entry`);
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
      if (own && record.seq < own.seq && !hasEffect({ id: record.id, title: titleOf(record) })) {
        violated("P6", `${titleOf(own)} was brought in before ${titleOf(record)} of its group`);
      }
    }
  }

  return {
    actByTitle,
    saved,
    effects,
    checkDevice,

    /** Somebody presses the button. @param {object} act @param {{id: string, title: string}} version @param {object} tab */
    pressed(act, version, tab) {
      act.open = [...(act.open ?? []), { ...version, tab }];
      actByTitle.set(version.title, act);
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
      checkDevice();
    },

    /** Its owner wants to be rid of these words: from now on they may be gone, and what is written after them may not. */
    discarding(title) {
      discarded.add(title);
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
      effects.set(title, effect);
    },

    /** A page is told of receipts. */
    reported(owner, receipts) {
      for (const { id, status } of receipts) {
        const isTrue = [...effects.values()].some((effect) => effect.id === id && effect.owner === owner);
        if (status === "accepted" && !isTrue) violated("P5", `a page was told that ${id} was accepted, which it was not`);
      }
    },

    sending(exchange) {
      if (honoursWaits && exchange.isOfDelivery && now() < askedToWaitUntil) violated("B12", "a request before the time that the site has asked for");
      inFlight.add(exchange);
      const alive = [...inFlight].filter(({ context, path }) => context.alive && path.endsWith("submissions/"));
      if (alive.length > 1) violated("B6", "two deliveries at once");
    },

    /** @param {string} path @returns {boolean} whether a request for it is on its way */
    isSending: (path) => [...inFlight].some((exchange) => exchange.path === path),

    /** @returns {string[]} the entries that are on their way */
    idsOnTheWay: () => [...inFlight].flatMap(({ ids }) => ids),

    sent(exchange) {
      inFlight.delete(exchange);
    },

    askedToWait(milliseconds) {
      askedToWaitUntil = Math.max(askedToWaitUntil, now() + milliseconds);
    },

    /** Where a clock jumps or the device cannot write, nobody can keep an appointment. */
    excuseWaits() {
      honoursWaits = false;
    },

    /** @param {object} act whatever the site has of it may be there once more under another id */
    isSettled: (act) => act.open.some(isOver),
  };
}

/** @param {{fields: [string, string][]}} record @param {string} name */
export const valueOf = ({ fields }, name) => fields.find(([key]) => key === name)?.[1] ?? "";

/** @param {{fields: [string, string][]}} record */
export const titleOf = (record) => valueOf(record, "title");
