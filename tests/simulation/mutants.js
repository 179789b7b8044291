/** Otherwise what is wrong with the parts of a file is made good by sending it whole, and nothing is lost. */
const NEVER_WHOLE = ["delivery", ' || batch[0].trouble === "incomplete_file") return sendBatch', ") return sendBatch"];

/**
 * Mistakes that others have made, or that are easy to make. Each has to be caught, or the simulation proves nothing.
 *
 * @type {{name: string, row: string, changes?: [string, string, string][], faulty?: Record<string, boolean>}[]}
 */
export const MUTANTS = [
  {
    name: "removes before it sends",
    row: "B1",
    changes: [
      [
        "delivery",
        "    return transport.send(session, batch[0].owner",
        "    await outbox.settle({ accepted: batch });\n    return transport.send(session, batch[0].owner",
      ],
    ],
  },
  {
    name: "takes any 200 for delivered",
    row: "B2",
    changes: [
      [
        "transport",
        "  if (answer?.status === 413)",
        "  if (answer?.status === 200) {\n" +
          '    return { kind: "receipts", receipts: answer.json?.receipts ?? [], all: true };\n  }\n  if (answer?.status === 413)',
      ],
      [
        "delivery",
        '    if (answer.kind === "receipts" && (await',
        "    if (answer.all) await outbox.settle({ accepted: batch });\n" + '    if (answer.kind === "receipts" && (await',
      ],
    ],
  },
  {
    name: "takes the receipts by their place",
    row: "B2",
    changes: [
      [
        "delivery",
        "receipts.filter((receipt) => receipt?.id === entry.id && STATUSES.includes(receipt.status))",
        "receipts.filter((receipt, place) => receipt && place === batch.indexOf(entry) && STATUSES.includes(receipt.status))",
      ],
    ],
  },
  {
    name: "reads receipts in any content type",
    row: "B2",
    changes: [["transport", "  if (!/^application\\/json\\s*(;|$)/i.test(type)) return null;\n", ""]],
  },
  {
    name: "deletes what the site refuses",
    row: "P2",
    changes: [["delivery", 'refused: of("rejected", "conflict"),', 'refused: of("conflict"),'], [
      "delivery",
      'accepted: of("accepted").map',
      'accepted: of("accepted", "rejected").map',
    ]],
  },
  {
    name: "gives up after three attempts",
    row: "P2",
    changes: [
      [
        "delivery",
        'if (alone) await outbox.settle({ failed: [putOff(alone, "failed")] });',
        'if (alone && alone.failures === 2) await outbox.settle({ accepted: [alone] });\n' +
          '    else if (alone) await outbox.settle({ failed: [putOff(alone, "failed")] });',
      ],
    ],
  },
  {
    name: "lets entries expire after a week",
    row: "B15",
    changes: [
      [
        "delivery",
        "    const { sendable, hold } = await outbox.outlook();",
        "    const everything = await outbox.page('', { after: 0, limit: 9 });\n" +
          "    const old = everything.filter((entry) => Date.parse(entry.captured_at) < clock.wall() - 604800000);\n" +
          "    await outbox.settle({ accepted: old });\n    const { sendable, hold } = await outbox.outlook();",
      ],
    ],
  },
  { name: "a site without the constraint", row: "C1", faulty: { constraint: true } },
  { name: "a site that does not compare owners", row: "D1", faulty: { owner: true } },
  {
    name: "sends everybody's entries as whoever is signed in",
    row: "D1",
    changes: [
      ["delivery", "new Set([session.owner ?? \"\", \"\"])", 'new Set([session.owner ?? "", "1", "2", ""])'],
      ["delivery", "transport.send(session, batch[0].owner || null,", "transport.send(session, session.owner,"],
    ],
  },
  {
    name: "keeps the token",
    row: "D3",
    changes: [
      ["delivery", "  let batchSize = 1;", "  let batchSize = 1;\n  let keptSession = null;"],
      [
        "delivery",
        'const told = known ? { kind: "session", session: known } : await transport.session();',
        'const told = (keptSession ??= await transport.session());\n    if (told.kind !== "session") keptSession = null;',
      ],
    ],
  },
  {
    name: "one sync tag for all",
    row: "B4",
    changes: [["triggers", "registration.sync.register(newTag())", 'registration.sync.register("always the same")']],
  },
  {
    name: "takes a wake-up for done when it failed",
    row: "B3",
    changes: [
      ["triggers", 'throw new Error("offlinesync: not everything could be sent yet")', "return"],
      ["triggers", "      armSync();", "      if (now < 0) armSync();"],
    ],
  },
  {
    name: "onsuccess counts as saved",
    row: "A1",
    changes: [["database", "const [value] = await inTime(Promise.all([worked, completed])", "completed.catch(() => {});\n    const [value] = await inTime(Promise.all([worked])"]],
  },
  { name: "relaxed durability", row: "A2", changes: [["database", 'durability: "strict"', 'durability: "relaxed"']] },
  {
    name: "goes on with a dead handle",
    row: "A3",
    changes: [["database", '        if (error.name !== "InvalidStateError" || attempt === REOPEN_ATTEMPTS) throw error;\n        forget();', "        throw error;"]],
  },
  {
    name: "waits for ever for a transaction",
    row: "A3",
    changes: [["database", "        giveUp();\n", "        if (work) return;\n        giveUp();\n"]],
  },
  {
    name: "says not saved of what it does not know",
    row: "A3",
    changes: [["outbox", "if (isWritten(kept)) return true;\n      throw error;", 'throw Object.assign(error, { name: "AbortError" });']],
  },
  {
    name: "goes on with what somebody else has overtaken",
    row: "E1",
    changes: [["delivery", 'refused: of("rejected", "conflict")', 'refused: of("rejected")']],
  },
  {
    name: "does not say what an entry is about",
    row: "E2",
    changes: [["entries", "language, time_zone, target, group, base_version, refs:", "language, time_zone, group, base_version, refs:"]],
  },
  {
    name: "takes a file for arrived without asking",
    row: "E4",
    changes: [NEVER_WHOLE, ["uploads", "    if (offset >= size) return null;\n", "    if (offset >= 0) return null;\n"]],
  },
  {
    name: "begins each part where the file begins",
    row: "E4",
    changes: [
      NEVER_WHOLE,
      ["uploads", "contents[index].slice(offset, offset + session.part_bytes)", "contents[index].slice(0, session.part_bytes)"],
    ],
  },
  {
    name: "believes the entry rather than the site",
    row: "E4",
    changes: [NEVER_WHOLE, ["uploads", "others === seen.get(sum) ? offsets.get(sum) :", ""]],
  },
  {
    name: "takes receipts in answer to a part",
    row: "P5",
    changes: [["transport", 'return told.kind === "receipts" ? { kind: "failed", isAnswered: true } : told;', "return told;"]],
  },
  {
    name: "takes what a script hands over for the same, whatever it holds",
    row: "A3",
    changes: [["outbox", "fields, files, data ?? null]);", "fields, files]);"]],
  },
  {
    name: "leaves out what a script has handed over",
    row: "P2",
    changes: [["entries", "    ...(entry.data ? { data: entry.data } : {}),\n", ""]],
  },
  {
    name: "stands in the way of an upgrade",
    row: "A4",
    changes: [["database", "        database.onversionchange = () => drop(database);\n", ""]],
  },
  {
    name: "does not open what a later release has upgraded",
    row: "B13",
    changes: [["database", 'if (error.name !== "VersionError") throw error;\n      return connect();', "throw error;"]],
  },
  {
    name: "forgets what a later release wrote",
    row: "A5",
    changes: [
      ["outbox", "entries.put({ ...old, ...entry, seq", "entries.put({ ...entry, seq"],
    ],
  },
  {
    name: "writes the files in a transaction of their own",
    row: "A7",
    changes: [
      [
        "outbox",
        "        await result(entries.add(entry));\n        putFiles(files, entry, contents);\n        return true;\n      });",
        "        await result(entries.add(entry));\n        return true;\n      }).then((kept) =>\n" +
          '        transact("readwrite", async ({ files }) => {\n          putFiles(files, entry, contents);\n          return kept;\n        }));',
      ],
    ],
  },
  {
    name: "leaves the draft of what it saves",
    row: "A11",
    changes: [["outbox", "        for (const draft of drafts) state.delete(draft);\n        if (kept) return true;", "        if (kept) return true;"]],
  },
  {
    name: "leaves the draft of a correction",
    row: "A11",
    changes: [["outbox", "        for (const draft of drafts) state.delete(draft);\n        if (isDone) return true;", "        if (isDone) return true;"]],
  },
  {
    name: "removes the draft before its entry is there",
    row: "A11",
    changes: [
      [
        "outbox",
        '      const writing = transact("readwrite", async ({ entries, files, state }) => {\n        const kept = await result(entries.index("id").get(entry.id));\n        if (kept && !isSame(kept, entry)) return false;\n',
        '      const removing = transact("readwrite", async ({ state }) => drafts.forEach((draft) => state.delete(draft)));\n' +
          '      const writing = transact("readwrite", async ({ entries, files, state }) => {\n        await removing;\n        const kept = await result(entries.index("id").get(entry.id));\n        if (kept && !isSame(kept, entry)) return false;\n',
      ],
    ],
  },
  {
    name: "a busy flag without finally",
    row: "B10",
    changes: [["delivery", "    } finally {\n      // In the same turn as the last look at `wanted`, so that no call falls between, and whatever was thrown (row B10).\n      running = null;\n    }", "    } finally {\n      if (!wanted) running = null;\n    }"]],
  },
  {
    name: "several deliveries at once",
    row: "B6",
    changes: [["delivery", "  if (!locks) return (work) => work();", "  if (locks) return (work) => work();"]],
  },
  {
    name: "does what it wants whatever Retry-After says",
    row: "B12",
    changes: [["delivery", '    if (left(hold) > 0) return { result: "held", session: known, wait: left(hold) };\n', ""]],
  },
  {
    name: "sends now what the site has put off",
    row: "B12",
    changes: [["outbox", "(kept.pause && !kept.pause.isAsked ?", "(kept.pause ?"]],
  },
  {
    name: "takes a discarded entry back without its files",
    row: "A7",
    changes: [["outbox", "        await result(entries.add((await result(entries.get(seq))) ? unplaced : entry));\n        putFiles(files, entry, contents);\n", "        await result(entries.add((await result(entries.get(seq))) ? unplaced : entry));\n"]],
  },
  {
    name: "takes a discarded entry back as a new one",
    row: "P3",
    changes: [["outbox", "const { seq, ...unplaced } = entry;\n        await result(entries.add((await result(entries.get(seq))) ? unplaced : entry));", "const { seq, ...unplaced } = entry;\n        await result(entries.add({ ...unplaced, id: newId() }));"]],
  },
  {
    name: "believes a pause from another century",
    row: "B14",
    changes: [["delivery", "const rest = Math.min(Number(until), Number(since) + LONGEST_PUT_OFF) - now;\n  return since <= now && rest > 0 ? rest : 0;", "return pause ? Math.max(0, until - now) : 0;"]],
  },
  {
    name: "orders by the device's clock",
    row: "B14",
    changes: [
      ["delivery", "    for await (const entry of allOf(owner)) {", "    const sorted = [];\n    for await (const entry of allOf(owner)) sorted.push(entry);\n" +
        "    sorted.sort((a, b) => Date.parse(a.captured_at) - Date.parse(b.captured_at));\n    for (const entry of sorted) {"],
    ],
  },
  {
    name: "lets a group's later members overtake",
    row: "P6",
    changes: [["delivery", "        if ((entry.group ?? null) !== null) blocked.add(entry.group);\n", ""]],
  },
  {
    name: "lets a bad entry hold up the rest",
    row: "B9",
    changes: [
      ["delivery", "const size = free && entry.failures === 0 ? sizeOf(entry) : null;", "const size = free ? sizeOf(entry) : null;"],
      ["delivery", "const wait = entry.state === \"refused\" ? 0 : left(entry.pause);", "const wait = 0;"],
    ],
  },
  {
    name: "settles what has been edited meanwhile",
    row: "P2",
    changes: [["outbox", "Object.is(kept?.revision, entry.revision);", "true;"]],
  },
  {
    name: "keeps what arrives after its owner has signed out",
    row: "P8",
    changes: [["keeping", "    if (!(await isWelcome(page.owner))) await shelf.remove(path);\n", ""]],
  },
  {
    name: "forgets a sign-out that the site has not been told of",
    row: "P8",
    changes: [["sessions", "if (leaving && ownerOf(answer) === leaving.owner) {", "if (false) {"]],
  },
  {
    name: "believes an answer that was asked for before the change",
    row: "P8",
    changes: [["ownership", "record.turn === turn && (", "("]],
  },
  {
    name: "writes down that somebody has left, and removes nothing",
    row: "D6",
    changes: [["ownership", '() => inTime(removeOthers(""), undefined)', "async () => {}"]],
  },
  {
    name: "removes nothing when somebody else signs in",
    row: "D6",
    changes: [["ownership", "      await inTime(removeOthers(current), undefined);\n", ""]],
  },
  {
    name: "one cache for everybody",
    row: "D6",
    changes: [["shelf", "`${prefix}${kind}:${encodeURIComponent(owner)}`", "`${prefix}${kind}:`"]],
  },
  {
    name: "asks for pages as who has left",
    row: "P8",
    changes: [["caching", "const arriving = leaving ? asNobody(request) : fromNetwork(request, preload);", "const arriving = fromNetwork(request, preload);"]],
  },
];
