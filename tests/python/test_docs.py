"""The code in `docs/` for each way to make a form work offline is a site that takes submissions."""

from __future__ import annotations

import json
import re
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from tests import docs

from .sampleapp.factories import uuid7

# Runs inside the project of a page, as the device and as a browser.
SCRIPT = """
import json
import re
from django.contrib.auth.models import User
from django.test import Client

user, _ = User.objects.get_or_create(username="anna")
answers = []
for step in json.loads(STEPS):
    client = Client()
    if step["owner"]:
        client.force_login(user)
    page = client.get(step["page"]).content.decode() if "page" in step else None
    if "submission" in step:
        batch = {"protocol": 1, "owner": str(user.pk) if step["owner"] else None, "submissions": [step["submission"]]}
        response = client.post("/offlinesync/submissions/", batch, content_type="application/json")
        answers.append(response.json()["receipts"][0])
    else:
        answers.append(page)
print(json.dumps(answers))
"""


class Site:
    """The project of a page."""

    def __init__(self, folder: Path, page: str) -> None:
        self.folder = docs.make_project(folder, page)

    def run(self, *steps: dict[str, Any]) -> list[Any]:
        """What the site answers to pages asked for and submissions sent."""
        script = f"STEPS = {json.dumps(json.dumps(steps))}\n{SCRIPT}"
        return json.loads(docs.manage(self.folder, "shell", "--no-imports", "-c", script).splitlines()[-1])


def page(path: str, *, owner: bool = True) -> dict[str, Any]:
    return {"owner": owner, "page": path}


def submit(form: str, fields: Any = (), *, owner: bool = True, **options: Any) -> dict[str, Any]:
    pairs = [[name, value] for name, value in dict(fields).items()]
    return {"owner": owner, "submission": {"id": str(uuid7()), "form": form, "fields": pairs, **options}}


def rows(prefix: str, name: str, *values: str) -> dict[str, str]:
    management = {f"{prefix}-TOTAL_FORMS": str(len(values)), f"{prefix}-INITIAL_FORMS": "0"}
    return management | {f"{prefix}-{index}-{name}": value for index, value in enumerate(values)}


def test_form_handler(tmp_path: Path) -> None:
    site = Site(tmp_path, "form-handler.md")
    forms = site.run(page("/notes/new/"), page("/notes/several/"), page("/notes/several/", owner=False))
    assert ['data-offlinesync-form="' in text for text in forms] == [True, True, False]
    note, notes, missing = site.run(
        submit("note", {"title": "First"}),
        submit("notes", rows("form", "title", "Second", "Third")),
        submit("note", {"title": ""}),
    )
    assert note["result"] == {"key": "1", "url": "/notes/1/"}
    assert notes["result"] == {"url": "/notes/"}
    assert list(missing["errors"]) == ["title"]
    (editing,) = site.run(page("/notes/1/edit/"))
    version = unescape(editing.split('data-offlinesync-base-version="')[1].split('"')[0])
    edited, overtaken, foreign = site.run(
        submit("edit", {"title": "Mine"}, target="1", base_version=version),
        submit("edit", {"title": "Theirs"}, target="1", base_version=version),
        submit("edit", {"title": "Theirs"}, target="99", base_version=version),
    )
    assert edited["result"] == {"key": "1", "url": "/notes/1/"}
    assert (overtaken["status"], overtaken["current"]) == ("conflict", {"title": "Mine"})
    assert foreign["code"] == "invalid"
    form, steps, foreign, listed = site.run(
        page("/notes/1/steps/"),
        submit("steps", rows("step_set", "text", "One", "Two"), target="1"),
        submit("steps", rows("step_set", "text", "One"), target="99"),
        page("/notes/"),
    )
    assert 'data-offlinesync-target="1"' in form
    assert steps["result"] == {"key": "1", "url": "/notes/1/"}
    assert foreign["code"] == "invalid"
    assert [f"<li>{title}</li>" in listed for title in ("Mine", "Second", "Third")] == [True] * 3


def test_serializer_handler(tmp_path: Path) -> None:
    site = Site(tmp_path, "serializer-handler.md")
    (form,) = site.run(page("/orders/new/", owner=False))
    assert 'data-offlinesync-form="order"' in form
    lines = [{"title": "Bread", "count": 2}, {"title": "Salt", "count": 1}]
    fields, data, wrong, shown = site.run(
        submit("order", {"name": "A", "lines[0]title": "Bread", "lines[0]count": "2"}, owner=False),
        submit("order", owner=False, data={"name": "B", "lines": lines}),
        submit("order", owner=False, data={"name": "B", "lines": [{"title": "Bread", "count": -1}]}),
        page("/orders/2/"),
    )
    assert fields["result"] == {"key": "1", "url": "/orders/1/"}
    assert data["result"] == {"key": "2", "url": "/orders/2/"}
    assert list(wrong["errors"]) == ["lines.0.count"]
    assert "<h1>B</h1>" in shown


def test_view(tmp_path: Path) -> None:
    site = Site(tmp_path, "view.md")
    accepted, refused, renamed, taken = site.run(
        submit("note", {"title": "First"}, target="/notes/new/", owner=False),
        submit("note", {"title": "First"}, target="/notes/new/", owner=False),
        submit("rename", {"title": "Second"}, target="/notes/1/rename/", owner=False),
        submit("rename", {"title": ""}, target="/notes/1/rename/", owner=False),
    )
    assert accepted["result"] == {
        "url": "/notes/1/",
        "messages": [{"level": "success", "text": "Your note is in."}],
    }
    assert [error["code"] for error in refused["errors"]["title"]] == ["unique"]
    assert renamed["result"] == {"url": "/notes/1/"}
    assert list(taken["errors"]) == ["title"]
    new, rename, shown = site.run(page("/notes/new/"), page("/notes/1/rename/"), page("/notes/1/"))
    assert 'data-offlinesync-target="/notes/new/"' in new
    assert 'data-offlinesync-target="/notes/1/rename/"' in rename
    assert "<h1>Second</h1>" in shown


def test_from_a_script(tmp_path: Path) -> None:
    site = Site(tmp_path, "from-a-script.md")
    order = {"name": "Anna", "lines": [{"title": "Bread", "count": 2}]}
    checkout, taken, empty, shown = site.run(
        page("/checkout/", owner=False),
        submit("checkout", owner=False, data=order),
        submit("checkout", owner=False, data={"name": "Anna", "lines": []}),
        page("/orders/1/"),
    )
    assert '<script src="/static/notes/checkout.js" defer>' in checkout
    assert taken["result"] == {"key": "1", "url": "/orders/1/"}
    assert list(empty["errors"]) == ["lines"]
    assert "<h1>Anna</h1>" in shown


@pytest.mark.parametrize("page_name", sorted(path.name for path in docs.DOCS.glob("*.md")))
def test_every_block_that_names_a_file_is_read(page_name: str) -> None:
    """A name that the reader of the blocks does not understand would leave code untried."""
    text = (docs.DOCS / page_name).read_text()
    begins = re.compile(r"(# |\{# |// |/\* )(notes|templates|static)/")
    named = [line for line in text.splitlines() if begins.match(line)]
    assert len(docs.BLOCK.findall(text)) == len(named)
