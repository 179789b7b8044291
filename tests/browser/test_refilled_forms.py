"""Forms that a refused entry is put back into: nothing of it is lost, and nothing stays behind (P2, row A8)."""

from __future__ import annotations

import pytest
from selenium.webdriver.common.by import By

from . import pages, proxy
from .pages import FORM, LIST
from .proxy import SESSION
from .stage import Stage
from .test_capture import ABORT_AFTER_WRITING, NOT_SAVED
from .test_odd_pages import (
    ATTENTION,
    IN_USE,
    LINK,
    REFUSED,
    before_load,
    change_form,
    correct,
    open_refused,
    photo_of,
    refuse_one,
)
from .waiting import wait_until

ROWS = """
const add = (name, value, more) => {
  const input = Object.assign(document.createElement("input"), { name, value, ...more });
  form.append(input);
};
for (const value of ["a", "b", "c"]) add("without", value);
for (const value of ["1", "2", "3"]) add("fewer", value);
for (const value of ["window", "aisle"]) add("seat", value, { type: "checkbox", checked: true });
add("class", "third", { type: "radio", checked: true });
add("train", "express");
add("pressed", "yes");
"""
FEWER_CONTROLS = """
const add = (tag, more) => {
  const control = Object.assign(document.createElement(tag), more);
  form.append(control);
  return control;
};
add("input", { name: "fewer" });
add("input", { type: "checkbox", name: "seat", value: "window" });
add("input", { type: "checkbox", name: "seat", value: "roof", checked: true });
add("input", { type: "radio", name: "class", value: "first" });
add("input", { type: "radio", name: "class", value: "second", checked: true });
add("select", { name: "train" }).append(new Option("local"), new Option("night"));
add("button", { name: "pressed", value: "no" });
"""
ITEM = """
form.append(Object.assign(document.createElement("input"), { type: "hidden", name: "item", value: "%s" }));
"""
VALUES_SCRIPT = """
const data = new FormData(document.querySelector("main form"));
return ["title", "item", "without"].map((name) => data.getAll(name).join());
"""
# Before the app's modules run, as if it stood in the page that the site has sent.
TWIN = """
document.addEventListener("readystatechange", () => {
  const form = document.querySelector("main form[data-offlinesync-form]");
  if (!form || document.getElementById("twin")) return;
  const twin = form.cloneNode(true);
  twin.id = "twin";
  form.after(twin);
});
"""


@pytest.fixture
def stage(shared_stage: Stage) -> Stage:
    """One browser and one site for this module."""
    return shared_stage


def test_p2_no_value_is_lost_for_which_the_fresh_form_has_no_control(stage: Stage) -> None:
    """Rows that a script had added, and choices that the site no longer offers."""
    refuse_one(stage, "More than the form holds", ROWS)
    change_form(stage, FEWER_CONTROLS)
    open_refused(stage)
    correct(stage)
    pages.only_post(stage, "More than the form holds")
    (sent,) = stage.proxy.deliveries[-1].batch["submissions"]
    values: dict[str, list[str]] = {}
    for name, value in sent["fields"]:
        values.setdefault(name, []).append(value)
    added = {"without": ["a", "b", "c"], "fewer": ["1", "2", "3"], "seat": ["window", "aisle"], "class": ["third"]}
    assert {name: values.get(name) for name in added} == added
    assert values["train"] == ["express"]
    assert "pressed" not in values, "another button was pressed"


def test_p2_a_refused_entry_is_not_put_over_what_could_not_be_saved(stage: Stage) -> None:
    refuse_one(stage, "Refused before")
    stage.driver.execute_script(ABORT_AFTER_WRITING)
    stage.proxy.on(SESSION, proxy.refuse)
    pages.fill(stage, "Not saved at all")
    pages.submit(stage)
    pages.wait_for_status(stage.driver, NOT_SAVED, ATTENTION)
    stage.driver.find_element(By.CSS_SELECTOR, LINK).click()
    pages.wait_for_status(stage.driver, IN_USE, ATTENTION)
    assert pages.typed(stage.driver, "title") == "Not saved at all"


@pytest.mark.wide
def test_p2_another_choice_takes_the_place_of_one_that_is_gone(stage: Stage) -> None:
    refuse_one(stage, "Another choice", ROWS)
    change_form(stage, FEWER_CONTROLS)
    open_refused(stage)
    for control in ("[name=train] option", "[name=class]", "[name=seat][value=aisle]"):
        stage.driver.find_element(By.CSS_SELECTOR, f"form {control}").click()
    correct(stage)
    fields = stage.proxy.deliveries[-1].batch["submissions"][0]["fields"]
    chosen = [field for field in fields if field[0] in ("train", "class", "seat")]
    assert sorted(chosen) == [["class", "first"], ["seat", "window"], ["train", "local"]]


def test_p2_what_stood_in_a_form_leaves_nothing_there_for_the_next(stage: Stage) -> None:
    """Neither the next refused entry nor the next act carries a row or a hidden value of the one before."""

    def show(title: str) -> None:
        entry = next(entry for entry in pages.entries(stage.driver) if dict(entry["fields"])["title"] == title)
        stage.driver.execute_script("location.hash = `offlinesync-${arguments[0]}`", entry["id"])
        wait_until(lambda: pages.typed(stage.driver, "title") == title, f"{title!r} stands in the form")

    def values() -> list[str]:
        return list(stage.driver.execute_script(VALUES_SCRIPT))

    refuse_one(stage, "Its own rows", ROWS + ITEM % "one")
    stage.open(FORM)
    change_form(stage, ITEM % "two")
    pages.fill(stage, "No rows", file=photo_of(stage, b"this is no picture"))
    pages.submit(stage)
    pages.wait_for_status(stage.driver, REFUSED, ATTENTION)
    stage.open(LIST)
    stage.open(FORM)
    change_form(stage, ITEM % "own")
    show("Its own rows")
    assert values() == ["Its own rows", "one", "a,b,c"]
    show("No rows")
    assert values() == ["No rows", "two", ""]
    show("Its own rows")
    stage.proxy.on(SESSION, proxy.refuse)
    stage.driver.find_element(By.NAME, "photo").send_keys(str(photo_of(stage, pages.photo())))
    pages.submit(stage)
    wait_until(lambda: pages.typed(stage.driver, "title") == "", "it is saved")
    assert values() == ["", "own", ""]


def refuse_in(stage: Stage, form: str, title: str) -> None:
    """Have the site refuse a post from one of two forms that are alike, and reload the page."""
    stage.open(FORM)
    write_in(stage, form, title)
    photo = photo_of(stage, b"this is no picture")
    stage.driver.find_element(By.CSS_SELECTOR, f"{form} [name=photo]").send_keys(str(photo))
    stage.driver.find_element(By.CSS_SELECTOR, f"{form} button[type=submit]").click()
    pages.wait_for_status(stage.driver, REFUSED)
    pages.reload(stage)
    pages.wait_for_status(stage.driver, REFUSED)


def write_in(stage: Stage, form: str, title: str) -> None:
    """Write a post into one of two forms that are alike."""
    for name in ("title", "location", "body"):
        control = stage.driver.find_element(By.CSS_SELECTOR, f"{form} [name={name}]")
        control.clear()
        control.send_keys(title)


def title_in(stage: Stage, form: str) -> str:
    """What stands in one of two forms that are alike."""
    return str(stage.driver.find_element(By.CSS_SELECTOR, f"{form} [name=title]").get_property("value"))


def test_a8_p2_forms_that_are_alike_are_acts_of_their_own(stage: Stage) -> None:
    """A list with a form for each of its items, which all bear one name and one target."""
    with before_load(stage, TWIN):
        refuse_in(stage, "form", "In the first one")
        write_in(stage, "#twin", "In the second one")
        for control in stage.driver.find_elements(By.CSS_SELECTOR, "#twin [name=photo]"):
            control.send_keys(str(photo_of(stage, pages.photo())))
        stage.driver.find_element(By.CSS_SELECTOR, "#twin button[type=submit]").click()
        pages.wait_for_title(stage.driver, "Posts")
        pages.only_post(stage, "In the second one")
        (entry,) = pages.entries(stage.driver)
        assert (entry["state"], dict(entry["fields"])["title"]) == ("refused", "In the first one")


@pytest.mark.wide
def test_a8_what_was_refused_opens_where_it_stands_among_forms_that_are_alike(stage: Stage) -> None:
    with before_load(stage, TWIN):
        refuse_in(stage, "#twin", "Once more in the second")
        (entry,) = pages.entries(stage.driver)
        stage.driver.execute_script("location.hash = `offlinesync-${arguments[0]}`", entry["id"])
        # The link is followed before the form is pressed: nothing else stands in the first one then.
        stage.driver.execute_async_script("requestAnimationFrame(() => setTimeout(arguments[0], 300))")
        assert (title_in(stage, "form"), title_in(stage, "#twin")) == ("", "Once more in the second")
