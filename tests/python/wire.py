"""A device as the tests of the API play it: protocol 1 over Django's test client."""

import json
import uuid
from urllib.parse import urlencode

from asgiref.sync import async_to_sync
from asgiref.testing import ApplicationCommunicator
from django.core.asgi import get_asgi_application
from django.test import Client
from django.urls import reverse

from offlinesync.submissions import Receipt

PHOTO = ("f1", b"abc", "seat.jpg", "image/jpeg")


def uuid7(number=1):
    """A UUIDv7 that is the same whenever the number is."""
    return str(uuid.UUID(int=(0x0197 << 112) | (0x7 << 76) | (0b10 << 62) | number))


def submission(number=1, **values):
    return {"id": uuid7(number), "form": "post", "fields": [["title", "From the train"]]} | values


def batch(*submissions: dict, owner=None, **values):
    return {"protocol": 1, "owner": owner, "submissions": list(submissions or [submission()])} | values


class Device(Client):
    """A browser that checks CSRF as a browser's site does, and asks for a session before it sends."""

    def __init__(self, **defaults) -> None:
        super().__init__(enforce_csrf_checks=True, **defaults)
        self.csrf_headers = {}

    def open_session(self, **extra):
        response = self.get(reverse("offlinesync:session"), **extra)
        session = response.json()
        self.csrf_headers = {session["csrf_header"]: session["csrf_token"]}
        return session

    def send(self, body, content_type="application/json", **extra):
        """Post what is given: bytes as they are, anything else as JSON."""
        if not self.csrf_headers:
            self.open_session()
        if not isinstance(body, bytes):
            body = json.dumps(body).encode()
        headers = self.csrf_headers | extra.pop("headers", {})
        return self.generic("POST", reverse("offlinesync:submissions"), body, content_type, headers=headers, **extra)

    def arrived(self, **about):
        """Ask how much of a file is there."""
        if not self.csrf_headers:
            self.open_session()
        return self.get(f"{reverse('offlinesync:parts')}?{urlencode(about)}")

    def send_part(self, content, **about):
        """Send a part of a file."""
        if not self.csrf_headers:
            self.open_session()
        address = f"{reverse('offlinesync:parts')}?{urlencode(about)}"
        return self.generic("POST", address, content, "application/octet-stream", headers=self.csrf_headers)

    def send_parts(self, *parts: tuple, boundary="limit", end=True, **extra):
        body = multipart(*parts, boundary=boundary, end=end)
        return self.send(body, f"multipart/form-data; boundary={boundary}", **extra)


def multipart(*parts: tuple, boundary="limit", end=True):
    """Parts of (name, content) or (name, content, file name, media type)."""
    body = b""
    for name, content, *file in parts:
        content = content if isinstance(content, bytes) else json.dumps(content).encode()
        body += f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"'.encode()
        if file:
            body += f'; filename="{file[0]}"\r\nContent-Type: {file[1]}'.encode()
        body += b"\r\n\r\n" + content + b"\r\n"
    return body + f"--{boundary}--\r\n".encode() if end else body


def file(part="f1", size=3, field="photo", **values):
    return {"field": field, "part": part, "name": "seat.jpg", "type": "image/jpeg", "size": size} | values


def blob(value):
    """The batch as the client sends it: a part with a file name."""
    return ("batch", value, "blob", "application/json")


def with_photo(**values):
    return batch(submission(files=[file(**values)]))


def numbered(count, first=0):
    numbers = range(first, first + count)
    return [file(f"f{number}", size=1) for number in numbers], [(f"f{number}", b"x", "a", "b/c") for number in numbers]


class Recorder:
    """Stands in for the ingestion, and keeps what it is given."""

    def __init__(self) -> None:
        self.submissions = []
        self.user = None
        self.contents = []

    def __call__(self, submissions, *, user) -> list[Receipt]:
        self.submissions = list(submissions)
        self.user = user
        self.contents = [
            [None if file.content is None else b"".join(file.content.chunks()) for file in submission.files]
            for submission in submissions
        ]
        return [Receipt(id=submission.id, status="accepted", result={}, replayed=False) for submission in submissions]


@async_to_sync
async def send_chunked(chunks, content_type):
    """Post over ASGI in chunks, with no Content-Length; status and JSON of the answer."""
    headers = {"content-type": content_type, "host": "testserver"}
    session = await ask(get_asgi_application(), "GET", reverse("offlinesync:session"), headers, [b""])
    cookie = next(value.partition(b";")[0].decode() for name, value in session["headers"] if name == b"Set-Cookie")
    headers |= {"cookie": cookie, "x-csrftoken": json.loads(session["body"])["csrf_token"]}
    answer = await ask(get_asgi_application(), "POST", reverse("offlinesync:submissions"), headers, chunks)
    return answer["status"], json.loads(answer["body"])


async def ask(application, method, path, headers, chunks):
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "path": path,
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }
    communicator = ApplicationCommunicator(application, scope)
    for number, chunk in enumerate(chunks, 1):
        await communicator.send_input({"type": "http.request", "body": chunk, "more_body": number < len(chunks)})
    answer = dict(await communicator.receive_output(10))
    body = await communicator.receive_output(10)
    await communicator.wait(10)
    return answer | {"body": body["body"]}


def refusal(response):
    """Status and code of a whole request's answer, which is always our JSON."""
    assert response["Content-Type"] == "application/json"
    assert "no-store" in response["Cache-Control"]
    answer = response.json()
    assert set(answer) == {"code", "detail"}
    assert isinstance(answer["detail"], str)
    return response.status_code, answer["code"]
