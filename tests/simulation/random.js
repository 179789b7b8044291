/**
 * A generator of its own for each seed: the same seed gives the same numbers on every machine.
 *
 * @param {number} seed
 */
export function createRandom(seed) {
  let state = (seed ^ 0x9e3779b9) >>> 0;

  /** @returns {number} from 0 to just below 1 */
  function next() {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  }

  /** @param {number} from @param {number} to  inclusive */
  const between = (from, to) => from + Math.floor(next() * (to - from + 1));

  return {
    next,
    between,
    /** @param {number} probability */
    chance: (probability) => next() < probability,
    /** @template T @param {T[]} list @returns {T} */
    pick: (list) => list[between(0, list.length - 1)],
  };
}
