"""The usual way, for comparison: a Django view that inserts one row with the ORM and redirects.

No look-up of the link, no middleware, pooled connections: the least a Django view can do.
"""

import os
import uuid
from urllib.parse import parse_qs, urlsplit

import django
from django.conf import settings

_url = urlsplit(os.environ["DATABASE_URL"])
settings.configure(
    ALLOWED_HOSTS=["*"],
    SECRET_KEY="benchmark",
    ROOT_URLCONF=__name__,
    USE_TZ=True, MIDDLEWARE=(["django.middleware.security.SecurityMiddleware","django.contrib.sessions.middleware.SessionMiddleware","django.middleware.common.CommonMiddleware","django.middleware.csrf.CsrfViewMiddleware","django.contrib.auth.middleware.AuthenticationMiddleware","django.contrib.messages.middleware.MessageMiddleware","django.middleware.clickjacking.XFrameOptionsMiddleware"] if os.environ.get("BENCH_MW") else []), INSTALLED_APPS=["django.contrib.auth","django.contrib.contenttypes","django.contrib.sessions","django.contrib.messages"],
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": _url.path.lstrip("/"),
            "USER": _url.username or "",
            "PASSWORD": _url.password or "",
            "HOST": parse_qs(_url.query).get("host", [_url.hostname or ""])[0],
            "PORT": str(_url.port or ""),
            "OPTIONS": {"pool": {"min_size": 4, "max_size": 4}},
        }
    },
)
django.setup()

from django.core.wsgi import get_wsgi_application  # noqa: E402 - Django has to be set up first
from django.db import models  # noqa: E402
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect  # noqa: E402
from django.urls import path  # noqa: E402


class BenchClick(models.Model):
    """A click as a straightforward application would keep it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    code = models.TextField()
    referrer = models.TextField()
    user_agent = models.TextField()
    clicked_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        app_label = "benchmarks"
        db_table = "bench_click"


def follow(request: HttpRequest, code: str) -> HttpResponse:
    """Records and redirects."""
    click = BenchClick.objects.create(
        code=code,
        referrer=request.headers.get("Referer", ""),
        user_agent=request.headers.get("User-Agent", ""),
    )
    return HttpResponseRedirect(f"https://shop1.example/landing?click_id={click.pk}")


urlpatterns = [path("r/<str:code>", follow), path("healthz", lambda request: HttpResponse("ok"))]
app = get_wsgi_application()
