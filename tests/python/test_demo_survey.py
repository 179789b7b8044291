"""The demo's survey: hundreds of observations, one after the other."""

import re

import pytest
from django.core.management import call_command

from demo_site.survey.models import Observation

from .stories import filled, forms_on, messages, send

pytestmark = pytest.mark.django_db
FIELDS = {"site": "Nest box 7", "date": "2026-05-04", "count": "3", "condition": "worn", "note": ""}


def observation_form(client):
    (form,) = forms_on(client, "/survey/new/", "observation")
    return form


def test_p3_three_hundred_arrive_once_each_from_whoever_sends_them(client):
    form = observation_form(client)
    entries = [filled(form, {**FIELDS, "site": f"Nest box {number}"}) for number in range(300)]
    for start in range(0, 300, 100):
        receipts = send(*entries[start : start + 100])
        assert {receipt.status for receipt in receipts} == {"accepted"}
    assert {receipt.replayed for receipt in send(*entries[:100])} == {True}
    assert len(set(Observation.objects.values_list("site", flat=True))) == Observation.objects.count() == 300


def test_after_one_comes_the_next(client):
    (receipt,) = send(filled(observation_form(client), FIELDS))
    assert receipt.result["url"] == "/survey/new/"
    assert [message["text"] for message in receipt.result["messages"]] == ["The observation has arrived."]
    assert client.post("/survey/new/", FIELDS)["Location"] == "/survey/new/"
    assert Observation.objects.count() == 2


def test_what_is_wrong_is_told_at_its_field(client):
    wrong = {**FIELDS, "date": "yesterday", "count": "-1", "condition": "lost"}
    (receipt,) = send(filled(observation_form(client), wrong))
    assert sorted(messages(receipt)) == ["condition", "count", "date"]


def test_no_condition_is_chosen_before_somebody_does(client):
    page = client.get("/survey/new/").content.decode()
    assert re.findall(r'name="condition" value="(\w*)"', page) == ["good", "worn", "broken"]
    assert " checked" not in page


def test_the_list_counts_all_and_shows_the_newest_on_its_first_page(client):
    Observation.objects.bulk_create(
        Observation(site=f"Nest box {number}", date="2026-05-04", count=number, condition="good")
        for number in range(60)
    )
    first = client.get("/survey/")
    page = first.content.decode()
    assert "Observations that have arrived: <strong>60</strong>" in page
    assert "Page 1 of 2" in page
    assert [row.site for row in first.context["observation_list"]][:2] == ["Nest box 59", "Nest box 58"]
    assert [row.site for row in client.get("/survey/?page=2").context["observation_list"]][-1] == "Nest box 0"


def test_a_new_demo_has_a_few():
    call_command("seed_demo", verbosity=0)
    assert 0 < Observation.objects.count() < 10
