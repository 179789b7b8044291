"""An outbox as a file: what a release has left in people's browsers, read out of one and put into another (row A5)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from selenium.webdriver.remote.webdriver import WebDriver

from . import pages

FOLDER = Path(__file__).with_name("releases")

# Bytes stand in JSON as base64; nothing else that an outbox holds needs help.
READ_SCRIPT = """
const [name, done] = arguments;
const result = (request) => new Promise((resolve, reject) => {
  request.onsuccess = () => resolve(request.result);
  request.onerror = () => reject(request.error);
});
const toJson = (_, value) => value instanceof ArrayBuffer
  ? { base64: btoa(Array.from(new Uint8Array(value), (byte) => String.fromCharCode(byte)).join("")) }
  : value;
const readStore = async (store) => ({
  name: store.name,
  keyPath: store.keyPath,
  autoIncrement: store.autoIncrement,
  indexes: [...store.indexNames].map((index) => {
    const { keyPath, unique, multiEntry } = store.index(index);
    return { name: index, keyPath, unique, multiEntry };
  }),
  records: await result(store.getAll()),
});
(async () => {
  const database = await result(indexedDB.open(name));
  const names = [...database.objectStoreNames];
  const transaction = database.transaction(names);
  const stores = await Promise.all(names.map((store) => readStore(transaction.objectStore(store))));
  const { version } = database;
  database.close();
  return JSON.stringify({ version, stores }, toJson);
})().then(done, (error) => done({ failed: String(error) }));
"""
WRITE_SCRIPT = """
const [name, text, stays, done] = arguments;
const fromJson = (_, value) => typeof value?.base64 === "string"
  ? Uint8Array.from(atob(value.base64), (character) => character.charCodeAt(0)).buffer
  : value;
const { version, stores } = JSON.parse(text, fromJson);
const request = indexedDB.open(name, version);
request.onupgradeneeded = () => {
  for (const { name, keyPath, autoIncrement, indexes, records } of stores) {
    const store = request.result.createObjectStore(name, { keyPath, autoIncrement });
    for (const { name, keyPath, ...options } of indexes) store.createIndex(name, keyPath, options);
    for (const record of records) store.put(record);
  }
};
request.onerror = () => done({ failed: String(request.error) });
request.onsuccess = () => {
  // A connection that stays is deaf to `versionchange`, as a tab that is frozen or broken is (row A4).
  if (stays) window.deaf = request.result;
  else request.result.close();
  done("written");
};
"""


def read_outbox(driver: WebDriver) -> dict[str, Any]:
    """Everything the outbox holds, with its schema; the current page must be one of the site's."""
    text = driver.execute_async_script(READ_SCRIPT, pages.OUTBOX)
    assert isinstance(text, str), text
    return dict(json.loads(text))


def write_outbox(driver: WebDriver, frozen: dict[str, Any], *, stays_open: bool = False) -> None:
    """Make the outbox as it was; there must be none yet."""
    written = driver.execute_async_script(WRITE_SCRIPT, pages.OUTBOX, json.dumps(frozen), stays_open)
    assert written == "written", written


def records(frozen: dict[str, Any], store: str) -> list[dict[str, Any]]:
    """The records of one store."""
    (found,) = [stored["records"] for stored in frozen["stores"] if stored["name"] == store]
    return list(found)


def release(version: int) -> dict[str, Any]:
    """What the last release with this version of the schema has left behind."""
    return dict(json.loads((FOLDER / f"v{version}.json").read_text()))
