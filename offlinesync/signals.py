"""What a site can listen to: what has become of a submission.

Both are sent once that stands, after the transaction: what a receiver does is no part of it, and whatever goes wrong
there is logged, changes no receipt and stops no other receiver. They are not sent for replays, so once for each
submission that is accepted; where the server dies right after the commit, as with ``transaction.on_commit``, not at
all. A submission that is refused may be sent again, and refused again.

Receivers get as ``sender`` the class of the handler, and as ``submission`` an
:class:`~offlinesync.submissions.IncomingSubmission` of their own, with ``id``, ``form``, ``fields``, ``user`` and the
rest of what has arrived.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from django.dispatch import Signal

from .redaction import redacted

if TYPE_CHECKING:
    from .handlers import Handler
    from .submissions import IncomingSubmission

logger = logging.getLogger("offlinesync")


class _Signal(Signal):
    def _log_robust_failure(self, receiver: Any, err: Exception) -> None:
        """Nothing: Django would log what people have written (row C7), and without the id."""


#: Committed. Beside ``sender`` and ``submission``: ``result``, what the receipt tells the device.
submission_accepted = _Signal()

#: The person has to act. Beside ``sender``, None for a form that nobody has registered, and ``submission``:
#: ``code`` and ``errors`` as in the receipt, or the code "conflict"; ``errors`` may be None.
submission_rejected = _Signal()


def send(
    signal: Signal, handler_class: type[Handler] | None, submission: IncomingSubmission, **arguments: Any
) -> None:
    """Tell every receiver, and log those that fail."""
    for receiver, answer in signal.send_robust(handler_class, submission=submission, **arguments):
        if isinstance(answer, Exception):
            logger.error(
                "Submission %s of the form %r is settled, but the receiver %s of a signal failed and is not called "
                "again. What it was to do has to be done by hand.",
                submission.id,
                submission.form,
                getattr(receiver, "__qualname__", type(receiver).__qualname__),
                exc_info=redacted(answer, submission),
            )
