"""A story of the demo as a device sends it: the form as its page has shown it, filled in."""

import re
from html import unescape
from uuid import uuid4

from django.contrib.auth.models import AnonymousUser, User
from django.test import Client

from offlinesync.ingestion import ingest
from offlinesync.submissions import IncomingSubmission, Receipt

Fields = dict[str, str]


def forms_on(client: Client, path: str, name: str) -> list[dict[str, str]]:
    """What a page says of its offline forms of this name, in their order."""
    page = client.get(path).content.decode()
    tags = [tag for tag in re.findall(r"<form[^>]*>", page) if f'data-offlinesync-form="{name}"' in tag]
    return [
        {key: unescape(value) for key, value in re.findall(r'data-offlinesync-([a-z-]+)="([^"]*)"', tag)}
        for tag in tags
    ]


def filled(form: dict[str, str], fields: Fields) -> IncomingSubmission:
    """The form filled in."""
    return IncomingSubmission(
        id=uuid4(),
        form=form["form"],
        fields=list(fields.items()),
        target=form["target"],
        base_version=form.get("base-version"),
        language=form["language"],
        time_zone=form["time-zone"],
    )


def send(*submissions: IncomingSubmission, user: User | None = None) -> list[Receipt]:
    """What the site answers."""
    return ingest(submissions, user=AnonymousUser() if user is None else user)


def messages(receipt: Receipt) -> dict[str, list[str]]:
    """What a refusal says, by the names of the fields."""
    return {name: [error["message"] for error in errors] for name, errors in (receipt.errors or {}).items()}


def account(username: str) -> User:
    """One of the demo's accounts."""
    return User.objects.get(username=username)
