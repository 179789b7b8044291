"""The demo's URLs."""

from django.conf import settings
from django.contrib import admin
from django.contrib.auth.views import LoginView
from django.urls import include, path
from pwa.views import manifest

from demo_site import views

urlpatterns = [
    path("", include("demo_site.posts.urls")),
    path("tasks/", include("demo_site.tasks.urls")),
    path("shop/", include("demo_site.shop.urls")),
    path("survey/", include("demo_site.survey.urls")),
    path("offlinesync/", include("offlinesync.urls")),
    path("accounts/login/", LoginView.as_view(), name="login"),
    path("accounts/logout/", views.SignOutView.as_view(), name="logout"),
    path("i18n/", include("django.conf.urls.i18n")),
    path("admin/", admin.site.urls),
    path("manifest.json", manifest, name="manifest"),
    path("media/<path:path>", views.media, name="media"),
]

if settings.CSP_REPORT_URI:
    urlpatterns.append(path("csp-reports/", views.csp_report, name="csp-reports"))
