"""Other people's pages and other sites: on an origin of their own (row D4), or on this one (row D10)."""

from __future__ import annotations

import json
import socket
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
from selenium.webdriver.common.by import By

from . import pages, proxy
from .network import Namespace
from .pages import FORM, LIST, NEUTRAL
from .proxy import SUBMISSIONS, Exchange, Proxy
from .site import Site
from .stage import Stage
from .waiting import wait_until
from .wire import answer, read_answer, status_of

EVIL = "Posted by another site"
MOUNTS = ("/a/", "/b/")

# All that a page of another origin can send without being asked first: none of them carries our header.
ATTACK_SCRIPT = """
const [url, batch, token, how, done] = arguments;
const multipart = () => {
  const body = new FormData();
  body.append("batch", new Blob([batch], { type: "application/json" }));
  body.append("csrfmiddlewaretoken", token);
  return body;
};
const headers = { "X-CSRFToken": token, "Content-Type": "application/json" };
const options = {
  multipart: () => ({ mode: "no-cors", body: multipart() }),
  json_as_text: () => ({ mode: "no-cors", body: batch, headers: { "Content-Type": "text/plain" } }),
  with_the_header: () => ({ mode: "cors", body: batch, headers }),
}[how]();
fetch(url, { method: "POST", credentials: "include", ...options }).then(() => done("sent"), () => done("refused"));
"""
PLACES_SCRIPT = """
const [done] = arguments;
(async () => ({
  databases: (await indexedDB.databases()).map(({ name }) => name).sort(),
  caches: [...new Set((await caches.keys()).map((name) => name.split(":").slice(0, 2).join(":")))].sort(),
  workers: (await navigator.serviceWorker.getRegistrations()).map(({ scope, active }) => [
    new URL(scope).pathname,
    active && new URL(active.scriptURL).pathname,
  ]).sort(),
}))().then(done, (error) => done(String(error)));
"""


@contextmanager
def other_origin(stage: Stage) -> Iterator[str]:
    """A page of another origin on the same host, so that the site's cookies go with what it sends, and can be read."""
    page = proxy.answering(lambda exchange: answer(200, "<!doctype html><title>Elsewhere</title>", "text/html"))
    elsewhere = Proxy(stage.proxy.namespace, stage.proxy.destination)
    try:
        elsewhere.on(None, page)
        yield elsewhere.url
    finally:
        elsewhere.close()


def forged(owner: str | None) -> str:
    """A batch that would be good if it came from the site's own page."""
    fields = [["title", EVIL], ["location", "Elsewhere"], ["body", "Not by the person."]]
    number = str(uuid.UUID(int=(0x0197 << 112) | (0x7 << 76) | (0b10 << 62) | uuid.uuid4().int & 0xFFFF))
    submission = {"id": number, "form": "post", "fields": fields}
    return json.dumps({"protocol": 1, "owner": owner, "submissions": [submission]})


@pytest.mark.parametrize("username", ["demo1", None], ids=["signed_in", "anonymous"])
def test_d4_another_site_can_post_for_nobody(stage: Stage, username: str | None) -> None:
    if username:
        pages.sign_in(stage, username)
    stage.open(FORM)
    token = stage.driver.get_cookie("csrftoken")["value"]
    batch = forged(stage.site.user_id(username) if username else None)
    url = stage.url + SUBMISSIONS
    with other_origin(stage) as elsewhere:
        stage.driver.get(elsewhere)
        assert stage.driver.get_cookie("csrftoken")["value"] == token, "the cookies are there to be misused"
        for how in ("multipart", "json_as_text", "with_the_header"):
            stage.driver.execute_async_script(ATTACK_SCRIPT, url, batch, token, how)
        submit_form_elsewhere(stage, url, batch, token)
    posts = [exchange for exchange in stage.proxy.requests(SUBMISSIONS) if exchange.method == "POST"]
    assert [exchange.status for exchange in posts] == [403, 403, 403]
    assert all("csrftoken=" in exchange.headers["Cookie"] for exchange in posts)
    # The one with the header is not even sent: the browser has asked before, and was not allowed to.
    (asked,) = [exchange for exchange in stage.proxy.requests(SUBMISSIONS) if exchange.method == "OPTIONS"]
    assert asked.headers["Access-Control-Request-Headers"]
    assert stage.site.ledger() == []
    assert not stage.site.posts(EVIL)


def submit_form_elsewhere(stage: Stage, url: str, batch: str, token: str) -> None:
    """A form of the other site, sent as if by the person, and the page that comes of it."""
    stage.driver.execute_script(
        """
        const [action, batch, token] = arguments;
        const form = document.createElement("form");
        Object.assign(form, { method: "post", enctype: "multipart/form-data", action });
        for (const [name, value] of Object.entries({ batch, csrfmiddlewaretoken: token })) {
          form.append(Object.assign(document.createElement("input"), { name, value }));
        }
        document.body.append(form);
        form.submit();
        """,
        url,
        batch,
        token,
    )
    wait_until(lambda: "csrf_failed" in stage.driver.find_element(By.TAG_NAME, "body").text, "the site has refused it")


@pytest.fixture
def environment(request: pytest.FixtureRequest) -> Mapping[str, str]:
    """The demo under a path, for the tests that have two of them."""
    return mounted(MOUNTS[0]) if "neighbour" in request.fixturenames else {}


def mounted(mount: str) -> dict[str, str]:
    """What a demo needs to lie under a path."""
    return {"DJANGO_SETTINGS_MODULE": "tests.browser.mounted", "DEMO_MOUNT": mount}


@pytest.fixture
def neighbour(stage: Stage, prepared_site: Path, tmp_path: Path) -> Iterator[Site]:
    """A second demo; the stage's proxy puts both under one origin."""
    namespace = Namespace() if stage.laid is None else stage.laid.browser
    site = Site(tmp_path, namespace, template=prepared_site, **mounted(MOUNTS[1]))
    try:
        site.start()
        stage.proxy.on(None, by_mount(dict(zip(MOUNTS, (stage.site, site), strict=True))))
        yield site
    finally:
        site.kill()


def by_mount(sites: Mapping[str, Site]) -> proxy.Behaviour:
    """One origin for several sites, each under its path, as a web server in front of them makes it."""

    def behave(through: Proxy, exchange: Exchange, client: socket.socket) -> None:
        mount = f"/{exchange.path.split('/')[1]}/"
        site = sites.get(mount)
        if site is None:
            client.sendall(answer(404, "", "text/html"))
            return
        exchange.head = exchange.head.replace(mount.encode(), b"/", 1)
        with through.held(site.namespace.connect(("127.0.0.1", site.port), proxy.DIAL_SECONDS)) as there:
            there.settimeout(None)
            proxy.give(exchange, there)
            received = read_answer(there)
        exchange.status = status_of(received)
        client.sendall(received)

    return behave


def entries_of(stage: Stage, mount: str) -> int:
    """How many entries lie in the outbox of one of the sites."""
    counts = stage.driver.execute_async_script(pages.COUNT_SCRIPT, f"offlinesync:{mount}offlinesync/", ["entries"])
    return int(counts["entries"])


def write_at(stage: Stage, mount: str, title: str) -> None:
    """Open one site's form, write a post and press the button."""
    stage.open(mount.rstrip("/") + FORM)
    pages.fill(stage, title)
    pages.submit(stage)


def wait_for_worker_at(stage: Stage, mount: str) -> None:
    """A first visit to one of the sites, until its worker serves the page."""
    kept = [mount + path.lstrip("/") for path in (LIST, FORM, "/offlinesync/offline/")]
    stage.open(mount)
    wait_until(lambda: stage.driver.execute_async_script(pages.KEPT_SCRIPT, kept) is True, f"{mount} keeps its pages")


@pytest.mark.wide
def test_d10_two_sites_of_one_origin_do_not_meet(stage: Stage, neighbour: Site) -> None:
    for mount in MOUNTS:
        wait_for_worker_at(stage, mount)
    gates = {mount: proxy.Gate() for mount in MOUNTS}
    held: proxy.Behaviour = stage.proxy.behaviours[None]
    for mount, gate in gates.items():
        stage.proxy.on(mount.rstrip("/") + SUBMISSIONS, holding(gate, held))
    write_at(stage, "/a/", "For the first site")
    wait_until(lambda: gates["/a/"].held, "the first site's post is on its way, and its lock held")
    first = pages.new_tab(stage.driver)
    write_at(stage, "/b/", "For the second site")
    wait_until(lambda: gates["/b/"].held, "the second site's lock is another")
    assert (entries_of(stage, "/a/"), entries_of(stage, "/b/")) == (1, 1)

    gates["/b/"].open()
    wait_until(lambda: neighbour.posts("For the second site"), "the second site has its post")
    assert (entries_of(stage, "/a/"), entries_of(stage, "/b/")) == (1, 0)
    stage.driver.switch_to.window(first)
    gates["/a/"].open()
    pages.wait_for_post(stage, "For the first site")
    wait_until(lambda: entries_of(stage, "/a/") == 0, "nothing waits")
    assert (len(stage.site.ledger()), len(neighbour.ledger())) == (1, 1)

    stage.open("/a" + NEUTRAL)
    names = [f"offlinesync:{mount}offlinesync/" for mount in MOUNTS]
    assert stage.driver.execute_async_script(PLACES_SCRIPT) == {
        "databases": names,
        "caches": names,
        "workers": [[mount, f"{mount}offlinesync/serviceworker.js"] for mount in MOUNTS],
    }
    # Each worker has kept its own site's pages, and opens them when both are away.
    stage.proxy.on(None, proxy.refuse)
    for mount in MOUNTS:
        stage.open(mount.rstrip("/") + FORM)
        assert stage.driver.title == "Write a post"
        assert (
            stage.driver.find_element(By.CSS_SELECTOR, "form[data-offlinesync-form]").get_dom_attribute(
                "data-offlinesync-target"
            )
            == mount.rstrip("/") + FORM
        )


def holding(gate: proxy.Gate, behaviour: proxy.Behaviour) -> proxy.Behaviour:
    """Hold a request before it is treated as all the others are."""

    def behave(through: Proxy, exchange: Exchange, client: socket.socket) -> None:
        gate.wait(through, exchange)
        behaviour(through, exchange, client)

    return behave
