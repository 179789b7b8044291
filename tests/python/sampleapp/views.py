"""Views that know nothing of the app; a field says what they answer."""

from typing import Any
from urllib.parse import quote

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.mixins import LoginRequiredMixin
from django.core.exceptions import BadRequest, PermissionDenied, SuspiciousOperation
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.template import engines
from django.template.response import TemplateResponse
from django.utils.safestring import mark_safe
from django.views import View
from django.views.decorators.csrf import csrf_protect
from django.views.generic import CreateView
from rest_framework import serializers
from rest_framework.parsers import FormParser, JSONParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from .forms import NoteForm
from .models import Note

# What the tests look at afterwards; a fixture of theirs empties it.
seen: list[HttpRequest] = []

PAGE = "<head><title>Head</title></head><nav>Menu</nav><main><h1>Nothing&nbsp;doing</h1> <p>Come  back.</p></main>"


class NoteCreate(CreateView):
    """As Django's documentation has it."""

    model = Note
    fields = ["title", "slug", "attachment"]
    success_url = "/notes/{title}/"
    template_name = "sampleapp/note_form.html"

    def form_valid(self, form: forms.ModelForm) -> HttpResponse:
        """Say so on the next page."""
        seen.append(self.request)
        messages.success(self.request, f"{form.instance.title} is saved.")
        messages.info(self.request, mark_safe("<b>Fine</b> &amp; done"))
        return super().form_valid(form)


class AsyncNoteCreate(View):
    """A class whose methods are coroutines."""

    async def post(self, request: HttpRequest) -> HttpResponse:
        """Save."""
        await Note.objects.acreate(title=request.POST["title"])
        return redirect("/notes/")


class SearchForm(forms.Form):
    """What stands at the top of many pages."""

    q = forms.CharField()


def closed(request: HttpRequest) -> HttpResponse:
    """A page with a search, and a head that does not end."""
    context = {"search": SearchForm(request.GET)}
    page = "<head><title>Notes</title><body><p>Closed until May.</p>"
    return TemplateResponse(request, engines["django"].from_string(page), context)


class MembersNoteCreate(LoginRequiredMixin, NoteCreate):
    """For members."""


@csrf_protect
def note_create(request: HttpRequest, kind: str = "plain") -> HttpResponse:
    """As Django's documentation has it, for views that are functions."""
    form = NoteForm(request.POST or None, request.FILES or None, prefix="n")
    if form.is_valid():
        seen.append(request)
        form.save()
        return redirect(f"../done/?kind={kind}")
    return render(request, "sampleapp/note_form.html", {"name": "functional note", "forms": [form]})


def notes_create(request: HttpRequest) -> HttpResponse:
    """A formset."""
    formset = forms.modelformset_factory(Note, fields=["title"], extra=2)(request.POST or None)
    if formset.is_valid():
        formset.save()
        return redirect("/notes/")
    return render(request, "sampleapp/note_form.html", {"name": "several notes", "formset": formset})


@login_required
def members_only(request: HttpRequest) -> HttpResponse:
    """For members."""
    return redirect("/notes/")


def raises(error: Exception) -> Any:
    """A view's answer that is none."""
    raise error


def says(request: HttpRequest, text: str) -> HttpResponse:
    """A page without a form, and a message."""
    messages.error(request, text)
    return HttpResponse(PAGE)


def write_and(request: HttpRequest, answer: str) -> HttpResponse:
    """Write, and then answer in one way or another."""
    seen.append(request)
    Note.objects.create(title=answer)
    transaction.on_commit(lambda: seen.append(request))
    return ANSWERS[answer](request)


async def asynchronously(request: HttpRequest) -> HttpResponse:
    """A view that is a coroutine."""
    user = await request.auser()
    await Note.objects.acreate(title=f"of {user}")
    return redirect("/notes/")


ANSWERS = {
    "page": lambda request: HttpResponse(PAGE),
    "text": lambda request: HttpResponse("Not \0 now", content_type="text/plain"),
    "empty": lambda request: HttpResponse(),
    "said": lambda request: says(request, "Closed."),
    "400": lambda request: HttpResponse(PAGE, status=400),
    "suspicious": lambda request: raises(SuspiciousOperation("odd")),
    "403": lambda request: HttpResponse(status=403),
    "denied": lambda request: raises(PermissionDenied()),
    "401": lambda request: HttpResponse(status=401),
    "404": lambda request: HttpResponse(status=404),
    "missing": lambda request: raises(Http404()),
    "307": lambda request: redirect("/elsewhere/", preserve_request=True),
    "429": lambda request: HttpResponse(status=429),
    "503": lambda request: HttpResponse(status=503),
    "raises": lambda request: raises(ValueError("a bug")),
    "sign in": lambda request: redirect("/accounts/login/"),
    "sign in elsewhere": lambda request: redirect(f"https://id.example/?next={request.path}"),
    "bad request": lambda request: raises(BadRequest("odd")),
    "sign in, encoded": lambda request: redirect(f"https://id.example/?return_to={quote(request.path)}"),
    "204": lambda request: HttpResponse(status=204),
    "json": lambda request: JsonResponse({"title": request.POST["title"]}, status=201),
}


class TitleSerializer(serializers.Serializer):
    """What the view below takes."""

    title = serializers.CharField(max_length=40)


class NoteAPI(APIView):
    """A view of Django REST framework."""

    authentication_classes: list[Any] = []
    permission_classes: list[Any] = []
    parser_classes = [JSONParser, FormParser, MultiPartParser]

    def post(self, request: Request) -> Response:
        """Save what came, in whatever form."""
        serializer = TitleSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        Note.objects.create(**serializer.validated_data)
        return Response(status=201)
