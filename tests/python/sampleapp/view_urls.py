"""A site whose views answer for their forms as they are."""

from django.urls import include, path

from offlinesync import offline_view

from . import views

urlpatterns = [
    path("notes/new/", offline_view(views.NoteCreate.as_view(), name="viewed note"), name="note-create"),
    path("notes/members/", offline_view(views.MembersNoteCreate.as_view(), name="members' note")),
    path("notes/members-only/", offline_view(views.members_only, name="members only")),
    path("notes/<str:kind>/new/", offline_view(name="functional note")(views.note_create), name="functional"),
    path("notes/several/", offline_view(views.notes_create, name="several notes")),
    path("notes/async/", offline_view(views.asynchronously, name="async note")),
    path("notes/async-class/", offline_view(views.AsyncNoteCreate.as_view(), name="async class")),
    path("notes/closed/", offline_view(views.closed, name="closed")),
    path("notes/api/", offline_view(views.NoteAPI.as_view(), name="api note")),
    path("notes/answer/<str:answer>/", offline_view(views.write_and, name="answering")),
    path("notes/unmarked/<str:answer>/", views.write_and),
    path("installed/<str:answer>/", views.write_and, name="installed"),
    path("installed/", views.note_create, name="installed-form"),
    path("offlinesync/", include("offlinesync.urls")),
]
