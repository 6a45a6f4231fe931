"""What every request passes: the policy, refusals worded once, private pages kept out of caches."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from allauth.usersessions.middleware import UserSessionsMiddleware
from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.middleware.locale import LocaleMiddleware
from django.utils.translation import get_language

from affiliates import access
from affiliates.errors import NotAllowed, NotVisible
from ledger.errors import Refusal
from portal.errors import refusal_response, wants_json
from portal.policy import Audience, row_of

type Handler = Callable[[HttpRequest], HttpResponse]

#: The session's key for the affiliate a person with several has chosen.
CHOSEN_AFFILIATE = "affiliate"
#: A session's last sight is written no oftener.
SEEN_EVERY_SECONDS = 60


class SeenSessionsMiddleware(UserSessionsMiddleware):
    """Notes when and from where each session was last seen, at most once a minute and process: not at every page."""

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Note it when it is new or a minute old, and pass on."""
        facts = (request.session.session_key, request.META.get("REMOTE_ADDR"), request.META.get("HTTP_USER_AGENT"))
        if facts[0] and not cache.add(f"seen:{hash(facts)}", True, timeout=SEEN_EVERY_SECONDS):
            return self.get_response(request)  # type: ignore[no-any-return]
        return super().__call__(request)  # type: ignore[no-any-return]


class PolicyMiddleware:
    """Looks the address up in portal/policy.py before any view runs, and opens the workspace."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass on; the work is done once the view is known."""
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: object, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> HttpResponse | None:
        """Refuse, send to the sign-in, or open the workspace and go on."""
        name = request.resolver_match.view_name if request.resolver_match else ""
        row = row_of(name or "")
        if row is None:
            return refusal_response(request, NotVisible("page"))
        if row.audience in {Audience.PUBLIC, Audience.API, Audience.SIGNED, Audience.VENDOR}:
            return None
        if not request.user.is_authenticated:
            return redirect_to_login(request.get_full_path())
        try:
            self._open_workspace(request, row.audience, row.action, kwargs)
        except Refusal as refusal:
            return refusal_response(request, refusal)
        return None

    @staticmethod
    def _open_workspace(request: HttpRequest, audience: Audience, action: str, kwargs: dict[str, Any]) -> None:
        user: Any = request.user
        if audience == Audience.PARTNER:
            chosen = request.session.get(CHOSEN_AFFILIATE, "")
            try:
                request.affiliate = access.open_affiliate(user, chosen)  # type: ignore[attr-defined]
            except NotVisible:
                request.affiliate = access.open_affiliate(user)  # type: ignore[attr-defined]
        elif audience == Audience.MERCHANT:
            merchant = access.open_merchant(user, kwargs["merchant_slug"], action=action)
            request.merchant = merchant  # type: ignore[attr-defined]
            request.roles = access.roles_of(user, merchant=merchant)  # type: ignore[attr-defined]
        elif audience in {Audience.FINANCE, Audience.NETWORK}:
            access.require(user, action)
            request.roles = access.roles_of(user)  # type: ignore[attr-defined]
        elif audience != Audience.SIGNED_IN:
            raise NotAllowed(action)


class PageLocaleMiddleware(LocaleMiddleware):
    """Django's, which sends unknown addresses to the reader's language; an address of ours that says 404 means it."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """Let the 404 of a page or of a machine's door stand."""
        is_ours = request.resolver_match is not None or wants_json(request)
        if response.status_code == HTTPStatus.NOT_FOUND and is_ours:
            response.headers.setdefault("Content-Language", get_language() or "")
            return response
        return super().process_response(request, response)


class RefusalMiddleware:
    """Turns a Refusal that no view caught into a worded answer (portal/errors.py)."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass on."""
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Word a refusal; let a bug crash."""
        return refusal_response(request, exception) if isinstance(exception, Refusal) else None


class SameForAllMiddleware:
    """Answers that are the same for everybody say so to caches, whatever was looked at on the way."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Take back that the answer depends on who asks, and in which language."""
        response = self.get_response(request)
        if getattr(response, "is_same_for_all", False):
            response["Vary"] = "Accept-Encoding"
            response.headers.pop("Content-Language", None)
        return response


class PrivatePagesMiddleware:
    """Pages shown to a signed-in person are stored nowhere."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Mark the answer as private when somebody is signed in."""
        response = self.get_response(request)
        user = getattr(request, "user", None)
        if user is not None and user.is_authenticated and "Cache-Control" not in response:
            response["Cache-Control"] = "private, no-store"
        return response


class CmsPagesMiddleware:
    """The editors' admin has scripts and styles in its pages; only there, the content policy lets them run."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer with the admin's own policy under /cms/."""
        response = self.get_response(request)
        if request.path.startswith("/cms/"):
            response._csp_config = settings.SECURE_CSP_CMS  # type: ignore[attr-defined]  # noqa: SLF001 - as csp_override does
        return response
