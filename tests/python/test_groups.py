"""A group of submissions stops at its first member that is not accepted (promise P6)."""

import pytest

from .ingesting import MIX, assert_ledger_and_effects_agree, outcomes, send, titles
from .sampleapp import offline
from .sampleapp.factories import again, note

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("outcome", sorted(MIX))
def test_p6_a_group_stops_at_its_first_member_not_accepted(outcome: str) -> None:
    options = {"title": "second", **MIX[outcome]}
    batch = [
        note("first", group="g"),
        note(group="g", **options),
        note("third", group="g"),
        note("other group", group="h"),
        note("no group"),
        note("fourth", group="g"),
    ]
    receipts = send(*batch)
    later = "accepted" if outcome == "accepted" else "group"
    assert outcomes(receipts) == ["accepted", outcome, later, "accepted", "accepted", later]
    if later == "group":
        assert receipts[2].status == "deferred"
        assert "third" not in offline.runs
        assert titles() == ["first", "other group", "no group"]
    assert_ledger_and_effects_agree()


def test_p6_a_group_stops_at_a_reused_id_but_not_at_a_replay() -> None:
    first, second = note("1", group="g"), note("2", group="g")
    send(first, second)
    assert outcomes(send(again(first), note("new", group="g"))) == ["accepted", "accepted"]
    assert outcomes(send(note("x", id=first.id, group="g"), again(second), note("new", group="g"))) == [
        "id_reuse",
        "accepted",
        "group",
    ]


@pytest.mark.parametrize("outcome", sorted(set(MIX) - {"accepted"}))
def test_p6_whatever_is_wrong_with_a_later_member_it_waits_for_its_group(outcome: str) -> None:
    """Also what could be refused without asking a handler: its own turn has not come."""
    receipts = send(note("", group="g"), note("second", group="g"), note(group="g", **{"title": "3", **MIX[outcome]}))
    assert outcomes(receipts) == ["invalid", "group", "group"]
