/**
 * The few things that the modules and fake-indexeddb take from their surroundings, made to follow the scheduler: Node's own
 * would answer from other threads, in an order that no seed repeats.
 *
 * @param {ReturnType<import("./scheduler.js").createScheduler>} scheduler
 */
export function usePlatformOf(scheduler) {
  Object.assign(globalThis, { setImmediate: scheduler.immediately, structuredClone: clone, Blob: FakeBlob, File: FakeFile });
  Object.assign(globalThis, { FormData: FakeFormData, Response: FakeResponse });
  // What the modules say of a fault that they survive would drown what the simulation says.
  console.info = () => {};
}

/** Plain data and bytes: an outbox holds nothing else (row A6). */
export function clone(value) {
  if (typeof value === "function" || typeof value === "symbol") throw new DOMException("not plain data", "DataCloneError");
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(clone);
  if (value instanceof ArrayBuffer) return value.slice(0);
  if (Object.getPrototypeOf(value) !== Object.prototype) throw new DOMException("not plain data", "DataCloneError");
  const copy = {};
  for (const key in value) copy[key] = clone(value[key]);
  return copy;
}

class FakeBlob {
  constructor(parts) {
    this.content = parts[0];
  }
}

class FakeFile extends FakeBlob {
  constructor(parts, name) {
    super(parts);
    this.name = name;
  }
}

/** Its body can be read once, as a real one. */
class FakeResponse {
  type = "default";
  redirected = false;

  /** @param {string | {take: () => Promise<string>}} body */
  constructor(body = "", { status = 200, statusText = "", headers = {} } = {}) {
    const taken = typeof body === "string" ? async () => body : body.take;
    this.body = { isRead: false, take: taken };
    Object.assign(this, { status, statusText, headers: new Headers(headers) });
  }

  get ok() {
    return this.status >= 200 && this.status < 300;
  }

  async text() {
    if (this.body.isRead) throw new TypeError("Body is unusable");
    this.body.isRead = true;
    return this.body.take();
  }

  async json() {
    return JSON.parse(await this.text());
  }

  clone() {
    if (this.body.isRead) throw new TypeError("Body is unusable");
    return Object.assign(new FakeResponse(this.body, this), { type: this.type, redirected: this.redirected });
  }
}

class FakeFormData {
  parts = new Map();

  append(name, value) {
    this.parts.set(name, value.content);
  }
}
