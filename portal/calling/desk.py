"""The screens of endpoints and calls, once for merchants and once for partners."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from affiliates import calls, endpoints
from affiliates.access import open_call, open_endpoint
from affiliates.errors import EndpointRefused
from affiliates.outside import AddressRefused
from portal.calling.events import events_of, make_test_call
from portal.calling.forms import CallFilter, EndpointForm
from portal.calling.postbacks import example_of, read_template
from portal.filters import ignored_keys

if TYPE_CHECKING:
    # For annotations only: doors hold verbs, never nouns.
    from affiliates.models import Affiliate, Call, Endpoint, Merchant, Program, User

_PAGE_ROWS = 50
_LATELY = timedelta(days=7)

type Show = Callable[..., HttpResponse]


@dataclass(frozen=True)
class Desk:
    """Whose endpoints, where their pages are, and what this person may do."""

    request: HttpRequest
    by: "User"
    show: Show
    here: Callable[..., str]
    programs: "list[Program]"
    may_change: bool = True
    merchant: "Merchant | None" = None
    affiliate: "Affiliate | None" = None
    #: The neighbouring pages: [(label, url, is_current)].
    tabs: list[tuple[Any, str, bool]] = field(default_factory=list)

    @property
    def owner(self) -> dict[str, Any]:
        """The owner, as the verbs want it."""
        return {"merchant": self.merchant, "affiliate": self.affiliate}

    @property
    def is_merchant(self) -> bool:
        """Whether a merchant asks; a partner otherwise."""
        return self.merchant is not None


def list_page(desk: Desk) -> HttpResponse:
    """Every endpoint with how its calls went."""
    found = list(endpoints.endpoints_of(**desk.owner))
    standing = calls.standing_of(found, since=timezone.now() - _LATELY)
    rows = [
        (one, _state(one), standing.get(one.pk, calls.Standing()), desk.here("endpoint", one.public_id))
        for one in found
    ]
    context = {
        "rows": rows,
        "is_merchant": desk.is_merchant,
        "may_change": desk.may_change,
        "new_url": desk.here("endpoint-new"),
        "tabs": desk.tabs,
    }
    return desk.show("portal/calling/endpoints.html", context, title=_title(desk), lead=_lead(desk))


def edit_page(desk: Desk, endpoint_id: str = "") -> HttpResponse:
    """A new endpoint, or one that is changed."""
    request = desk.request
    endpoint = open_endpoint(endpoint_id, **desk.owner) if endpoint_id else None
    asked = request.POST.get("kind") or request.GET.get("kind") or ("webhook" if desk.is_merchant else "postback")
    kind = endpoint.kind if endpoint else "postback" if asked == "postback" and not desk.is_merchant else "webhook"
    choices: dict[str, Any] = {
        "kind": kind,
        "events": events_of(is_merchant=desk.is_merchant, kind=kind),
        "programs": [(one.slug, one.name) for one in desk.programs],
    }
    if request.method == "POST":
        form = EndpointForm(request.POST, **choices)
        if form.is_valid():
            try:
                saved = _save(desk, endpoint, kind, form.cleaned_data)
            except (AddressRefused, EndpointRefused) as refusal:
                form.add_error(refusal.field if refusal.field in form.fields else None, refusal.message)
            else:
                messages.success(request, _("Saved. Send a test to see whether it arrives."))
                return HttpResponseRedirect(desk.here("endpoint", saved.public_id))
    else:
        form = EndpointForm(initial=_initial(endpoint, choices["events"]), **choices)
    context = {
        "form": form,
        "kind": kind,
        "is_merchant": desk.is_merchant,
        "other_kind_url": ""
        if endpoint or desk.is_merchant
        else f"?kind={'webhook' if kind == 'postback' else 'postback'}",
    }
    return desk.show(
        "portal/calling/endpoint_edit.html", context, title=_("Change") if endpoint else _("New address"),
        crumbs=[(_title(desk), desk.here("endpoints"))], status=422 if form.errors else 200,
    )  # fmt: skip


def endpoint_page(desk: Desk, endpoint_id: str, *, secret: str = "") -> HttpResponse:
    """One endpoint: what it hears, its secret, and its calls."""
    endpoint = open_endpoint(endpoint_id, **desk.owner)
    form = CallFilter(desk.request.GET)
    said = form.cleaned_data if form.is_valid() else {}
    found = calls.calls_of(endpoint, state=said.get("state", ""), event=said.get("event", ""))
    page = Paginator(found, _PAGE_ROWS).get_page(desk.request.GET.get("page"))
    words = events_of(is_merchant=desk.is_merchant, kind=endpoint.kind)
    context = {
        "endpoint": endpoint,
        "state": _state(endpoint),
        "heard": [words.get(name, name) for name in endpoint.events],
        "example": example_of(endpoint.url) if endpoint.kind == "postback" else "",
        "standing": calls.standing_of([endpoint], since=timezone.now() - _LATELY).get(endpoint.pk, calls.Standing()),
        "rows": [(call, desk.here("endpoint-call", endpoint.public_id, call.public_id)) for call in page.object_list],
        "page": page,
        "filter": form,
        "ignored": ignored_keys(desk.request, form),
        "is_filtered": any(said.values()),
        "secret": secret,
        "may_change": desk.may_change,
        "edit_url": desk.here("endpoint-edit", endpoint.public_id),
        "act_url": desk.here("endpoint-act", endpoint.public_id),
    }
    response = desk.show(
        "portal/calling/endpoint.html", context, title=endpoint.name, crumbs=[(_title(desk), desk.here("endpoints"))]
    )
    if secret:
        response["Cache-Control"] = "no-store"
    return response


def act(desk: Desk, endpoint_id: str) -> HttpResponse:
    """What the buttons of an endpoint's page do."""
    endpoint = open_endpoint(endpoint_id, **desk.owner)
    at, action = timezone.now(), desk.request.POST.get("action", "")
    back = desk.here("endpoint", endpoint.public_id)
    if action == "show-secret":
        return endpoint_page(desk, endpoint_id, secret=endpoint.secret)
    if action == "rotate":
        secret = endpoints.rotate_secret(endpoint, by=desk.by, at=at).secret
        messages.success(desk.request, _("A new secret. For 24 hours calls are signed with the old one too."))
        return endpoint_page(desk, endpoint_id, secret=secret)
    if action == "test":
        call = make_test_call(endpoint, at=at)
        return HttpResponseRedirect(desk.here("endpoint-call", endpoint.public_id, call.public_id))
    if action == "replay-dead":
        count = calls.replay_dead(endpoint, by=desk.by.public_id, at=at)
        messages.success(
            desk.request,
            ngettext("%(count)s call is made again.", "%(count)s calls are made again.", count) % {"count": count},
        )
    elif action in {"pause", "resume", "remove"}:
        status = {"pause": "paused", "resume": "active", "remove": "removed"}[action]
        endpoints.set_status(endpoint, status, by=desk.by, at=at)
        if action == "remove":
            messages.success(desk.request, _("%(name)s hears of nothing more.") % {"name": endpoint.name})
            return HttpResponseRedirect(desk.here("endpoints"))
    return HttpResponseRedirect(back)


def call_page(desk: Desk, endpoint_id: str, call_id: str) -> HttpResponse:
    """One call: what was said, what came back each time, and when it is tried next."""
    call = open_call(call_id, **desk.owner)
    endpoint = open_endpoint(endpoint_id, **desk.owner)
    context = {
        "call": call,
        "endpoint": endpoint,
        "body": _pretty(call),
        "tries": list(call.tries.order_by("-number")[:50]),
        "may_change": desk.may_change,
        "replay_url": desk.here("endpoint-call-replay", endpoint.public_id, call.public_id),
    }
    return desk.show(
        "portal/calling/call.html", context, title=call.event_name,
        crumbs=[(_title(desk), desk.here("endpoints")), (endpoint.name, desk.here("endpoint", endpoint.public_id))],
    )  # fmt: skip


def replay(desk: Desk, endpoint_id: str, call_id: str) -> HttpResponse:
    """Make a call again, now."""
    call = open_call(call_id, **desk.owner)
    at = timezone.now()
    calls.replay_call(call, by=desk.by.public_id, at=at)
    has_arrived = calls.make_call(call.pk, at=at)
    if has_arrived:
        messages.success(desk.request, _("It arrived."))
    else:
        messages.warning(desk.request, _("It did not arrive. It is tried again by itself."))
    return HttpResponseRedirect(desk.here("endpoint-call", endpoint_id, call.public_id))


def _save(desk: Desk, endpoint: "Endpoint | None", kind: str, said: dict[str, Any]) -> "Endpoint":
    facts = {
        "name": said["name"],
        "url": read_template(said["url"]) if kind == "postback" else said["url"],
        "events": said["events"],
        "program": next((one for one in desk.programs if one.slug == said["program"]), None),
        "method": (said.get("method") or "GET") if kind == "postback" else "POST",
        "by": desk.by,
        "at": timezone.now(),
    }
    if endpoint is not None:
        return endpoints.change_endpoint(endpoint, **facts)
    return endpoints.add_endpoint(kind=kind, **desk.owner, **facts)


def _initial(endpoint: "Endpoint | None", events: dict[str, Any]) -> dict[str, Any]:
    if endpoint is None:
        return {"events": list(events)}
    return {
        "name": endpoint.name,
        "url": endpoint.url,
        "events": endpoint.events,
        "program": endpoint.program.slug if endpoint.program else "",
        "method": endpoint.method,
    }


def _state(endpoint: "Endpoint") -> str:
    return "failing" if endpoint.status == "active" and endpoint.failing_since else endpoint.status


def _pretty(call: "Call") -> str:
    try:
        return json.dumps(json.loads(call.body), indent=2, ensure_ascii=False) if call.body else ""
    except ValueError:
        return call.body


def _title(desk: Desk) -> str:
    return _("Webhooks") if desk.is_merchant else _("Postbacks")


def _lead(desk: Desk) -> str:
    if desk.is_merchant:
        return _("Your own programs hear of what happens within seconds. Every call is kept, with its answer.")
    return _("Your tracker hears of your commissions within seconds. Every call is kept, with its answer.")
