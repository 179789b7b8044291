"""Large files over the wire, in parts (row E4)."""

import hashlib
import random

import pytest
from django.core.files.uploadhandler import FileUploadHandler
from django.db import OperationalError
from django.urls import reverse

from offlinesync import registry
from offlinesync.models import FilePart
from tests.python.upload_handlers import TO_DISK, Skipping, Stopping, handler_path
from tests.python.wire import Device, batch, blob, file, refusal, submission, uuid7

from .sampleapp.models import Note

pytestmark = pytest.mark.django_db

CONTENT = random.Random(5).randbytes(2500)
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture(autouse=True)
def _settings(settings, tmp_path):
    settings.MEDIA_ROOT = str(tmp_path / "media")
    settings.OFFLINESYNC = {"UPLOADS": {"PART_BYTES": 1000}}


@pytest.fixture
def person(django_user_model):
    """Somebody's device."""
    device = Device()
    device.user = django_user_model.objects.create(username="u")
    device.force_login(device.user)
    return device


def about(number=1, **values):
    return {"id": uuid7(number), "form": "note", "sha256": SHA256, "size": len(CONTENT)} | values


def deliver(device, content=CONTENT, **values):
    """All parts, one after the other."""
    offset = 0
    while offset < len(content):
        answer = device.send_part(content[offset : offset + 1000], **about(offset=offset, **values))
        assert answer.status_code == 200, answer.content
        assert answer.json()["offset"] > offset
        offset = answer.json()["offset"]


def with_file(number=1, owner=None, **values):
    described = file(field="attachment", name="seat.jpg", size=len(CONTENT), sha256=SHA256) | values
    return batch(submission(number, form="note", fields=[["title", "A"]], files=[described]), owner=owner)


def receipt_of(response):
    assert response.status_code == 200, response.content
    (receipt,) = response.json()["receipts"]
    return receipt


def test_e4_a_file_in_parts_is_saved_with_its_submission():
    device = Device()
    assert device.open_session()["part_bytes"] == 1000
    assert device.arrived(**about()).json() == {"offset": 0}
    deliver(device)
    assert device.arrived(**about()).json() == {"offset": len(CONTENT)}
    assert receipt_of(device.send(with_file()))["status"] == "accepted"
    assert Note.objects.get().attachment.read() == CONTENT
    assert Note.objects.get().attachment.name == "seat.jpg"
    assert FilePart.objects.count() == 0


def test_e4_an_upload_that_was_cut_goes_on_where_it_was():
    device = Device()
    device.send_part(CONTENT[:1000], **about(offset=0))
    assert receipt_of(device.send(with_file()))["code"] == "incomplete_file"
    assert device.arrived(**about()).json() == {"offset": 1000}
    # A part whose answer was lost, and one that is not expected yet.
    assert device.send_part(CONTENT[:1000], **about(offset=0)).json() == {"offset": 1000}
    assert device.send_part(CONTENT[2000:], **about(offset=2000)).json() == {"offset": 1000}
    deliver(device)
    assert receipt_of(device.send(with_file()))["status"] == "accepted"
    assert Note.objects.get().attachment.read() == CONTENT


def test_b1_after_a_lost_receipt_nothing_of_the_file_is_sent_again():
    device = Device()
    deliver(device)
    first = receipt_of(device.send(with_file()))
    assert device.arrived(**about()).json() == {"offset": len(CONTENT)}
    assert device.send_part(CONTENT[:1000], **about(offset=0)).json() == {"offset": len(CONTENT)}
    assert FilePart.objects.count() == 0
    assert receipt_of(device.send(with_file())) == first | {"replayed": True}
    assert Note.objects.count() == 1


def test_p3_another_file_under_the_id_is_no_replay():
    device = Device()
    deliver(device)
    device.send(with_file())
    assert receipt_of(device.send(with_file(sha256="0" * 64)))["code"] == "id_reuse"
    assert Note.objects.count() == 1


def test_a6_what_arrives_otherwise_than_the_device_has_it_is_sent_anew():
    device = Device()
    deliver(device, content=CONTENT[::-1])
    assert receipt_of(device.send(with_file()))["code"] == "incomplete_file"
    assert device.arrived(**about()).json() == {"offset": 0}
    deliver(device)
    assert receipt_of(device.send(with_file()))["status"] == "accepted"
    assert Note.objects.get().attachment.read() == CONTENT


def test_a6_a_file_in_the_batch_is_compared_by_its_content_too():
    part = ("f1", CONTENT[::-1], "seat.jpg", "image/jpeg")
    assert receipt_of(Device().send_parts(blob(with_file()), part))["code"] == "incomplete_file"
    part = ("f1", CONTENT, "seat.jpg", "image/jpeg")
    assert receipt_of(Device().send_parts(blob(with_file()), part))["status"] == "accepted"


def test_small_files_travel_with_the_batch_beside_a_large_one():
    device = Device()
    deliver(device)
    described = [file(field="attachment", part="f2", size=3), with_file()["submissions"][0]["files"][0]]
    body = batch(submission(form="note", fields=[["title", "A"]], files=described))
    assert receipt_of(device.send_parts(blob(body), ("f2", b"abc", "a.txt", "text/plain")))["status"] == "accepted"
    assert Note.objects.get().attachment.read() == CONTENT


def test_p4_parts_are_their_owner_s(person, django_user_model):
    owner = str(person.user.pk)
    deliver(person, owner=owner)
    other = Device()
    assert other.arrived(**about()).json() == {"offset": 0}
    assert refusal(other.arrived(**about(owner=owner))) == (403, "not_authenticated")
    assert receipt_of(other.send(with_file()))["code"] == "incomplete_file"
    other.force_login(django_user_model.objects.create(username="v"))
    other.open_session()
    assert refusal(other.send_part(CONTENT[:1000], **about(owner=owner, offset=0))) == (409, "owner_changed")
    assert receipt_of(person.send(with_file(owner=owner)))["status"] == "accepted"


def test_d4_a_part_needs_the_token():
    address = reverse("offlinesync:parts")
    answer = Device().generic("POST", f"{address}?id={uuid7()}", CONTENT[:10], "application/octet-stream")
    assert refusal(answer) == (403, "csrf_failed")


@pytest.mark.parametrize(
    "wrong",
    [{"id": "7"}, {"sha256": "ABC"}, {"size": -1}, {"size": "many"}, {"offset": -1}, {"owner": ""}],
    ids=lambda wrong: f"{wrong}",
)
def test_c8_a_query_that_breaks_the_protocol_is_malformed(wrong):
    assert refusal(Device().send_part(b"x", **about(offset=0) | wrong)) == (400, "malformed")
    assert FilePart.objects.count() == 0


def test_c8_a_part_is_bounded_before_it_is_read():
    device = Device()
    assert refusal(device.send_part(CONTENT[:1001], **about(offset=0))) == (413, "too_large")
    # Nor can more come than the file has.
    assert device.send_part(b"x" * 1000, **about(offset=0, size=10)).json() == {"offset": 10}
    assert FilePart.objects.get().size == 10


def test_c8_no_file_is_larger_than_a_submission_may_be(settings):
    settings.OFFLINESYNC = {"UPLOADS": {"PART_BYTES": 1000}, "MAX_SUBMISSION_BYTES": 2000}
    assert refusal(Device().arrived(**about())) == (413, "too_large")
    assert refusal(Device().send(with_file())) == (413, "too_large")


def test_c8_nobody_fills_the_database(settings):
    settings.OFFLINESYNC = {"UPLOADS": {"PART_BYTES": 1000, "MAX_BYTES": 2500}}
    device = Device()
    deliver(device)
    # Nothing of it is sent in vain.
    assert refusal(device.arrived(**about(2, size=1))) == (413, "too_large")
    assert refusal(device.send_part(b"x", **about(2, size=1, offset=0))) == (413, "too_large")
    device.send(with_file())
    assert device.send_part(b"x", **about(2, size=1, offset=0)).json() == {"offset": 1}


def test_what_has_come_in_parts_of_a_file_that_then_came_whole_goes_as_well():
    device = Device()
    device.send_part(CONTENT[:1000], **about(offset=0))
    part = ("f1", CONTENT, "seat.jpg", "image/jpeg")
    assert receipt_of(device.send_parts(blob(with_file(sha256=None)), part))["status"] == "accepted"
    assert FilePart.objects.count() == 0


def test_c8_nobody_makes_any_number_of_parts():
    device = Device()
    assert refusal(device.send_part(CONTENT[:999], **about(offset=0))) == (400, "malformed")
    assert FilePart.objects.count() == 0


def test_p1_receipts_are_not_lost_with_what_could_not_be_cleaned_up(monkeypatch, caplog):
    def fail(owner, submission_ids):
        raise OperationalError("database is locked")

    device = Device()
    deliver(device)
    monkeypatch.setattr("offlinesync.api.viewset.discard", fail)
    assert receipt_of(device.send(with_file()))["status"] == "accepted"
    assert "left for later" in caplog.text


def test_c8_what_cannot_be_accepted_is_not_put_together(monkeypatch):
    device = Device()
    deliver(device)
    put_together = []
    monkeypatch.setattr("offlinesync.api.viewset.assemble", lambda *_: put_together.append(1))
    body = with_file()
    described = body["submissions"][0]["files"][0]
    many = [described | {"part": f"f{number}"} for number in range(101)]
    assert receipt_of(device.send(batch(body["submissions"][0] | {"form": "gone"})))["code"] == "incomplete_file"
    assert receipt_of(device.send(batch(body["submissions"][0] | {"files": many})))["code"] == "incomplete_file"
    assert not put_together


@pytest.mark.parametrize("name", ["", "..", "a/", "\x00"])
def test_c6_a_file_without_a_usable_name_is_refused_alone(name):
    device = Device()
    deliver(device)
    receipt = receipt_of(device.send(with_file(name=name)))
    assert (receipt["status"], receipt["code"], list(receipt["errors"])) == ("rejected", "invalid", ["attachment"])


def test_a_permission_that_looks_at_what_was_filled_in_has_the_file_come_whole(monkeypatch, caplog):
    handler = registry.handler_class("note")
    monkeypatch.setattr(handler, "has_permission", lambda self, submission: submission.post["title"] == "A")
    device = Device()
    assert refusal(device.send_part(CONTENT[:1000], **about(offset=0))) == (403, "permission_denied")
    assert "its files come whole" in caplog.text
    part = ("f1", CONTENT, "seat.jpg", "image/jpeg")
    assert receipt_of(device.send_parts(blob(with_file(sha256=None)), part))["status"] == "accepted"


class Scrubbing(FileUploadHandler):
    """Changes what it lets through."""

    def receive_data_chunk(self, raw_data, start):
        return bytes(len(raw_data))

    def file_complete(self, file_size):
        return None


def test_a_site_s_upload_handler_may_change_the_file(settings):
    settings.FILE_UPLOAD_HANDLERS = [handler_path(Scrubbing), TO_DISK]
    device = Device()
    deliver(device)
    assert receipt_of(device.send(with_file()))["status"] == "accepted"
    assert Note.objects.get().attachment.read() == bytes(len(CONTENT))
    assert receipt_of(device.send(with_file()))["replayed"] is True


def test_what_the_handler_would_refuse_is_not_taken_in_parts():
    assert refusal(Device().send_part(b"x", **about(form="private note", offset=0)))[0] == 403
    assert refusal(Device().send_part(b"x", **about(form="of another site", offset=0)))[0] == 404
    assert FilePart.objects.count() == 0


def test_a_site_may_do_without_parts(settings):
    settings.OFFLINESYNC = {"UPLOADS": {"PART_BYTES": 0}}
    device = Device()
    assert device.open_session()["part_bytes"] == 0
    assert refusal(device.send_part(b"x", **about(offset=0)))[0] == 404


def test_the_site_s_upload_handlers_see_the_file_that_came_in_parts(settings, tmp_path):
    settings.FILE_UPLOAD_TEMP_DIR = str(tmp_path)
    device = Device()
    deliver(device)
    settings.FILE_UPLOAD_HANDLERS = [handler_path(Stopping), TO_DISK]
    assert refusal(device.send(with_file())) == (413, "too_large")
    settings.FILE_UPLOAD_HANDLERS = [handler_path(Skipping), TO_DISK]
    assert receipt_of(device.send(with_file(part="f2")))["code"] == "incomplete_file"
    settings.FILE_UPLOAD_HANDLERS = [TO_DISK]
    assert receipt_of(device.send(with_file()))["status"] == "accepted"
    assert [path.name for path in tmp_path.iterdir() if path.name != "media"] == []


def test_a_file_that_the_form_refuses_need_not_be_sent_again():
    device = Device()
    deliver(device)
    body = with_file()
    body["submissions"][0]["fields"] = [["title", ""]]
    assert receipt_of(device.send(body))["code"] == "invalid"
    assert device.arrived(**about()).json() == {"offset": len(CONTENT)}
    assert receipt_of(device.send(with_file()))["status"] == "accepted"
