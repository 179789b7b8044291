"""Exactly once: submissions in, receipts out. Knows no HTTP."""

from __future__ import annotations

from collections.abc import Sequence

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser

from .submissions import IncomingSubmission, Receipt


def ingest(submissions: Sequence[IncomingSubmission], *, user: AbstractBaseUser | AnonymousUser) -> list[Receipt]:
    """Bring in what one owner has sent; a receipt for each, in the same order."""
    raise NotImplementedError
