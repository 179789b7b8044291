"""A view as it is: it answers for its form offline as it does online.

In a ``urls.py``, or as a decorator, which is the same::

    path("posts/new/", offline_view(PostCreate.as_view(), name="post"))

    @offline_view(name="post")
    def post_create(request): ...

and for a view that cannot be edited, by the name of its URL::

    OFFLINESYNC = {"VIEWS": {"comment": "comments-post-comment"}}
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from asgiref.sync import async_to_sync, iscoroutinefunction
from django.conf import settings
from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.contrib.auth.mixins import LoginRequiredMixin, PermissionRequiredMixin
from django.core.exceptions import ImproperlyConfigured
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.urls import NoReverseMatch, ResolverMatch, resolve, reverse
from django.utils.module_loading import import_string

from . import registry
from .conf import app_settings
from .handlers import Handler
from .submissions import IncomingSubmission
from .viewanswer import result_of
from .viewrequest import SubmissionRequest, path_info_of
from .wrapping import View, wrapped


class ViewHandler(Handler):
    """Runs the view at the submission's ``target`` with what was filled in, and takes its answer for the site's.

    The view decides who may do what, as it does online. It runs in a transaction of its own.
    """

    permission_classes = ()
    runs_alone = True

    def get_target(self, request: HttpRequest) -> str:
        """The address that the form is posted to: that of the page, if the view is its own, or the view's only one."""
        if self._stands_on_its_own_page(request):
            return request.get_full_path()
        try:
            return reverse(app_settings.VIEWS.get(self.name, ""))
        except NoReverseMatch:
            raise ImproperlyConfigured(
                f'{{% offline_form "{self.name}" %}} stands on the page of another view. Say where the form is posted '
                f'to, as its action does: {{% url … as action %}}{{% offline_form "{self.name}" target=action %}}.'
            ) from None

    def _stands_on_its_own_page(self, request: HttpRequest) -> bool:
        try:
            return self.is_answered_by(request.resolver_match or resolve(request.path_info))
        except Http404:
            return False

    def is_answered_by(self, match: ResolverMatch) -> bool:
        """Whether the view at an address is the one that was registered under this name."""
        named = app_settings.VIEWS.get(self.name)
        return getattr(match.func, "offlinesync_name", None) == self.name or (
            named is not None and match.view_name == named
        )

    def has_permission(self, submission: IncomingSubmission) -> bool:
        """Whether the view is worth running: not if it only sends an anonymous visitor to the sign-in page."""
        match = self.get_match(submission)
        return super().has_permission(submission) and (submission.user.is_authenticated or not needs_sign_in(match))

    def get_match(self, submission: IncomingSubmission) -> ResolverMatch:
        """What the site has at the address that the submission names. Raises ``Http404``."""
        match = resolve(path_info_of(submission))
        if not self.is_answered_by(match):
            raise Http404
        return match

    def get_request(self, submission: IncomingSubmission) -> SubmissionRequest:
        """The request for the view. What the site's middleware would put on it has to be put on it here."""
        return SubmissionRequest(submission)

    def validate(self, submission: IncomingSubmission) -> ResolverMatch:
        """Find the view; it validates while it saves."""
        return self.get_match(submission)

    def save(self, match: ResolverMatch, submission: IncomingSubmission) -> dict[str, Any]:
        """Run the view, and read its answer."""
        request = self.get_request(submission)
        request.resolver_match = match
        return result_of(request, self.get_response(request, match))

    def get_response(self, request: SubmissionRequest, match: ResolverMatch) -> HttpResponseBase:
        """The view's answer, rendered."""
        view = async_to_sync(match.func) if iscoroutinefunction(match.func) else match.func
        response = view(request, *match.args, **match.kwargs)
        if not getattr(response, "is_rendered", True):
            response.render()
        return response


def offline_view(
    view: View | None = None, *, name: str, handler_class: type[ViewHandler] = ViewHandler
) -> View | Callable[[View], View]:
    """Let a view answer for the form of this name, online as ever and offline as online."""
    if view is None:
        return lambda decorated: offline_view(decorated, name=name, handler_class=handler_class)
    registry.register(name, handler_class)
    # A view of its own: the one that was given may stand at other addresses, and the mark is not to be there.
    marked = wrapped(view, lambda request: None)
    marked.offlinesync_name = name  # type: ignore[attr-defined]
    return marked


def needs_sign_in(match: ResolverMatch) -> bool:
    """Whether the view, or the site, is known to send anonymous visitors to the sign-in page."""
    view = match.func
    view_class = getattr(view, "view_class", None)
    if isinstance(view_class, type) and issubclass(view_class, (LoginRequiredMixin, PermissionRequiredMixin)):
        return True
    # Left on a view by login_required() and its kin, for Django's own middleware.
    return hasattr(view, "login_url") or (_signs_everybody_in() and getattr(view, "login_required", True))


def _signs_everybody_in() -> bool:
    installed = [import_string(path) for path in settings.MIDDLEWARE]
    return any(isinstance(each, type) and issubclass(each, LoginRequiredMiddleware) for each in installed)
