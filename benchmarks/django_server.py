"""The usual way, for comparison: a Django view that records the same click with one ORM insert.

Django as this house sets it up (Django's own middleware of config/settings.py, pooled
connections with health checks), under granian. The row has the columns of the real click
and the answer the same two cookies; it does not even look the link up.
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
    USE_TZ=True,
    SECURE_CSP={"default-src": ["'self'"]},
    INSTALLED_APPS=[
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "django.contrib.sessions",
        "django.contrib.messages",
    ],
    MIDDLEWARE=[
        "django.middleware.security.SecurityMiddleware",
        "django.middleware.csp.ContentSecurityPolicyMiddleware",
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.locale.LocaleMiddleware",
        "django.middleware.common.CommonMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django.contrib.messages.middleware.MessageMiddleware",
        "django.middleware.clickjacking.XFrameOptionsMiddleware",
    ],
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": _url.path.lstrip("/"),
            "USER": _url.username or "",
            "PASSWORD": _url.password or "",
            "HOST": parse_qs(_url.query).get("host", [_url.hostname or ""])[0],
            "PORT": str(_url.port or ""),
            "CONN_HEALTH_CHECKS": True,
            "OPTIONS": {"pool": {"min_size": 4, "max_size": 4}},
        }
    },
)
django.setup()

from django.core.wsgi import get_wsgi_application  # noqa: E402 - Django has to be set up first
from django.db import models  # noqa: E402
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect  # noqa: E402, TID251
from django.urls import path  # noqa: E402, TID251
from django.utils import timezone  # noqa: E402

from ledger.base32 import decode  # noqa: E402

NOBODY = uuid.UUID(int=0)


class BenchClick(models.Model):
    """A click as a straightforward application would keep it, in the table that the drain fills."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    link_id = models.UUIDField(default=NOBODY)
    enrolment_id = models.UUIDField(default=NOBODY)
    program_id = models.UUIDField(default=NOBODY)
    affiliate_id = models.UUIDField(default=NOBODY)
    clicked_at = models.DateTimeField(default=timezone.now)
    visitor_id = models.UUIDField()
    destination = models.TextField()
    referrer = models.TextField()
    user_agent = models.TextField()
    ip = models.GenericIPAddressField()
    language = models.TextField()
    params = models.JSONField()
    is_counted = models.BooleanField(default=True)

    class Meta:
        app_label = "benchmarks"
        db_table = "tracking_click"


def follow(request: HttpRequest, code: str) -> HttpResponse:
    """Records and redirects."""
    destination = f"https://shop1.example/landing/{code}"
    known = request.COOKIES.get("afv")
    click = BenchClick.objects.create(
        visitor_id=decode(known) if known else uuid.uuid4(),
        destination=destination,
        referrer=request.headers.get("Referer", ""),
        user_agent=request.headers.get("User-Agent", ""),
        ip=request.META["REMOTE_ADDR"],
        language=request.headers.get("Accept-Language", ""),
        params=request.GET.dict(),
    )
    response = HttpResponseRedirect(f"{destination}?click_id={click.pk}")
    for name, value in (("afv", click.visitor_id), ("afc", click.pk)):
        response.set_cookie(name, str(value), max_age=31_536_000, httponly=True, samesite="Lax", secure=True)
    return response


urlpatterns = [path("r/<str:code>", follow), path("healthz", lambda request: HttpResponse("ok"))]
app = get_wsgi_application()
