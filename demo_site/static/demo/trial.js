// The panel "Try it". It is no module, and stands behind the panel, so that nothing moves on the page when it appears.
{
  const panel = document.querySelector(".trial");
  const cut = panel.querySelector("[name=demo-network]");
  const servers = [...panel.querySelectorAll("[name=demo-server]")];
  const { serviceWorker } = navigator;

  const readServer = () => /(?:^|; )demo-server=([^;]*)/.exec(document.cookie)?.[1] ?? "";

  function show() {
    const server = readServer();
    for (const radio of servers) radio.checked = radio.value === server;
    const states = [cut.checked ? "cut" : "", server];
    for (const line of panel.querySelectorAll("[data-trial-when]")) line.hidden = !states.includes(line.dataset.trialWhen);
  }

  /** The server of this browser alone: its worker sends the cookie as well. */
  function writeServer({ target }) {
    const age = target.value ? "" : "; Max-Age=0";
    document.cookie = `demo-server=${target.value}; Path=/; SameSite=Lax${age}`;
    show();
    // What waits is tried at once.
    dispatchEvent(new Event("online"));
  }

  async function tellWorker(message) {
    const { active } = await serviceWorker.ready;
    active.postMessage(message);
  }

  /** In each tab, whichever has moved the switch. */
  function hear({ data }) {
    if (data?.type !== "network") return;
    panel.querySelector("[data-trial-network]").hidden = false;
    cut.checked = data.isCut;
    show();
    if (data.isMoved) dispatchEvent(new Event(data.isCut ? "offline" : "online"));
  }

  function look() {
    show();
    if (serviceWorker) tellWorker({ type: "network" });
  }

  cut.addEventListener("change", () => tellWorker({ type: "network", isCut: cut.checked }));
  for (const radio of servers) radio.addEventListener("change", writeServer);
  serviceWorker?.addEventListener("message", hear);
  serviceWorker?.addEventListener("controllerchange", look);
  addEventListener("pageshow", ({ persisted }) => persisted && look());
  document.addEventListener("visibilitychange", show);
  panel.hidden = false;
  look();
}
