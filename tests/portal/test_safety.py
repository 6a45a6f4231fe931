"""What must hold whoever asks: redirects stay here, production wants its secrets, cookies are kept safe (faults 34, 40, 44, 45)."""

import hashlib
import hmac
import json
import runpy
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from config.env import SettingError
from payouts.models import StripeEvent
from portal.exports import safe_cell
from tests.factories.world import make_user, make_world

SETTINGS = Path(__file__).resolve().parents[2] / "config" / "settings.py"

#: Ways to write an address elsewhere that have fooled others.
ELSEWHERE = [
    "https://evil.example/", "http://evil.example", "//evil.example/", "///evil.example/", "////evil.example", "/\\evil.example/",
    "\\\\evil.example", "/\t/evil.example/", "\t//evil.example", "https:evil.example", "https:/evil.example", "https:\\\\evil.example",
    "javascript:alert(1)", "JaVaScRiPt:alert(1)", "data:text/html,<script>alert(1)</script>", "vbscript:msgbox(1)",
    "http://testserver@evil.example/", "http://testserver.evil.example/", "http://evil.example#testserver", "//testserver\\@evil.example",
    "http://[::1]@evil.example", "//%09/evil.example", "http:///evil.example", "\x00//evil.example", " //evil.example", "//evil。example",
    "/\r\nLocation: https://evil.example", "ftp://testserver/",
]  # fmt: skip

PRODUCTION = {
    "PRODUCTION": "true",
    "SECRET_KEY": "only-for-this-test-0123456789-abcdefghijklmnopqrstuvwxyz-ABC",
    "FIELD_ENCRYPTION_KEYS": "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
    "ALLOWED_HOSTS": "network.example",
    "BASE_URL": "https://network.example",
    "DATABASE_URL": "postgresql://affiliate@db.example/affiliate",
    "EMAIL_URL": "smtp://localhost",
    "STRIPE_SECRET_KEY": "sk_test_only",
    "STRIPE_WEBHOOK_SECRET": "whsec_only",
}


def stays_here(location: str) -> bool:
    """Would a browser on http://testserver stay there? It reads backslashes as slashes and drops tabs and line ends."""
    seen = location.strip("".join(map(chr, range(33)))).replace("\\", "/")
    seen = seen.translate({9: None, 10: None, 13: None})
    parts = urlsplit(seen)
    return not seen.startswith("//") and parts.scheme in {"", "http"} and parts.netloc in {"", "testserver"}


@pytest.mark.django_db
@pytest.mark.parametrize("target", ELSEWHERE)
def test_no_redirect_leads_elsewhere(target):
    """Fault 34."""
    browser = Client()
    user = make_user()
    answers = [
        browser.post(reverse("set_theme"), {"theme": "dark", "next": target}),
        browser.post(reverse("set_language"), {"language": "en", "next": target}),
        browser.post(
            reverse("set_language"),
            {"language": "en"},
            headers={"referer": target.replace("\r\n", "").replace("\x00", "")},
        ),
        browser.post(
            f"{reverse('account_login')}", {"login": user.email, "password": "a-long-password", "next": target}
        ),
    ]
    browser.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    answers += [
        browser.get(reverse("account_login"), {"next": target}),
        browser.post(reverse("account_logout"), {"next": target}),
    ]

    for answer in answers:
        assert stays_here(answer.headers.get("Location", "")), answer.headers["Location"]


@pytest.mark.django_db
@pytest.mark.parametrize(
    "code", ["x", "%2F%2Fevil.example", "..", "https:", "@evil.example", "%0d%0aLocation:%20https:%2F%2Fevil.example"]
)
def test_the_hand_over_to_the_click_door_leads_there_and_nowhere_else(code, settings):
    """Fault 34: whatever the code and its query say."""
    settings.CLICK_BASE_URL = "https://go.network.example"

    for query in ("", "?url=https://evil.example", "?next=//evil.example&sub1=%0d%0aX:%20y"):
        answer = Client().get(f"/r/{code}{query}")

        if answer.status_code == 302 and not answer.headers["Location"].startswith("/"):
            assert urlsplit(answer.headers["Location"]).netloc == "go.network.example"
            assert "\n" not in answer.headers["Location"]


def read_settings(monkeypatch, **changes: str | None):
    """The settings as a process with this environment reads them."""
    for name, value in (PRODUCTION | changes).items():
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(f"{name}_FILE", raising=False)
        if value is not None:
            monkeypatch.setenv(name, value)
    return runpy.run_path(str(SETTINGS))


@pytest.mark.parametrize("name", sorted(PRODUCTION.keys() - {"PRODUCTION", "BASE_URL"}))
@pytest.mark.parametrize("value", [None, "", "  "], ids=["unset", "empty", "blank"])
def test_production_refuses_to_start_without_a_secret(monkeypatch, name, value):
    """Fault 44."""
    with pytest.raises(SettingError, match=name):
        read_settings(monkeypatch, **{name: value})


@pytest.mark.parametrize(
    "changes",
    [
        {"SECRET_KEY": "development-only-secret-key-never-use-in-production-0123456789"},
        {"STRIPE_WEBHOOK_SECRET": "whsec_standin"},
        {"DEBUG": "true"},
        {"DATABASE_URL": "sqlite:///x"},
        {"PRODUCTION": "perhaps"},
    ],
)
def test_production_refuses_what_belongs_to_development(monkeypatch, changes):
    with pytest.raises(SettingError):
        read_settings(monkeypatch, **changes)


def test_production_keeps_cookies_and_transport_safe(monkeypatch):
    """Faults 40, 45."""
    found = read_settings(monkeypatch)

    assert found["SESSION_COOKIE_NAME"].startswith("__Host-")
    assert found["CSRF_COOKIE_NAME"].startswith("__Host-")
    for name in (
        "SESSION_COOKIE_SECURE",
        "CSRF_COOKIE_SECURE",
        "SESSION_COOKIE_HTTPONLY",
        "CSRF_COOKIE_HTTPONLY",
        "SECURE_SSL_REDIRECT",
    ):
        assert found[name] is True, name
    assert found["SESSION_COOKIE_SAMESITE"] == "Lax"
    assert found["SECURE_HSTS_SECONDS"] >= 31_536_000
    assert found["DEBUG"] is False
    assert not found["ALLOW_LOCAL_DESTINATIONS"]
    assert found["STRIPE_API_BASE"] == ""
    assert not found["STRIPE_IS_STANDIN"]


@pytest.mark.django_db
def test_a_session_is_new_after_signing_in():
    """Fault 40: what was known of the session before is worth nothing after."""
    world = make_world(timezone.now())
    browser = Client()
    browser.post(f"/join/{world.program.slug}/", {"email": "first@example.com"})
    before = browser.cookies["session"].value
    browser.force_login(world.partner, backend="django.contrib.auth.backends.ModelBackend")

    assert browser.cookies["session"].value != before
    browser.cookies["session"] = before
    assert browser.get("/partner/").status_code == 302


@pytest.mark.parametrize("first", ["=", "+", "-", "@", "\t", "\r", "\n", "\0", "＝", "＋", "－", "＠"])
def test_no_text_in_a_list_is_a_formula(first):
    """Fault 35."""
    assert safe_cell(f"{first}cmd|' /C calc'!A0") == f"'{first}cmd|' /C calc'!A0"
    assert safe_cell(-5) == -5


#: News with Stripe's own signature that is still no news anybody could keep or read.
ODD_NEWS = [
    {"id": "evt_\0"}, {"id": "e" * 900}, {"id": 5}, {"id": None}, {"id": "\ud800"}, {"type": "a" * 900}, {"type": 7},
    {"data": {"object": {"id": "tr\0"}}}, {"data": {"object": {"id": {"a": 1}}}}, {"data": {"object": "x"}}, {"data": {"object": []}},
    {"data": []}, {"created": "x"}, {"created": 1e300}, {"more": "\0 and \ud800"}, {"account": {"a": 1}, "type": "account.updated"},
    {"related_object": 5},
]  # fmt: skip


@pytest.mark.django_db
@pytest.mark.parametrize("odd", ODD_NEWS, ids=lambda odd: ascii(odd)[:40])
def test_odd_news_from_stripe_is_kept_or_refused_and_never_an_error(odd, settings):
    """Fault 28."""
    object_ = {"id": "tr_1", "transfer_group": "pay_x"}
    usual = {
        "id": "evt_1",
        "object": "event",
        "type": "transfer.created",
        "created": int(time.time()),
        "livemode": False,
    }
    body = json.dumps(usual | {"data": {"object": object_}} | odd).encode()
    stamp = str(int(time.time()))
    signed = hmac.new(settings.STRIPE_WEBHOOK_SECRET.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()

    answer = Client(raise_request_exception=False).generic(
        "POST",
        reverse("stripe-hook"),
        body,
        content_type="application/json",
        headers={"stripe-signature": f"t={stamp},v1={signed}"},
    )

    assert answer.status_code in {200, 400}
    assert StripeEvent.objects.count() == (answer.status_code == 200)
