// Whoever waits for a connection with nothing to send is not told of it by any answer: the site is asked, less and less often.
const FIRST_PROBE = 60000;
const LONGEST_PROBE = 600000;
const BACK_FOR = 10000;

/**
 * Whether the site can be reached, by what came of the last request. `navigator.onLine` lies, so what it says is only a
 * reason to ask (row B11).
 *
 * @typedef {"online" | "offline" | "trouble"} State  offline: nobody answers; trouble: somebody does, and not as the site should
 *
 * @param {object} collaborators
 * @param {Window} collaborators.window
 * @param {{setTimeout: Function, clearTimeout: Function}} collaborators.clock
 * @param {() => number} collaborators.random  0 to 1
 * @param {() => Promise<boolean>} collaborators.mayAsk  false while the site wants to be left alone (row B12)
 * @param {() => void} collaborators.changed
 * @param {(error: unknown) => void} collaborators.reportError
 */
export function createConnection({ window, clock, random, mayAsk, changed, reportError }) {
  const { document, navigator } = window;
  /** @type {State} */
  let state = "online";
  let isBack = false;
  let isLeft = false;
  let pause = FIRST_PROBE;
  let probing;
  let forgetting;
  let session = async () => {};

  /** @param {State} next */
  function become(next) {
    clock.clearTimeout(probing);
    if (next === "offline") probing = clock.setTimeout(probeLater, pause * (1 + random()));
    else pause = FIRST_PROBE;
    if (next === state) return;
    clock.clearTimeout(forgetting);
    isBack = next === "online" && state === "offline";
    if (isBack) forgetting = clock.setTimeout(forget, BACK_FOR);
    state = next;
    changed();
  }

  function forget() {
    isBack = false;
    changed();
  }

  function probeLater() {
    pause = Math.min(pause * 2, LONGEST_PROBE);
    probe();
  }

  /** In a page that nobody sees nobody wants to know: it is asked when somebody looks. */
  function probe() {
    if (document.visibilityState === "visible") ask().catch(reportError);
  }

  async function ask() {
    if (await mayAsk()) await session();
    else become(state);
  }

  /** @template {{kind: string, isAnswered?: boolean}} T @param {T} answer @returns {T} */
  function heard(answer) {
    // A page that is left breaks its requests off, and may be come back to.
    if (isLeft) return answer;
    if (answer.kind !== "failed") become("online");
    else become(answer.isAnswered ? "trouble" : "offline");
    return answer;
  }

  return {
    /** Another page, or the worker, has had an answer. */
    reached: () => become("online"),

    /** @returns {{state: State, isBack: boolean}} */
    now: () => ({ state, isBack }),

    /**
     * The same transport, listened to.
     *
     * @template {ReturnType<import("./transport.js").createTransport>} T
     * @param {T} transport
     * @returns {T}
     */
    watch(transport) {
      const listened = (method) => async (...args) => heard(await transport[method](...args));
      session = listened("session");
      return { ...transport, session, send: listened("send"), sendPart: listened("sendPart") };
    },

    start() {
      window.addEventListener("offline", probe);
      window.addEventListener("online", () => state === "offline" && probe());
      window.addEventListener("pagehide", () => {
        isLeft = true;
      });
      window.addEventListener("pageshow", () => {
        isLeft = false;
        if (state === "offline") probe();
      });
      document.addEventListener("visibilitychange", () => state === "offline" && probe());
      if (navigator.onLine === false) probe();
    },
  };
}
