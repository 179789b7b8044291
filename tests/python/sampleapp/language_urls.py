"""A site that has put the app where it should not be."""

from django.conf.urls.i18n import i18n_patterns
from django.urls import include, path

urlpatterns = i18n_patterns(path("offlinesync/", include("offlinesync.urls")))
