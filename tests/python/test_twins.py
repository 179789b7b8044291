"""One round of the long run, and that its audit sees what it is for."""

from collections import Counter
from random import Random

import pytest

from tests.endurance.twins import FAULTS, Plan, audit, round_


def test_p3_c1_c2_c4_one_round_of_twins_whose_servers_are_killed():
    # 64 devices.
    counts = round_(387)
    print(dict(counts))
    assert {fault: counts[fault] for fault in FAULTS} == dict.fromkeys(FAULTS, 0)
    assert counts["kills"] > 0
    assert counts["requests"] > counts["submissions"] > 0


def found(plan: Plan, answers: list[dict], ledger: Counter, notes: Counter) -> dict[str, int]:
    counts = audit(plan, answers, ledger, notes)
    return {fault: counts[fault] for fault in FAULTS if counts[fault]}


def test_the_audit_finds_what_it_names():
    plan = Plan(Random(1), "mark")
    item = next(item for item in plan.submissions if not dict(item["fields"])["behaviour"])
    refused = next(item for item in plan.submissions if dict(item["fields"])["behaviour"])
    key, title = item["id"], dict(item["fields"])["title"]
    accepted = {"id": key, "status": "accepted", "result": {"key": "1"}, "replayed": False}
    replay = {**accepted, "replayed": True}
    other = {**replay, "result": {"key": "2"}}
    once = Counter([key]), Counter([title])
    assert found(plan, [{key: [accepted]}, {key: [replay]}], *once) == {}
    assert found(plan, [{key: [replay]}], Counter(), Counter()) == {"lost": 1}
    assert found(plan, [{key: [replay]}], once[0], Counter()) == {"lost": 1, "row_without_effect": 1}
    assert found(plan, [], Counter(), once[1]) == {"effect_without_row": 1}
    assert found(plan, [{key: [replay]}], once[0] + once[0], once[1] + once[1]) == {"twice": 1}
    assert found(plan, [{key: [accepted]}, {key: [other]}], *once) == {"differing_receipts": 1}
    assert found(plan, [{key: [accepted]}, {key: [accepted]}], *once) == {"wrongly_answered": 1}
    assert found(
        plan, [{refused["id"]: [replay]}], Counter([refused["id"]]), Counter([dict(refused["fields"])["title"]])
    ) == {"wrongly_answered": 1}


@pytest.mark.parametrize("seed", range(3))
def test_a_seed_makes_one_plan(seed):
    first, second = (Plan(Random(seed), "mark") for _ in range(2))
    for plan in (first, second):
        for number, item in enumerate(plan.submissions):
            item["id"] = number
    assert vars(first) == vars(second)
