"""Doors that belong to no audience: the entrance, health, and the hand-over to the click door."""

from urllib.parse import quote

from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import redirect
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from affiliates.queries import workspaces_of
from ledger.journal import waiting_deliveries
from portal.joining import finish_joining
from tracking.spool import backlog_of


@never_cache
@require_safe
def enter(request: HttpRequest) -> HttpResponse:
    """After signing in: finish a joining, then to the first workspace, or to the programs when there is none yet."""
    if finish_joining(request):
        return redirect("partner:home")
    places = workspaces_of(request.user)  # type: ignore[arg-type]
    return redirect(places[0].url if places else "/")


@require_safe
def click_door(request: HttpRequest, code: str) -> HttpResponse:
    """Hand /r/<code> over to the click door, which runs on an address of its own."""
    query = request.META.get("QUERY_STRING", "")
    target = f"{settings.CLICK_BASE_URL}/r/{quote(code, safe='')}"
    response = HttpResponseRedirect(f"{target}?{query}" if query else target)
    response["Cache-Control"] = "no-store"
    return response


@never_cache
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """The process answers."""
    return JsonResponse({"status": "ok"})


@never_cache
@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """The product can work: database, waiting events, clicks in the spool. 503 says what is missing."""
    state: dict[str, object] = {"status": "ready"}
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        state["events_waiting"] = waiting_deliveries()
        state["clicks_waiting"] = backlog_of(settings.CLICK_SPOOL_DIR).clicks
    except DatabaseError:
        return JsonResponse({"status": "database unreachable"}, status=503, headers={"Retry-After": "5"})
    return JsonResponse(state)


@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Prometheus text: what waits where."""
    lines = [
        "# TYPE network_events_waiting gauge",
        f"network_events_waiting {waiting_deliveries()}",
        "# TYPE network_clicks_waiting gauge",
        f"network_clicks_waiting {backlog_of(settings.CLICK_SPOOL_DIR).clicks}",
    ]
    return HttpResponse("\n".join(lines) + "\n", content_type="text/plain; version=0.0.4")
