"""What a site writes for each of its forms: who may send it, whether it is
right, and what saving it means.

A handler runs inside the transaction that holds the submission's ledger row,
and may run twice, the first run rolled back (row C2). So it does nothing outside
the database but in ``transaction.on_commit``, and opens no ``atomic(durable=True)``
block, which can be no part of another transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.core.exceptions import (
    NON_FIELD_ERRORS,
    ImproperlyConfigured,
    ValidationError,
)
from django.db.models import Model
from django.forms import BaseForm, BaseFormSet, BaseInlineFormSet, BaseModelForm
from django.http import HttpRequest
from django.utils.text import capfirst
from rest_framework.parsers import FormParser, JSONParser, MultiPartParser
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.serializers import BaseSerializer

from .conflicts import (
    UNREADABLE,
    Conflict,
    Values,
    as_cleaned,
    as_version,
    base_of,
    changed_since,
    held,
    settled,
    take_over,
    values_of,
)
from .submissions import IncomingSubmission
from .viewrequest import SubmissionRequest

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


def form_errors(form: BaseForm | BaseFormSet) -> dict[str, list[ValidationError]]:
    """The errors of a form or formset by the names its fields have in HTML."""
    if isinstance(form, BaseForm):
        return {
            name if name == NON_FIELD_ERRORS else form.add_prefix(name): errors
            for name, errors in form.errors.as_data().items()
        }
    found = {NON_FIELD_ERRORS: list(form.non_form_errors().as_data())}
    for member in form.forms:
        for name, errors in form_errors(member).items():
            found.setdefault(name, []).extend(errors)
    return {name: errors for name, errors in found.items() if errors}


class Handler:
    """Answers for one form. Write ``validate`` and ``save``."""

    #: As in Django REST framework; each is asked with the submission in the
    #: request's place and the handler in the view's.
    permission_classes: Sequence[Any] = [IsAuthenticated]

    #: Never in one transaction with other submissions, whose failure would make it run again.
    runs_alone: bool = False

    #: What visitors call what they fill in, "a post" say, in the list of what is kept; None: what its model is called.
    label: Any = None

    def __init__(self, name: str) -> None:
        self.name = name

    def has_permission(self, submission: IncomingSubmission) -> bool:
        """Whether ``submission.user`` may send this form."""
        return all(permission().has_permission(submission, self) for permission in self.permission_classes)

    def get_label(self) -> str:
        """What visitors call it, in the active language: of its model, where there is one, otherwise of its name."""
        if self.label is not None:
            return str(self.label)
        model = self.get_model()
        return capfirst(str(model._meta.verbose_name) if model else self.name.replace("-", " ").replace("_", " "))

    def get_model(self) -> type[Model] | None:
        """The model of what is saved, as far as the class says; None: there is none, or nobody knows."""
        return None

    def get_target(self, request: HttpRequest) -> str:
        """What ``{% offline_form %}`` writes down as target unless the template says: the path of the page."""
        return request.path

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


class ObjectHandler(Handler):
    """A handler whose ``save`` returns the object that it has made. Inherit from one of those below."""

    success_url: Any = None

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


class FormHandler(ObjectHandler):
    """Answers for a Django form, as ``FormView`` and ``CreateView`` would."""

    form_class: type[BaseForm] | None = None
    initial: Mapping[str, Any] = {}
    prefix: str | None = None

    def get_model(self) -> type[Model] | None:
        """The model of a model form."""
        return getattr(getattr(self.form_class, "_meta", None), "model", None)

    def get_form_class(self, submission: IncomingSubmission) -> type[BaseForm]:
        """The form to validate with."""
        if self.form_class is None:
            raise ImproperlyConfigured(
                f"{type(self).__qualname__} needs a form: set form_class, or write get_form_class()."
            )
        return self.form_class

    def get_object(self, submission: IncomingSubmission) -> Any:
        """The object that the form edits, found by ``submission.target`` and allowed to its user; None: a new one."""
        return None

    def get_initial(self, submission: IncomingSubmission) -> dict[str, Any]:
        """The initial values of the form."""
        return dict(self.initial)

    def get_form_kwargs(self, submission: IncomingSubmission) -> dict[str, Any]:
        """The arguments the form is made with."""
        if submission.base_version is None:
            instance = self.get_object(submission)
        else:
            instance = held(lambda: self.get_object(submission))
        kwargs = {
            "data": submission.post,
            "files": submission.files_dict,
            "initial": self.get_initial(submission),
            "prefix": self.prefix,
        }
        is_of_model = instance is not None and issubclass(self.get_form_class(submission), BaseModelForm)
        return {**kwargs, "instance": instance} if is_of_model else kwargs

    def get_form(self, submission: IncomingSubmission) -> BaseForm:
        """The form, filled with the submission."""
        form_class = self.get_form_class(submission)
        return form_class(**self.get_form_kwargs(submission))

    def get_version(self, edited: Any | None, submission: IncomingSubmission) -> str:
        """What a page carries that shows the form with this object, so that later changes of it are seen."""
        kwargs = {**self.get_form_kwargs(submission), "data": None, "files": None}
        if "instance" not in kwargs and self.get_object(submission) is None:
            raise ImproperlyConfigured(
                f"{type(self).__qualname__} does not say what the form edits: write get_object(submission), for "
                "example with get_object_or_404() and submission.target."
            )
        if "instance" in kwargs and edited is not None:
            kwargs["instance"] = edited
        form = self.get_form_class(submission)(**kwargs)
        return as_version(values_of(form))

    def validate(self, submission: IncomingSubmission) -> BaseForm:
        """The valid form; otherwise its errors are the refusal, or what has changed since the page was rendered."""
        form = _valid(self.get_form(submission))
        if submission.base_version is not None:
            self._settle(form, base_of(submission.base_version))
        return form

    def merge(self, mine: Mapping[str, Any], theirs: Mapping[str, Any], base: Mapping[str, Any]) -> Any:
        """What is to be saved where somebody else has saved ``theirs`` since the page has shown ``base``.

        All three have values as ``cleaned_data`` has them, by the names of the fields, and so has the answer. Of what
        it does not name theirs is kept where nothing was written. None, as here, or a field that both have changed
        and that it does not name, leaves it to the person: the receipt is a conflict.
        """
        return None

    def _settle(self, form: BaseForm, base: Values | None) -> None:
        changed = changed_since(form, base)
        if not changed:
            return
        now = values_of(form)
        merged = None if base is None else self._merged(form, now, base, changed)
        if merged is None:
            raise Conflict.over(form, changed, now, base)
        take_over(form, merged)

    def _merged(self, form: BaseForm, now: Values, base: Values, changed: list[str]) -> Values | None:
        if type(self).merge is FormHandler.merge:
            return None
        try:
            theirs, shown = as_cleaned(form, now), as_cleaned(form, base)
        except UNREADABLE:
            # A page from before the form was changed: whoever has seen it decides.
            return None
        mine = dict(form.cleaned_data)
        merged = self.merge(mine, theirs, shown)
        return None if merged is None else settled(mine, theirs, shown, merged, changed)

    def save(self, form: BaseForm, submission: IncomingSubmission) -> Any:
        """Save the form and return the object it has made."""
        return _saving(form, self)()


class FormSetHandler(ObjectHandler):
    """Answers for a formset, a model formset or an inline formset."""

    formset_class: type[BaseFormSet] | None = None
    prefix: str | None = None

    def get_model(self) -> type[Model] | None:
        """The model of the object that the rows belong to, or else of the rows."""
        parent = getattr(getattr(self.formset_class, "fk", None), "related_model", None)
        return parent or getattr(self.formset_class, "model", None)

    def get_formset_class(self, submission: IncomingSubmission) -> type[BaseFormSet]:
        """The formset to validate with."""
        if self.formset_class is None:
            raise ImproperlyConfigured(
                f"{type(self).__qualname__} needs a formset: set formset_class to what formset_factory(), "
                "modelformset_factory() or inlineformset_factory() returns, or write get_formset_class()."
            )
        return self.formset_class

    def get_object(self, submission: IncomingSubmission) -> Any:
        """The object that the rows of an inline formset belong to."""
        raise ImproperlyConfigured(
            f"{type(self).__qualname__} does not say whose rows it saves: write get_object(submission), for example "
            "with get_object_or_404() and submission.target."
        )

    def get_formset_kwargs(self, submission: IncomingSubmission) -> dict[str, Any]:
        """The arguments the formset is made with; ``queryset`` is another of those of a model formset."""
        kwargs = {"data": submission.post, "files": submission.files_dict, "prefix": self.prefix}
        if issubclass(self.get_formset_class(submission), BaseInlineFormSet):
            kwargs["instance"] = self.get_object(submission)
        return kwargs

    def get_formset(self, submission: IncomingSubmission) -> BaseFormSet:
        """The formset, filled with the submission."""
        formset_class = self.get_formset_class(submission)
        return formset_class(**self.get_formset_kwargs(submission))

    def validate(self, submission: IncomingSubmission) -> BaseFormSet:
        """The valid formset; otherwise its errors are the refusal."""
        return _valid(self.get_formset(submission))

    def save(self, formset: BaseFormSet, submission: IncomingSubmission) -> Any:
        """Save the formset, and return the object that its rows belong to, if it is an inline one."""
        _saving(formset, self)()
        return getattr(formset, "instance", None)


class SerializerHandler(ObjectHandler):
    """Answers for a serializer of Django REST framework: for a form's fields or a script's ``data``."""

    serializer_class: type[BaseSerializer] | None = None

    def get_model(self) -> type[Model] | None:
        """The model of a model serializer."""
        return getattr(getattr(self.serializer_class, "Meta", None), "model", None)

    def get_serializer_class(self, submission: IncomingSubmission) -> type[BaseSerializer]:
        """The serializer to validate with."""
        if self.serializer_class is None:
            raise ImproperlyConfigured(
                f"{type(self).__qualname__} needs a serializer: set serializer_class, or write get_serializer_class()."
            )
        return self.serializer_class

    def get_serializer_context(self, submission: IncomingSubmission) -> dict[str, Any]:
        """As in Django REST framework. Its ``request`` is one made for the submission, with no session of anybody."""
        request = Request(SubmissionRequest(submission), parsers=[JSONParser(), MultiPartParser(), FormParser()])
        # Without this, REST framework would ask who it is, and nobody signs a submission in.
        request.user, request.auth = submission.user, None
        return {"request": request, "view": self, "submission": submission}

    def get_data(self, submission: IncomingSubmission) -> Any:
        """What is validated: ``data`` if a script has sent it, otherwise the fields, and the files with either."""
        files = submission.files_dict
        if submission.data is not None:
            return {**submission.data, **{name: _one_or_all(files.getlist(name)) for name in files}}
        data = submission.post.copy()
        data.update(files)
        return data

    def get_serializer(self, submission: IncomingSubmission) -> BaseSerializer:
        """The serializer, filled with the submission."""
        serializer_class = self.get_serializer_class(submission)
        return serializer_class(data=self.get_data(submission), context=self.get_serializer_context(submission))

    def validate(self, submission: IncomingSubmission) -> BaseSerializer:
        """The valid serializer; otherwise its errors are the refusal, nested ones named ``items.0.title``."""
        serializer = self.get_serializer(submission)
        serializer.is_valid(raise_exception=True)
        return serializer

    def save(self, serializer: BaseSerializer, submission: IncomingSubmission) -> Any:
        """Save the serializer and return what it has made."""
        return serializer.save()


def _valid(form: Any) -> Any:
    if not form.is_valid():
        raise Rejected(form_errors(form))
    return form


def _saving(form: Any, handler: Handler) -> Callable[[], Any]:
    save = getattr(form, "save", None)
    if save is None:
        raise ImproperlyConfigured(
            f"{type(form).__qualname__} has no save(): write {type(handler).__qualname__}.save() to say what is done "
            "with what it holds."
        )
    return save


def _one_or_all(files: list[Any]) -> Any:
    return files[0] if len(files) == 1 else files
