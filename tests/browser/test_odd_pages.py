"""Whatever a site's own scripts and its visitors do to an offline form, nothing is lost or doubled (P2, P3, P7)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from selenium.webdriver.common.by import By

from . import pages, proxy
from .pages import FORM, LIST, NEUTRAL
from .proxy import SESSION
from .stage import Stage
from .waiting import wait_until

REFUSED = "The site did not accept this. It is kept on this device: correct it here and send it again."
ATTENTION = "Needs your attention: 1 See what is wrong"
IN_USE = "There is something else in this form. Send it first, then open what needs your attention."
LINK = "[data-offlinesync-status] a"

# What sites do to their forms, each in a way that the browser's own POST does not mind.
SITES = {
    "a_control_is_named_reset": """
        const clear = document.createElement("button");
        Object.assign(clear, { type: "reset", name: "reset", textContent: "Clear" });
        form.append(clear);
    """,
    "the_button_is_replaced_at_once": """
        form.addEventListener("submit", ({ submitter }) => submitter.replaceWith("Sending"));
    """,
    "the_button_is_replaced_later": """
        form.addEventListener("submit", ({ submitter }) => setTimeout(() => submitter.replaceWith("Sending")));
    """,
    "a_value_changes_with_each_reading": """
        let nonce = 0;
        form.addEventListener("formdata", ({ formData }) => formData.set("nonce", String(nonce += 1)));
    """,
    "the_controls_are_disabled_later": """
        form.addEventListener("submit", () => setTimeout(() => {
          for (const control of form.elements) control.disabled = true;
        }));
    """,
    "a_text_is_missing": pages.LOSE_TEXT % "saved-sending",
}
# Presses the button again in the moment in which it is free, and says on the wire when nothing more comes of it.
PRESS_TWICE = """
for (const control of form.querySelectorAll("input[type=text], textarea")) control.defaultValue = title;
const button = form.querySelector("button[type=submit]");
let pressed = 1;
new MutationObserver(() => {
  if (button.hasAttribute("aria-busy")) return;
  if (++pressed === 2) button.click();
  if (!button.hasAttribute("aria-busy")) fetch("/api/posts/?search=pressed-twice");
}).observe(button, { attributeFilter: ["aria-busy"] });
setTimeout(() => button.click());
"""


@pytest.fixture
def stage(shared_stage: Stage) -> Stage:
    """One browser and one site for this module."""
    return shared_stage


@contextmanager
def before_load(stage: Stage, script: str) -> Iterator[None]:
    """Run a script before any of the page's own while the test is in here: others share the tab."""
    added = pages.before_load(stage, script)
    try:
        yield
    finally:
        stage.driver.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", added)


def change_form(stage: Stage, script: str, title: str = "") -> None:
    """Run a site's script on the post form of the page."""
    stage.driver.execute_script(
        f"const [title] = arguments; const form = document.querySelector('main form'); {script}", title
    )


def photo_of(stage: Stage, content: bytes) -> Path:
    """A file for the form: the site refuses what is no picture."""
    return pages.photo_file(stage, content)


def refuse_one(stage: Stage, title: str, script: str = "") -> None:
    """Have the site refuse a post for its photo, and open the form anew: the post is listed there."""
    stage.open(FORM)
    change_form(stage, script)
    pages.fill(stage, title, file=photo_of(stage, b"this is no picture"))
    pages.submit(stage)
    pages.wait_for_status(stage.driver, REFUSED)
    stage.open(LIST)
    stage.open(FORM)
    pages.wait_for_status(stage.driver, ATTENTION)


def open_refused(stage: Stage) -> None:
    """Follow the link to what needs attention, and wait until it stands in the form."""
    stage.driver.find_element(By.CSS_SELECTOR, LINK).click()
    pages.wait_for_status(stage.driver, REFUSED)


def correct(stage: Stage, form: str = "form") -> None:
    """Choose a photo that the site takes, and send the form again."""
    stage.driver.find_element(By.CSS_SELECTOR, f"{form} [name=photo]").send_keys(str(photo_of(stage, pages.photo())))
    stage.driver.find_element(By.CSS_SELECTOR, f"{form} button[type=submit]").click()
    pages.wait_for_title(stage.driver, "Posts")


@pytest.mark.parametrize("site", list(SITES))
def test_p3_a8_a_saved_form_is_emptied_and_left_whatever_the_site_does_to_it(stage: Stage, site: str) -> None:
    title = site.replace("_", " ")
    stage.open(FORM)
    change_form(stage, SITES[site])
    pages.fill(stage, title)
    pages.submit(stage)
    pages.wait_for_title(stage.driver, "Posts")
    pages.only_post(stage, title)
    assert len(stage.proxy.deliveries) == 1
    assert pages.outbox(stage.driver) == {"entries": 0, "files": 0}


def test_a8_pressing_again_while_the_next_page_is_on_its_way_is_the_same_act(stage: Stage) -> None:
    """The emptied form of this site is valid by its defaults: only the page's leaving keeps the second press out."""
    title = "Checked in"
    gate = proxy.Gate()
    stage.open(FORM)
    stage.proxy.on(LIST, gate.before_request)
    change_form(stage, PRESS_TWICE, title)
    wait_until(
        lambda: any("pressed-twice" in request.target for request in stage.proxy.requests(NEUTRAL)),
        "the button has been pressed again",
    )
    gate.open()
    pages.wait_for_title(stage.driver, "Posts")
    pages.only_post(stage, title)


def test_b5_a_sync_that_is_never_registered_does_not_swallow_the_next_form(stage: Stage) -> None:
    stage.open(FORM)
    pages.wait_for_worker(stage)
    stage.proxy.on(SESSION, proxy.refuse)
    change_form(stage, "SyncManager.prototype.register = () => new Promise(() => {});")
    pages.fill(stage, "Never registered, one")
    pages.submit(stage)
    pages.wait_for_status(stage.driver, pages.SAVED, "Waiting to be sent: 1")
    pages.fill(stage, "Never registered, two")
    pages.submit(stage)
    wait_until(lambda: pages.outbox(stage.driver)["entries"] == 2, "the second form is saved as well")
    stage.proxy.heal()
    stage.open(LIST)
    pages.wait_for_post(stage, "Never registered, one")
    pages.wait_for_post(stage, "Never registered, two")


def test_d3_p7_a_kept_page_without_indexeddb_posts_with_a_token_of_this_visit(stage: Stage) -> None:
    title = "Kept and plain"
    stage.open(LIST)
    pages.wait_for_worker(stage)
    stage.driver.delete_all_cookies()
    stage.proxy.on(None, proxy.refuse)
    with before_load(stage, "Object.defineProperty(window, 'indexedDB', { value: undefined });"):
        stage.open(FORM)
    stage.proxy.heal()
    pages.fill(stage, title)
    pages.submit(stage)
    pages.wait_for_title(stage.driver, "Posts")
    pages.only_post(stage, title)
    assert not stage.proxy.deliveries


def test_p7_d8_where_the_sites_policy_has_no_room_for_ours_forms_are_sent_all_the_same(stage: Stage) -> None:
    title = "Without a policy"
    taken = """
        window.unhandled = [];
        addEventListener("unhandledrejection", ({ reason }) => window.unhandled.push(String(reason)));
        trustedTypes.createPolicy("offlinesync", {});
    """
    with before_load(stage, taken):
        stage.open(FORM)
        pages.fill(stage, title)
        assert stage.driver.execute_script("return window.unhandled") == []
        pages.submit(stage)
        pages.wait_for_title(stage.driver, "Posts")
    pages.only_post(stage, title)


def test_p2_what_was_refused_never_takes_the_place_of_what_is_being_written(stage: Stage) -> None:
    refuse_one(stage, "Refused first")
    pages.fill(stage, "Written second")
    stage.driver.find_element(By.CSS_SELECTOR, LINK).click()
    pages.wait_for_status(stage.driver, IN_USE, ATTENTION)
    assert pages.typed(stage.driver, "title") == "Written second"
    pages.submit(stage)
    pages.wait_for_title(stage.driver, "Posts")
    pages.only_post(stage, "Written second")

    pages.wait_for_status(stage.driver, ATTENTION)
    open_refused(stage)
    assert pages.typed(stage.driver, "title") == "Refused first"
    correct(stage)
    pages.only_post(stage, "Refused first")


def test_p2_what_was_refused_opens_in_the_form_of_its_own_target(stage: Stage) -> None:
    """Two forms of one name, as in a list of things that can each be answered."""
    refuse_one(stage, "For this one")
    (entry,) = pages.entries(stage.driver)
    change_form(
        stage,
        """
        const other = form.cloneNode(true);
        Object.assign(other, { id: "other" }).dataset.offlinesyncTarget = "/posts/other/";
        form.id = "own";
        form.before(other);
        """,
    )
    open_refused(stage)
    title = "return document.getElementById(arguments[0]).elements.title.value"
    assert stage.driver.execute_script(title, "own") == "For this one"
    assert stage.driver.execute_script(title, "other") == ""
    correct(stage, "#own")
    pages.only_post(stage, "For this one")
    (sent,) = stage.proxy.deliveries[-1].batch["submissions"]
    assert (sent["id"], sent["target"]) == (entry["id"], entry["target"])


def test_p2_words_without_a_control_in_the_fresh_form_stay_in_the_entry(stage: Stage) -> None:
    """A row that a script had added to the form, or a field that a deploy has taken away."""
    row = 'form.append(Object.assign(document.createElement("input"), { name: "row-2-text", value: "In row two" }));'
    refuse_one(stage, "With another row", row)
    open_refused(stage)
    correct(stage)
    pages.only_post(stage, "With another row")
    (sent,) = stage.proxy.deliveries[-1].batch["submissions"]
    assert sent["fields"].count(["row-2-text", "In row two"]) == 1


def test_errors_of_a_control_outside_of_its_form_stand_there_once(stage: Stage) -> None:
    stage.open(FORM)
    change_form(
        stage,
        """
        form.id = "outlying";
        form.elements.photo.setAttribute("form", form.id);
        form.after(form.elements.photo);
        """,
    )
    pages.fill(stage, "Refused twice", file=photo_of(stage, b"this is no picture"))
    described = stage.driver.find_element(By.NAME, "photo").get_attribute("aria-describedby") or ""
    for sent in (1, 2):
        pages.submit(stage)
        wait_until(
            lambda sent=sent: len(stage.proxy.deliveries) == sent and pages.status(stage.driver) == [REFUSED],
            f"the post has been refused, for the {sent}. time",
        )
        assert len(stage.driver.find_elements(By.CSS_SELECTOR, "ul.errorlist")) == 1
        control = stage.driver.find_element(By.NAME, "photo")
        assert str(control.get_attribute("aria-describedby")).split() == [*described.split(), "id_photo_error"]
