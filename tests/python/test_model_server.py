"""The model server of the simulation and the real one answer alike: both are held to `tests/simulation/wire.json`."""

import json
from pathlib import Path

import pytest
from django.contrib.auth import get_user_model
from django.urls import reverse

from .wire import Device, multipart

TABLE = json.loads((Path(__file__).parents[1] / "simulation" / "wire.json").read_text())


@pytest.fixture(autouse=True)
def _small_parts(settings):
    settings.OFFLINESYNC = {"UPLOADS": {"PART_BYTES": 16}}


@pytest.fixture
def devices(db):
    """A browser for each of the table's people, and one that nobody is signed in with."""
    made = {None: Device()}
    for number in (1, 2):
        user = get_user_model().objects.create_user(username=f"person {number}", pk=number)
        made[str(number)] = Device()
        made[str(number)].force_login(user)
    return made


@pytest.mark.parametrize("case", TABLE, ids=lambda case: case["name"])
def test_the_real_server_answers_as_the_model_of_the_simulation(case, devices):
    for exchange in case["exchanges"]:
        device = devices[exchange["user"]]
        assert outline(*ask(device, exchange)) == exchange["answer"]


def ask(device, exchange):
    """Status and JSON of what the real site answers."""
    if not exchange.get("is_late"):
        device.open_session()
    if exchange.get("token", "right") != "right":
        device.csrf_headers = {"X-CSRFToken": exchange["token"] or ""}
    if exchange.get("sign_out"):
        # What the app sends in the name of somebody who has left: the token in the header, and no form.
        return device.post(reverse("logout"), headers=device.csrf_headers).status_code, {}
    if "part" in exchange:
        byte, size = exchange.get("content", (0, 0))
        send = device.send_part if "content" in exchange else lambda content, **about: device.arrived(**about)
        response = send(bytes([byte]) * size, **exchange["part"])
        return response.status_code, response.json()
    if "batch" not in exchange:
        return 200, device.open_session()
    batch = exchange["batch"] | {"submissions": exchange["batch"]["submissions"] * exchange.get("repeat", 1)}
    parts = exchange.get("parts", {})
    if not parts:
        response = device.send(batch)
    else:
        files = [(part, bytes([byte]) * size, part, "") for part, (byte, size) in parts.items()]
        response = device.send(multipart(("batch", batch), *files), "multipart/form-data; boundary=limit")
    return response.status_code, response.json()


def outline(status, answer):
    """What the table says of an answer: everything that a device goes by, and no texts."""
    if "receipts" in answer:
        return {"status": status, "receipts": [outline_of_receipt(receipt) for receipt in answer["receipts"]]}
    return {"status": status} | {key: answer[key] for key in ("owner", "code", "offset") if key in answer}


def outline_of_receipt(receipt):
    kept = {key: receipt[key] for key in ("id", "status", "code", "replayed") if key in receipt}
    if "errors" in receipt:
        kept["errors"] = sorted(receipt["errors"])
    if receipt["status"] == "rejected" and "result" in receipt:
        kept["result"] = True
    assert ("retry_after" in receipt) == (receipt["status"] == "deferred")
    assert ("result" in receipt) or receipt["status"] != "accepted"
    return kept
