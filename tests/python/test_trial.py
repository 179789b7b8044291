"""The server that fails for one browser, as the panel "Try it" of the demo tells it to."""

import threading

import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from django.urls import resolve

from demo_site import trial
from demo_site.posts.models import Post
from offlinesync import registry
from tests.python.wire import Device, batch, submission

POST = {"title": "From the train", "location": "Coach 9", "body": "Larches."}
DELIVERY = batch(submission(fields=[list(pair) for pair in POST.items()]))

pytestmark = pytest.mark.django_db


def told(device, behaviour):
    device.cookies[trial.COOKIE] = behaviour
    return device


def receipt(response):
    (only,) = response.json()["receipts"]
    return only


def test_refused_is_told_at_the_handlers_field_until_the_server_is_as_it_is():
    device = told(Device(), "refuse")
    refused = receipt(device.send(DELIVERY))
    assert (refused["status"], refused["code"], list(refused["errors"])) == ("rejected", "invalid", ["title"])
    assert refused["errors"]["title"][0]["message"].startswith("The server was told to refuse this")
    assert not Post.objects.exists()
    assert receipt(told(device, "").send(DELIVERY))["status"] == "accepted"
    assert Post.objects.count() == 1


@pytest.mark.parametrize("form", ["post", "task", "task-done", "order", "observation"])
def test_each_story_can_be_refused(form):
    handler = registry.get(form)
    assert isinstance(handler, trial.Refusable)
    assert handler.refused_field in {"__all__", *handler.form_class.base_fields}


def test_what_is_wrong_with_it_is_told_first():
    wrong = batch(submission(fields=[["title", "From the train"]]))
    assert sorted(receipt(told(Device(), "refuse").send(wrong))["errors"]) == ["body", "location"]


def test_nobody_else_is_concerned():
    told(Device(), "refuse").send(DELIVERY)
    assert receipt(Device().send(DELIVERY))["status"] == "accepted"


def test_b12_503_says_when_to_come_back_and_takes_nothing():
    device = told(Device(), "503")
    for response in (device.send(DELIVERY), told(Client(), "503").post("/posts/new/", POST)):
        assert (response.status_code, response["Retry-After"]) == (503, "10")
        assert response["Content-Security-Policy"]
    assert not Post.objects.exists()
    assert receipt(told(device, "").send(DELIVERY))["status"] == "accepted"


@pytest.mark.parametrize("behaviour", ["503", "nonsense"])
def test_pages_and_signing_in_are_as_they_are(behaviour):
    get_user_model().objects.create_user("demo1", password="offline-demo")
    client = told(Client(), behaviour)
    assert client.get("/posts/new/").status_code == 200
    assert client.get("/offlinesync/session/").status_code == 200
    assert client.post("/nowhere/").status_code == 404
    assert client.post("/accounts/login/", {"username": "demo1", "password": "offline-demo"}).status_code == 302


def test_a_slow_server_answers_all_the_same(monkeypatch):
    waited = []
    monkeypatch.setattr(trial.time, "sleep", waited.append)
    assert told(Client(), "slow").post("/posts/new/", POST).status_code == 302
    assert receipt(told(Device(), "slow").send(DELIVERY))["status"] == "accepted"
    assert told(Client(), "slow").get("/").status_code == 200
    assert waited == [trial.SLOW_SECONDS] * 2
    assert Post.objects.count() == 2


def test_a_slow_server_has_threads_left_for_others(monkeypatch, rf):
    """Whoever finds that enough requests are waiting is answered at once."""
    is_over = threading.Event()
    waiting = threading.Barrier(5)

    def wait(seconds):
        waiting.wait(30)
        is_over.wait(30)

    monkeypatch.setattr(trial.time, "sleep", wait)
    answered = []
    middleware = trial.TrialMiddleware(lambda request: answered.append(middleware.process_view(request, None, (), {})))

    def ask():
        request = rf.post("/posts/new/")
        request.COOKIES[trial.COOKIE] = "slow"
        request.resolver_match = resolve(request.path_info)
        middleware(request)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    waiting.wait(30)
    ask()
    assert answered == [None]
    is_over.set()
    for thread in threads:
        thread.join(30)
    assert answered == [None] * 5
