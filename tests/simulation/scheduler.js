const endOfTurn = globalThis.setImmediate;
// Many immediates in a row are a library that polls: time has to go on under it.
const POLLING = 40;
// A turn of Node's loop costs more than most steps, and only at its end is it seen which rejections nobody has taken.
const STEPS_IN_A_TURN = 16;

/**
 * Virtual time. Whatever would happen by itself is a task here, and the seed decides what comes first.
 *
 * @param {ReturnType<import("./random.js").createRandom>} random
 */
export function createScheduler(random) {
  /** A binary heap. @type {{time: number, order: number, run: (() => void) | null}[]} */
  const heap = [];
  let now = 0;
  let immediates = 0;
  let settled = 0;

  const isBefore = (a, b) => a.time < b.time || (a.time === b.time && a.order < b.order);

  function push(task) {
    let index = heap.push(task) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!isBefore(heap[index], heap[parent])) return;
      [heap[index], heap[parent]] = [heap[parent], heap[index]];
      index = parent;
    }
  }

  function pop() {
    const first = heap[0];
    const last = heap.pop();
    if (!heap.length) return first;
    heap[0] = last;
    for (let index = 0; ; ) {
      let least = index;
      for (const child of [2 * index + 1, 2 * index + 2]) {
        if (child < heap.length && isBefore(heap[child], heap[least])) least = child;
      }
      if (least === index) return first;
      [heap[index], heap[least]] = [heap[least], heap[index]];
      index = least;
    }
  }

  /** @param {number} delay  milliseconds @param {() => void} run */
  function at(delay, run) {
    immediates = 0;
    return plan(delay, run);
  }

  function plan(delay, run) {
    const task = { time: now + Math.max(0, delay), order: random.next(), run };
    push(task);
    return task;
  }

  return {
    at,
    now: () => now,

    /** @param {{run: (() => void) | null} | undefined} task */
    cancel(task) {
      if (task) task.run = null;
    },

    /** What `setImmediate` is for the storage: soon, and in no particular order. */
    immediately(run) {
      immediates += 1;
      plan(immediates > POLLING ? 50 : random.next() * 2, run);
    },

    /** Runs the next task, and whatever promises come of it. @returns {Promise<boolean>} false: there is none */
    async step() {
      let task;
      do {
        if (!heap.length) return false;
        task = pop();
      } while (!task.run);
      now = task.time;
      task.run();
      await this.settle();
      return true;
    },

    /** Whatever promises come of what has just been done plan their tasks before time goes on. @returns {Promise<void>} */
    settle() {
      settled += 1;
      return settled % STEPS_IN_A_TURN ? new Promise((resolve) => process.nextTick(resolve)) : this.turn();
    },

    /** The end of a turn of Node's loop. @returns {Promise<void>} */
    turn: () => new Promise((resolve) => endOfTurn(resolve)),
  };
}
