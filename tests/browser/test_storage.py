"""What the browser does to an entry while it is being written (rows A2, A3 and A7)."""

from __future__ import annotations

import random
import re
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from . import pages, proxy
from .conftest import absent
from .matrix import wide
from .pages import FORM, NEUTRAL
from .processes import end, marked_environment, marked_processes, new_mark
from .proxy import SESSION
from .stage import Stage
from .waiting import wait_until

TITLE = "Half written"
SAVES = 100
FILES = 3
# A request that the page waits for is where the browser is killed.
HELD = "/held-in-the-middle/"
KILLS = 10

CLOSE_HANDLES = """
const closed = window.handles.splice(0);
for (const handle of closed) handle.close();
return closed.length;
"""
KEEP_HANDLES = """
window.handles = [];
const { open } = IDBFactory.prototype;
IDBFactory.prototype.open = function (...args) {
  const request = open.apply(this, args);
  request.addEventListener("success", () => window.handles.push(request.result));
  return request;
};
"""
# The first transaction that writes ends without a word: committed, or not.
SILENT = """
const later = window.setTimeout;
window.setTimeout = (work, time, ...rest) => later.call(window, work, time === 60000 ? 1000 : time, ...rest);
const { transaction } = IDBDatabase.prototype;
IDBDatabase.prototype.transaction = function (stores, mode, options) {
  const made = transaction.call(this, stores, mode, options);
  if (mode !== "readwrite" || window.silenced) return made;
  window.silenced = true;
  for (const name of ["oncomplete", "onabort"]) Object.defineProperty(made, name, { set() {} });
  if (%(lost)s) {
    const { add } = IDBObjectStore.prototype;
    IDBObjectStore.prototype.add = function (...args) {
      IDBObjectStore.prototype.add = add;
      const request = add.apply(this, args);
      request.addEventListener("success", () => made.abort());
      return request;
    };
  }
  return made;
};
"""
MORE_FILES = """
const [count, size] = arguments;
const form = document.querySelector("main form");
for (let number = 1; number <= count; number++) {
  const input = Object.assign(document.createElement("input"), { type: "file", name: `more${number}` });
  const chosen = new DataTransfer();
  chosen.items.add(new File([new Uint8Array(size).fill(number)], `${number}.bin`));
  input.files = chosen.files;
  form.append(input);
}
"""
STOP_AFTER = """
const [writes, held] = arguments;
let written = 0;
for (const name of ["add", "put"]) {
  const write = IDBObjectStore.prototype[name];
  IDBObjectStore.prototype[name] = function (...args) {
    const request = write.apply(this, args);
    if (["entries", "files"].includes(this.name)) request.addEventListener("success", () => {
      if (++written !== writes) return;
      const waiting = new XMLHttpRequest();
      waiting.open("GET", held, false);
      waiting.send();
    });
    return request;
  };
}
"""
SIZES_SCRIPT = """
const [name, done] = arguments;
indexedDB.open(name).onsuccess = ({ target: { result: database } }) => {
  const transaction = database.transaction(["entries", "files"]);
  const entries = transaction.objectStore("entries").getAll();
  const files = {};
  transaction.objectStore("files").openCursor().onsuccess = ({ target: { result: cursor } }) => {
    if (!cursor) return;
    (files[cursor.value.entry] ??= []).push(cursor.value.content.byteLength);
    cursor.continue();
  };
  transaction.oncomplete = () => {
    database.close();
    done({ entries: entries.result.map(({ id }) => id), files });
  };
};
"""
BUSY = "return document.querySelector('main form button[aria-busy]') !== null"
SAVE_MANY = """
const [count, done] = arguments;
const urls = performance.getEntriesByType("resource").map(({ name }) => name);
const load = (module) => import(urls.find((url) => url.includes(`/offlinesync/${module}.`)));
(async () => {
  const { createDatabase } = await load("database");
  const { createOutbox } = await load("outbox");
  const { newEntry } = await load("entries");
  const clock = { setTimeout: (...args) => setTimeout(...args), clearTimeout: (...args) => clearTimeout(...args) };
  const database = createDatabase({ indexedDB, clock, name: "counted" });
  const outbox = createOutbox({ database, IDBKeyRange, newId: () => crypto.randomUUID() });
  await outbox.open();
  for (let number = 0; number < count; number++) {
    await outbox.save(newEntry({ id: `entry ${number}`, owner: "", form: "post" }), []);
  }
})().then(() => done("saved"), (error) => done(String(error)));
"""


@contextmanager
def traced(stage: Stage, output: Path) -> Iterator[None]:
    """Note every call of the browser's processes that brings a file to the disk."""
    if shutil.which("strace") is None:
        absent("counting the calls of fsync needs strace: apt-get install strace")
    attach = [argument for pid in marked_processes(stage.browser.mark) for argument in ("-p", str(pid))]
    mark = new_mark()
    tracer = subprocess.Popen(
        ["strace", "-f", "-y", "-e", "trace=fsync,fdatasync", "-o", str(output), *attach],
        env=marked_environment(mark),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    told: list[bytes] = []
    listening = threading.Thread(target=lambda: told.extend(tracer.stderr or []), daemon=True)
    listening.start()
    try:
        wait_until(lambda: sum(b" attached" in line for line in list(told)) >= len(attach) // 2, "strace is attached")
        yield
    finally:
        end(tracer, mark)
        listening.join()
        tracer.stderr.close()


def test_a2_every_save_brings_its_entry_to_the_disk(stage: Stage, tmp_path: Path) -> None:
    stage.open(FORM)
    output = tmp_path / "calls.txt"
    with traced(stage, output):
        assert stage.driver.execute_async_script(SAVE_MANY, SAVES) == "saved"
    calls = re.findall(r"f(?:data)?sync\(\d+<[^>]*indexeddb[^>]*>", output.read_text(errors="replace"), re.IGNORECASE)
    assert len(calls) >= SAVES


@pytest.mark.parametrize("how", ["closed", "cleared"])
def test_a3_a_connection_that_is_closed_under_the_page_is_made_anew(stage: Stage, how: str) -> None:
    pages.before_load(stage, KEEP_HANDLES)
    stage.open(FORM)
    wait_until(lambda: stage.driver.execute_script("return window.handles.length"), "the outbox is open")
    if how == "closed":
        # As WebKit does when it loses its process for storage: no event says so.
        stage.driver.execute_script("for (const handle of window.handles) handle.close()")
    else:
        stage.driver.execute_cdp_cmd("Storage.clearDataForOrigin", {"origin": stage.url, "storageTypes": "indexeddb"})
    stage.proxy.on(SESSION, proxy.refuse)
    pages.fill(stage, TITLE)
    pages.submit(stage)
    pages.wait_for_saved(stage, waiting=1)
    assert [dict(entry["fields"])["title"] for entry in pages.entries(stage.driver)] == [TITLE]
    stage.proxy.heal()
    pages.wait_for_post(stage, TITLE)


@pytest.mark.wide
def test_a3_a_page_that_loses_its_connection_each_time_saves_and_delivers(stage: Stage) -> None:
    pages.deny_background_sync(stage)
    pages.before_load(stage, KEEP_HANDLES)
    stage.proxy.on(SESSION, proxy.refuse)
    stage.open(FORM)
    for count in (1, 2):
        wait_until(lambda: stage.driver.execute_script(CLOSE_HANDLES), "the page had a connection")
        pages.fill(stage, f"After loss {count}")
        pages.submit(stage)
        pages.wait_for_status(stage.driver, pages.SAVED, f"Waiting to be sent: {count}")
    assert stage.driver.execute_script(CLOSE_HANDLES) > 0
    stage.proxy.heal()
    # Nobody else can deliver.
    stage.driver.execute_script("window.dispatchEvent(new Event('online'))")
    pages.wait_for_post(stage, "After loss 1")
    pages.wait_for_post(stage, "After loss 2")
    pages.wait_for_empty_outbox(stage)


@pytest.mark.parametrize("lost", [False, True], ids=["written", "lost"])
def test_a3_a_transaction_that_never_ends_is_neither_believed_nor_repeated(stage: Stage, lost: bool) -> None:
    """The sixty seconds that a transaction may take are one here."""
    pages.before_load(stage, SILENT % {"lost": str(lost).lower()})
    stage.open(FORM)
    stage.proxy.on(SESSION, proxy.refuse)
    pages.fill(stage, TITLE)
    pages.submit(stage)
    if lost:
        wait_until(
            lambda: any(line.startswith("This was not saved") for line in pages.status(stage.driver)), "it is told"
        )
        assert pages.typed(stage.driver, "title") == TITLE
        assert pages.entries(stage.driver) == []
        wait_until(lambda: not stage.driver.execute_script(BUSY), "the button is free")
        pages.submit(stage)
    pages.wait_for_saved(stage, waiting=1)
    assert stage.driver.execute_script("return window.silenced")
    assert pages.outbox(stage.driver) == {"entries": 1, "files": 0}
    stage.proxy.heal()
    pages.wait_for_post(stage, TITLE)
    assert len(stage.site.ledger()) == 1
    assert not [exchange for exchange in stage.proxy.requests(FORM) if exchange.method == "POST"]


def fill_with_files(stage: Stage, *, size: int) -> None:
    """A form with several files."""
    stage.open(FORM)
    pages.fill(stage, TITLE)
    stage.driver.execute_script(MORE_FILES, FILES, size)


def restart(stage: Stage) -> None:
    """Kill the browser, start it again, and go where no script of the site runs."""
    stage.browser.kill()
    stage.browser.start()
    stage.open(NEUTRAL)


@pytest.mark.parametrize("writes", [1, 2, wide(3), FILES + 1])
def test_a7_a_kill_between_two_writes_leaves_nothing_of_the_entry(stage: Stage, writes: int) -> None:
    gate = proxy.Gate()
    stage.proxy.on(HELD, gate.before_request)
    stage.proxy.on(SESSION, proxy.refuse)
    fill_with_files(stage, size=1_000_000)
    stage.driver.execute_script(STOP_AFTER, writes, HELD)
    stage.driver.execute_script(pages.PRESS_SCRIPT)
    wait_until(lambda: gate.held, f"the browser waits after {writes} writes")
    restart(stage)
    gate.open()
    assert pages.outbox(stage.driver) == {"entries": 0, "files": 0}


@pytest.mark.wide
def test_a7_whenever_the_browser_is_killed_an_entry_has_all_its_files(stage: Stage) -> None:
    moments = random.Random(7)
    stage.proxy.on(SESSION, proxy.refuse)
    size = 3_000_000
    fill_with_files(stage, size=size)
    pages.submit(stage)
    began = time.monotonic()
    wait_until(lambda: pages.outbox(stage.driver)["entries"], "the first one is saved, and says how long that takes")
    takes = time.monotonic() - began
    for _ in range(KILLS):
        fill_with_files(stage, size=size)
        stage.driver.execute_script(pages.PRESS_SCRIPT)
        # The moment itself is what is tried here.
        time.sleep(moments.uniform(0, 1.2 * takes))
        restart(stage)
    found = stage.driver.execute_async_script(SIZES_SCRIPT, pages.OUTBOX)
    assert len(found["entries"]) >= 1
    assert found["files"] == {entry: [size] * FILES for entry in found["entries"]}
