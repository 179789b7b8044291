"""The request that a view or a serializer gets for a submission.

It has all that the submission has, and nothing of whoever is signed in when it is delivered.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from io import BytesIO
from typing import Any
from urllib.parse import unquote

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.contrib.messages.storage.base import BaseStorage, Message
from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest, QueryDict
from django.template import Context
from django.urls import get_script_prefix
from django.utils.translation import get_language

from .submissions import IncomingSubmission

# What a view may want to know of the delivery. Anything else may say who is signed in by now, as a proxy's header for
# the account does, and that is no business of the form's (P4).
OF_THE_DEVICE = {
    "HTTP_ACCEPT_LANGUAGE",
    "HTTP_HOST",
    "HTTP_USER_AGENT",
    "HTTP_X_FORWARDED_FOR",
    "HTTP_X_FORWARDED_HOST",
    "HTTP_X_FORWARDED_PORT",
    "HTTP_X_FORWARDED_PROTO",
    "HTTP_X_REAL_IP",
    "REMOTE_ADDR",
    "REMOTE_HOST",
    "REMOTE_PORT",
    "SERVER_NAME",
    "SERVER_PORT",
    "SERVER_PROTOCOL",
}


class SubmissionRequest(HttpRequest):
    """A POST to the path that is the submission's ``target``.

    No middleware has seen it. Its session is empty and is forgotten, its CSRF check was made when the submission was
    delivered.
    """

    def __init__(self, submission: IncomingSubmission) -> None:
        super().__init__()
        path, query = _address_of(submission)
        self.method = "POST"
        self.path = path
        self.path_info = path_info_of(submission)
        self.META = self._meta(submission.environ, query)
        self.GET = QueryDict(query)
        self.content_params = {}
        self._take_body(submission)
        self.user: AbstractBaseUser | AnonymousUser = submission.user
        self.session = ForgottenSession()
        self._messages = KeptMessages(self)
        self.LANGUAGE_CODE = get_language()
        self._dont_enforce_csrf_checks = True
        #: What the templates of the page that answers it were given, as far as they have a tag of ours.
        self.contexts: list[Mapping[str, Any]] = []

    async def auser(self) -> AbstractBaseUser | AnonymousUser:
        """The user, for async views."""
        return self.user

    def note_context(self, context: Context) -> None:
        """Remember what a template was given, which may hold a form with errors."""
        self.contexts.append(context.flatten())

    @property
    def messages(self) -> list[Message]:
        """What has been put into ``django.contrib.messages``."""
        return list(self._messages)

    def _get_scheme(self) -> str:
        return self.META["wsgi.url_scheme"]

    def _meta(self, environ: Mapping[str, str], query: str) -> dict[str, Any]:
        return {
            "SERVER_NAME": _own_host(),
            "SERVER_PORT": "80",
            "REMOTE_ADDR": "",
            "wsgi.url_scheme": "http",
            **environ,
            "REQUEST_METHOD": self.method,
            "SCRIPT_NAME": get_script_prefix().rstrip("/"),
            "PATH_INFO": self.path_info,
            "QUERY_STRING": query,
            "HTTP_ACCEPT": "text/html,*/*;q=0.8",
        }

    def _take_body(self, submission: IncomingSubmission) -> None:
        if submission.data is not None:
            self.content_type = "application/json"
            self._body = json.dumps(submission.data).encode()
            self._stream = BytesIO(self._body)
            self._read_started = False
            self.META["CONTENT_LENGTH"] = str(len(self._body))
        else:
            self.POST = self._post = submission.post
            # As after Django has read a form, and REST framework takes what was read.
            self._read_started = True
            if submission.files:
                self.content_type = "multipart/form-data"
                self.META["CONTENT_LENGTH"] = str(sum(file.size for file in submission.files) or 1)
            else:
                self.content_type = "application/x-www-form-urlencoded"
                self._body = submission.post.urlencode().encode()
                self.META["CONTENT_LENGTH"] = str(len(self._body))
        self.FILES = self._files = submission.files_dict
        self.META["CONTENT_TYPE"] = self.content_type


class ForgottenSession(SessionBase):
    """A session of nobody: what is written into it is gone with the request."""

    def load(self) -> dict[str, Any]:
        """Nothing."""
        return {}

    def exists(self, session_key: str) -> bool:
        """There is no other one."""
        return False

    def create(self) -> None:
        """Begin anew."""
        self._session_key = self._get_new_session_key()
        self._session_cache: dict[str, Any] = {}

    def save(self, must_create: bool = False) -> None:
        """Keep nothing."""

    def delete(self, session_key: str | None = None) -> None:
        """Nothing is kept."""


class KeptMessages(BaseStorage):
    """Messages for the receipt: the page that would have shown them is not seen by anybody."""

    def _get(self, *args: Any, **kwargs: Any) -> tuple[list[Message], bool]:
        return [], True

    def _store(self, messages: list[Message], response: Any, *args: Any, **kwargs: Any) -> list[Message]:
        return []


def environ_of(request: HttpRequest) -> dict[str, str]:
    """What a view may know of the request that delivers a submission: the host, the address, the browser."""
    kept = {name: value for name, value in request.META.items() if name in OF_THE_DEVICE and isinstance(value, str)}
    return {**kept, "wsgi.url_scheme": request.scheme}


def path_info_of(submission: IncomingSubmission) -> str:
    """The path of the submission's view, below where the site is mounted."""
    path, _ = _address_of(submission)
    prefix = get_script_prefix()
    return "/" + path.removeprefix(prefix) if path.startswith(prefix) else path


def _address_of(submission: IncomingSubmission) -> tuple[str, str]:
    path, _, query = (submission.target or "/").partition("?")
    return unquote(path), query


def _own_host() -> str:
    named = [host.lstrip(".") for host in settings.ALLOWED_HOSTS if host != "*"]
    return named[0] if named else "localhost"
