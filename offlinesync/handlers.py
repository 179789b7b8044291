"""What a site writes for each of its forms: who may send it, whether it is
right, and what saving it means.

A handler runs inside the transaction that holds the submission's ledger row,
and may run twice, the first run rolled back (row C2). So it does nothing outside
the database but in ``transaction.on_commit``, and opens no ``atomic(durable=True)``
block, which can be no part of another transaction.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.core.exceptions import (
    NON_FIELD_ERRORS,
    ImproperlyConfigured,
    ValidationError,
)
from django.forms import BaseForm
from rest_framework.permissions import IsAuthenticated

from .submissions import IncomingSubmission

ErrorDict = dict[str, list[dict[str, str]]]

# The refusals of the protocol that a handler may speak of itself.
REJECTION_CODES = ("invalid", "forbidden", "too_large")


class Rejected(Exception):
    """The submission is refused, and the person who wrote it has to act.

    ``errors`` takes what Django's ``ValidationError`` takes: a text, a list of
    texts, or a dict of them by the name of the field.
    """

    def __init__(self, errors: Any, code: str = "invalid") -> None:
        if code not in REJECTION_CODES:
            raise ValueError(f"{code!r} is no code for a rejection: use one of {', '.join(REJECTION_CODES)}.")
        super().__init__(errors, code)
        self.errors = errors
        self.code = code

    def as_error_dict(self) -> ErrorDict:
        """The errors as a receipt carries them, in the active language."""
        return error_dict(ValidationError(self.errors))


def error_dict(error: ValidationError) -> ErrorDict:
    """``{field: [{message, code}]}`` for a validation error of Django."""
    # Not whether it is empty: there is no error_list beside it.
    by_field = error.error_dict if hasattr(error, "error_dict") else {NON_FIELD_ERRORS: error.error_list}
    # Row C6: names and codes need not be texts, and a receipt that cannot be written fails the batch.
    return {
        str(name): [{"message": next(iter(item)), "code": str(item.code or "")} for item in items]
        for name, items in by_field.items()
    }


def form_errors(form: BaseForm) -> dict[str, list[ValidationError]]:
    """The errors of a form by the names its fields have in HTML."""
    return {
        name if name == NON_FIELD_ERRORS else form.add_prefix(name): errors
        for name, errors in form.errors.as_data().items()
    }


class Handler:
    """Answers for one form. Write ``validate`` and ``save``."""

    #: As in Django REST framework; each is asked with the submission in the
    #: request's place and the handler in the view's.
    permission_classes: Sequence[Any] = [IsAuthenticated]

    def __init__(self, name: str) -> None:
        self.name = name

    def has_permission(self, submission: IncomingSubmission) -> bool:
        """Whether ``submission.user`` may send this form."""
        return all(permission().has_permission(submission, self) for permission in self.permission_classes)

    def validate(self, submission: IncomingSubmission) -> Any:
        """Check the submission and return what ``save`` needs.

        Raise ``Rejected`` or ``ValidationError`` to refuse it. Write nothing to
        the database here: a refusal does not undo it.
        """
        raise NotImplementedError(f"{type(self).__qualname__} must define validate().")

    def save(self, validated: Any, submission: IncomingSubmission) -> Any:
        """Write to the database what ``validate`` has returned."""
        raise NotImplementedError(f"{type(self).__qualname__} must define save().")

    def get_result(self, saved: Any, submission: IncomingSubmission) -> dict[str, Any]:
        """What the receipt tells the device, from what ``save`` has returned.

        The key ``url`` is the page to go to next.
        """
        return {} if saved is None else saved


class FormHandler(Handler):
    """Answers for a Django form, as ``FormView`` and ``CreateView`` would."""

    form_class: type[BaseForm] | None = None
    initial: Mapping[str, Any] = {}
    prefix: str | None = None
    success_url: Any = None

    def get_form_class(self, submission: IncomingSubmission) -> type[BaseForm]:
        """The form to validate with."""
        if self.form_class is None:
            raise ImproperlyConfigured(
                f"{type(self).__qualname__} needs a form: set form_class, or write get_form_class()."
            )
        return self.form_class

    def get_initial(self, submission: IncomingSubmission) -> dict[str, Any]:
        """The initial values of the form."""
        return dict(self.initial)

    def get_form_kwargs(self, submission: IncomingSubmission) -> dict[str, Any]:
        """The arguments the form is made with."""
        return {
            "data": submission.post,
            "files": submission.files_dict,
            "initial": self.get_initial(submission),
            "prefix": self.prefix,
        }

    def get_form(self, submission: IncomingSubmission) -> BaseForm:
        """The form, filled with the submission."""
        form_class = self.get_form_class(submission)
        return form_class(**self.get_form_kwargs(submission))

    def validate(self, submission: IncomingSubmission) -> BaseForm:
        """The valid form; otherwise its errors are the refusal."""
        form = self.get_form(submission)
        if not form.is_valid():
            raise Rejected(form_errors(form))
        return form

    def save(self, validated: BaseForm, submission: IncomingSubmission) -> Any:
        """Save the form and return the object it has made."""
        save = getattr(validated, "save", None)
        if save is None:
            raise ImproperlyConfigured(
                f"{type(validated).__qualname__} has no save(): write "
                f"{type(self).__qualname__}.save() to say what is done with it."
            )
        return save()

    def get_success_url(self, saved: Any, submission: IncomingSubmission) -> str | None:
        """Where the plain view would have gone after saving."""
        if self.success_url is not None:
            return str(self.success_url).format(**getattr(saved, "__dict__", {}))
        if hasattr(saved, "get_absolute_url"):
            return saved.get_absolute_url()
        return None

    def get_result(self, saved: Any, submission: IncomingSubmission) -> dict[str, Any]:
        """The page to go to next, and the key of the object if it has one."""
        result = {}
        url = self.get_success_url(saved, submission)
        if url is not None:
            result["url"] = url
        if getattr(saved, "pk", None) is not None:
            result["key"] = str(saved.pk)
        return result
