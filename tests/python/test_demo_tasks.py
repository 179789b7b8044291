"""The demo's tasks: a list that two people change."""

import re

import pytest
from django.core.management import call_command

from demo_site.tasks.models import Task

from .stories import account, filled, forms_on, messages, send

pytestmark = pytest.mark.django_db
CHANGES = {"title": "Paint", "notes": "Red and white.", "assigned_to": "demo2", "due": "2026-12-24"}


@pytest.fixture
def task():
    return Task.objects.create(title="Paint the markers", notes="Red.")


@pytest.fixture
def signed_in(client):
    call_command("seed_demo", verbosity=0)
    Task.objects.all().delete()
    client.force_login(account("demo1"))
    return client


def edit_form(client, task):
    (form,) = forms_on(client, f"/tasks/{task.pk}/", "task")
    return form


def test_everybody_reads_the_list_and_only_accounts_have_buttons(client, task):
    page = client.get("/tasks/").content.decode()
    assert "Paint the markers" in page
    assert "<button" not in page.partition("<footer")[0]
    assert 'href="/accounts/login/?next=/tasks/"' in page
    edited = client.get(f"/tasks/{task.pk}/")
    assert edited["Location"] == f"/accounts/login/?next=/tasks/{task.pk}/"


def test_what_is_done_stands_last_and_what_is_due_first(client):
    for title, rest in {"done": {"done": True}, "some day": {}, "soon": {"due": "2026-12-01"}}.items():
        Task.objects.create(title=title, **rest)
    assert [task.title for task in client.get("/tasks/").context["task_list"]] == ["soon", "some day", "done"]


def test_each_button_has_a_name_and_says_what_it_makes_of_its_task(signed_in, task):
    Task.objects.create(title="Bring the box back", done=True)
    page = signed_in.get("/tasks/").content.decode()
    assert re.findall(r'name="(done|mark)" value="([^"]*)"', page) == [("done", "Done"), ("mark", "To do")]
    assert 'Tick off<span class="unseen">: <bdi>Paint the markers</bdi></span>' in page
    assert 'Open again<span class="unseen">: <bdi>Bring the box back</bdi></span>' in page


def test_p7_the_plain_forms_do_the_same(signed_in, task):
    assert signed_in.post(f"/tasks/{task.pk}/", CHANGES)["Location"] == "/tasks/"
    assert signed_in.post(f"/tasks/{task.pk}/done/", {"done": "Done"})["Location"] == "/tasks/"
    task.refresh_from_db()
    assert (task.title, task.assigned_to, str(task.due), task.done) == ("Paint", "demo2", "2026-12-24", True)
    signed_in.post(f"/tasks/{task.pk}/done/", {"mark": "To do"})
    task.refresh_from_db()
    assert not task.done


def test_a_tick_after_signing_in_again_leads_to_the_list(client, signed_in, task):
    assert signed_in.get(f"/tasks/{task.pk}/done/")["Location"] == "/tasks/"
    client.logout()
    refused = client.post(f"/tasks/{task.pk}/done/", {"done": "Done"})
    assert refused["Location"] == f"/accounts/login/?next=/tasks/{task.pk}/done/"


def test_nobody_edits_without_an_account(signed_in, task):
    (receipt,) = send(filled(edit_form(signed_in, task), CHANGES))
    assert receipt.code == "forbidden"


def test_both_tick_off_and_nobody_is_asked(signed_in, task):
    (form,) = forms_on(signed_in, "/tasks/", "task-done")
    for username in ("demo1", "demo2"):
        (receipt,) = send(filled(form, {"done": "Done"}), user=account(username))
        assert (receipt.status, receipt.result["url"]) == ("accepted", "/tasks/")
    task.refresh_from_db()
    assert task.done


def test_e1_who_wrote_into_the_same_field_second_is_asked(signed_in, task):
    form = edit_form(signed_in, task)
    first = filled(form, {**CHANGES, "notes": "White."})
    assert send(first, user=account("demo1"))[0].status == "accepted"
    (receipt,) = send(filled(form, {**CHANGES, "notes": "Blue."}), user=account("demo2"))
    assert (receipt.status, receipt.current) == ("conflict", {"notes": "White."})
    task.refresh_from_db()
    assert task.notes == "White."


def test_e1_different_fields_come_together(signed_in, task):
    form = edit_form(signed_in, task)
    unchanged = {"title": task.title, "notes": task.notes, "assigned_to": "", "due": ""}
    send(filled(form, {**unchanged, "notes": "White."}), user=account("demo1"))
    (receipt,) = send(filled(form, {**unchanged, "assigned_to": "demo2"}), user=account("demo2"))
    assert receipt.status == "accepted"
    task.refresh_from_db()
    assert (task.notes, task.assigned_to) == ("White.", "demo2")


def test_e1_a_tick_and_an_edit_come_together(signed_in, task):
    edited = edit_form(signed_in, task)
    (ticked,) = forms_on(signed_in, "/tasks/", "task-done")
    send(filled(ticked, {"done": "Done"}), user=account("demo1"))
    (receipt,) = send(filled(edited, CHANGES), user=account("demo2"))
    assert receipt.status == "accepted"
    task.refresh_from_db()
    assert (task.title, task.done) == ("Paint", True)


def test_a_task_that_is_gone_is_refused_in_words(signed_in, task):
    submission = filled(edit_form(signed_in, task), CHANGES)
    task.delete()
    (receipt,) = send(submission, user=account("demo1"))
    assert (receipt.code, list(messages(receipt))) == ("invalid", ["__all__"])


def test_a_new_demo_has_tasks_and_what_was_deleted_stays_deleted(db):
    call_command("seed_demo", verbosity=0)
    assert Task.objects.filter(done=True).exists()
    Task.objects.all().delete()
    call_command("seed_demo", verbosity=0)
    assert not Task.objects.exists()
