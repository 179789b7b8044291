"""What people have written during a round, what they were told of it, and what has become of it."""

from __future__ import annotations

import base64
import random
import sqlite3
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field

from . import pages
from .moments import Moment
from .pages import FORM, LIST
from .stage import Stage
from .waiting import wait_until

# The longest pause of an entry is a minute, and a request that hangs is given up after half of one.
DRAIN_SECONDS = 150

# The tab's own storage outlives the page, which goes on to the list as soon as its post is accepted.
WRITE_SCRIPT = """
const [post, promise] = arguments;
const form = document.querySelector("main form");
for (const name of ["title", "location", "body"]) form.elements[name].value = post[name];
if (post.photo) {
  const chosen = new DataTransfer();
  const bytes = Uint8Array.from(atob(post.photo), (character) => character.charCodeAt(0));
  chosen.items.add(new File([bytes], "seat.png", { type: "image/png" }));
  form.elements.photo.files = chosen.files;
}
const status = document.querySelector("[data-offlinesync-status]");
const look = () => status.textContent.includes(promise) && sessionStorage.setItem(post.title, "saved");
new MutationObserver(look).observe(status, { childList: true, subtree: true });
form.requestSubmit(form.querySelector("button[type=submit]"));
"""
IS_READY_SCRIPT = f"""
const runs = (() => {{ {pages.CLIENT_RUNS_SCRIPT} }})();
return runs && document.querySelector("main form [name=title]") !== null;
"""
# A page that sends others' posts at that moment may have something newer to say, and empties the form or goes on.
SAID_SCRIPT = """
const control = document.querySelector("main form [name=title]");
return sessionStorage.getItem(arguments[0]) ?? (control ? control.value === "" && "saved" : "left");
"""
PROMISE = "Saved on this device."


@dataclass
class Act:
    """One post that somebody has written and sent off, known by its title."""

    title: str
    photo: bytes | None = field(repr=False)
    said_saved: bool = False


@dataclass
class Witness:
    """Notes down each act of a round."""

    name: str
    acts: list[Act] = field(default_factory=list)

    def new_act(self, chance: random.Random) -> Act:
        """The next act; every third post or so has a photo."""
        number = len(self.acts) + 1
        wide = chance.choice([0, 0, 0, 16, 200])
        photo = pages.photo(width=wide, seed=number) if wide else None
        self.acts.append(Act(f"{self.name}, act {number}.", photo))
        return self.acts[-1]


def open_form(stage: Stage) -> None:
    """Open the form and wait until it can be sent."""

    def opened() -> bool:
        # The page before, whose post is accepted just then, may go on to the list in the form's place.
        if not stage.driver.current_url.endswith(FORM):
            stage.open(FORM)
        return bool(stage.driver.execute_script(IS_READY_SCRIPT))

    stage.open(FORM)
    wait_until(opened, "the form is open")


def write(stage: Stage, act: Act) -> None:
    """Write the post into the form on the screen and send it off, until the page says that it is saved."""
    photo = base64.b64encode(act.photo).decode() if act.photo else None
    post = {"title": act.title, "location": "Coach 9", "body": "Rain.\nThen none.", "photo": photo}
    stage.driver.execute_script(WRITE_SCRIPT, post, PROMISE)
    said = wait_until(lambda: stage.driver.execute_script(SAID_SCRIPT, act.title), "the post is saved")
    act.said_saved = said == "saved"


def write_until(stage: Stage, act: Act, moment: Moment) -> None:
    """Write the post, until the delivery under way has come to the moment or, without it, to its end."""
    moment.lay(stage.proxy)
    write(stage, act)
    wait_until(lambda: moment.come.is_set() or stage.site.posts(act.title), f"the delivery is at {moment.name!r}")


def drain(stage: Stage) -> None:
    """With nothing in the way any more, an open page empties the outbox."""
    stage.open(LIST)
    pages.wait_for_empty_outbox(stage, seconds=DRAIN_SECONDS)


def audit(stage: Stage, witness: Witness) -> Counter[str]:
    """What has become of the acts, by the site's database and the outbox; a photo that has changed is a loss."""
    waiting = {dict(entry["fields"])["title"] for entry in pages.entries(stage.driver)}
    with closing(sqlite3.connect(stage.site.data / "db.sqlite3")) as database:
        rows = database.execute("SELECT title, photo FROM posts_post").fetchall()
        (known,) = database.execute("SELECT COUNT(*) FROM offlinesync_submission").fetchone()
    counts = Counter(saved=0, delivered=0, lost=0, twice=0)
    written = 0
    for act in witness.acts:
        photos = [photo for title, photo in rows if title == act.title]
        written += len(photos)
        counts["saved"] += act.said_saved
        counts["delivered"] += bool(photos)
        counts["twice"] += max(0, len(photos) - 1)
        whole = all(has_photo(stage, photo, act.photo) for photo in photos)
        counts["lost"] += not whole or (act.said_saved and not photos and act.title not in waiting)
    # A form that is sent before the client runs is posted plainly, as it should be (P7), and is in no ledger.
    plain = sum(exchange.method == "POST" and exchange.reached_site for exchange in stage.proxy.requests(FORM))
    assert known <= written <= known + plain, f"{written} posts, {known} submissions, {plain} plain forms"
    return counts


def has_photo(stage: Stage, name: str, expected: bytes | None) -> bool:
    """Whether the site's photo is the one that was sent."""
    found = (stage.site.data / "media" / name).read_bytes() if name else None
    return found == expected
