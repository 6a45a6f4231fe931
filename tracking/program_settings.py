"""What a merchant decides about its programs' links: pages, hosts, parameters, rules, consent."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction

from affiliates.models import Enrolment, Program, User
from affiliates.programs import change_pages
from ledger.journal import record_event
from tracking.destinations import DestinationRefused, ascii_host, is_this_machine, read_destination
from tracking.errors import InputRefused
from tracking.models import LandingPage, ProgramTracking
from tracking.models.pairs import differs
from tracking.routing import read_routing
from tracking.utm import read_utm

MOST_HOSTS = 50
MOST_PAGES = 200


def tracking_of(program: Program) -> ProgramTracking:
    """A program's settings; unsaved defaults when nobody has changed any."""
    return ProgramTracking.objects.filter(program=program).first() or ProgramTracking(program=program)


def change_tracking(program: Program, *, by: User | None, at: datetime, **changes: Any) -> ProgramTracking:
    """Change settings by name; what is not named stays.

    Names: deep_links, consent, unique_window_hours, traffic_back_url, utm_template, routing, hide_referrer. Raises
    InputRefused, DestinationRefused, UtmRefused, RoutingRefused at the field.
    """
    said = {name: _READERS[name](value, program) for name, value in changes.items()}
    with transaction.atomic():
        Program.objects.select_for_update(no_key=True).get(pk=program.pk)
        found = tracking_of(program)
        changed = sorted(name for name, value in said.items() if differs(getattr(found, name), value))
        if changed:
            for name in changed:
                setattr(found, name, said[name])
            found.save()
            record_event(
                "program.tracking_changed",
                program.public_id,
                at=at,
                actor=by.public_id if by else "",
                about=[program.merchant.public_id],
                data={"changed": changed},
            )
    return found


def change_hosts(
    program: Program, *, landing_url: str, allowed_hosts: Sequence[str], by: User | None, at: datetime
) -> Program:
    """Another own page, other hosts. Raises InputRefused for a host, DestinationRefused for the page.

    Links that lead to a host taken off the list fall back to the program's own page.
    """
    hosts = [read_allowed_host(host) for host in allowed_hosts if host.strip()]
    if not hosts or len(hosts) > MOST_HOSTS:
        raise InputRefused(f"A program has 1 to {MOST_HOSTS} hosts.", field="allowed_hosts")
    try:
        landing = read_destination(
            landing_url.strip(), allowed_hosts=hosts, allow_local=settings.ALLOW_LOCAL_DESTINATIONS
        ).url
    except DestinationRefused as refusal:
        refusal.field = "landing_url"
        raise
    return change_pages(program, landing_url=landing, allowed_hosts=hosts, at=at, by=by)


def read_allowed_host(text: str) -> str:
    """A host that links may lead to, with its port when it has one. Raises InputRefused."""
    name, colon, port = text.strip().lower().removeprefix("https://").rstrip("/").partition(":")
    try:
        host = ascii_host(name.removeprefix("*."))
    except DestinationRefused as refusal:
        raise InputRefused(
            f"{text[:80]!r} is no host. Write a name such as shop.example.", field="allowed_hosts"
        ) from (refusal)
    if colon and not (port.isascii() and port.isdigit() and 0 < int(port[:6]) < 65_536):
        raise InputRefused(f"{text[:80]!r} has no port.", field="allowed_hosts")
    is_local = settings.ALLOW_LOCAL_DESTINATIONS and is_this_machine(host)
    if "." not in host and not is_local:
        raise InputRefused(f"{host} is no whole host name.", field="allowed_hosts")
    return f"{host}:{int(port)}" if colon else host


def offer_page(
    program: Program, *, name: str, url: str, enrolment: Enrolment | None = None, by: User | None, at: datetime
) -> LandingPage:
    """A page to choose from, for every partner or for one place. Under the same name it is replaced.

    Raises DestinationRefused for a page outside the program's hosts, InputRefused.
    """
    if not name.strip() or len(name.strip()) > 120:
        raise InputRefused("A page has a name of at most 120 characters.", field="name")
    if enrolment is not None and enrolment.program_id != program.pk:
        raise InputRefused("This partner is in another program.", field="enrolment")
    try:
        checked = read_destination(
            url.strip(), allowed_hosts=program.allowed_hosts, allow_local=settings.ALLOW_LOCAL_DESTINATIONS
        ).url
    except DestinationRefused as refusal:
        refusal.field = "url"
        raise
    with transaction.atomic():
        Program.objects.select_for_update(no_key=True).get(pk=program.pk)
        pages = LandingPage.objects.filter(program=program)
        found = pages.filter(enrolment=enrolment, name=name.strip()).first()
        if found is not None and found.url == checked:
            return found
        if found is None:
            if pages.count() >= MOST_PAGES:
                raise InputRefused(f"A program offers at most {MOST_PAGES} pages.", field="name")
            found = LandingPage(program=program, enrolment=enrolment, name=name.strip(), created_at=at)
        found.url = checked
        found.save()
        _tell_page("landing_page.offered", found, by=by, at=at)
    return found


@transaction.atomic
def withdraw_page(page: LandingPage, *, by: User | None, at: datetime) -> None:
    """Offer a page no longer; links that lead to it stay as they are."""
    deleted, _each = LandingPage.objects.filter(pk=page.pk).delete()
    if deleted:
        _tell_page("landing_page.withdrawn", page, by=by, at=at)


def _tell_page(event: str, page: LandingPage, *, by: User | None, at: datetime) -> None:
    about = [page.program.public_id]
    if page.enrolment is not None:
        about.append(page.enrolment.affiliate.public_id)
    record_event(
        event,
        page.public_id,
        at=at,
        actor=by.public_id if by else "",
        about=about,
        data={"name": page.name, "url": page.url},
    )


def _deep_links(value: object, _program: Program) -> bool:
    if not isinstance(value, bool):
        raise InputRefused("deep_links is true or false.", field="deep_links")
    return value


def _hide_referrer(value: object, _program: Program) -> bool:
    if not isinstance(value, bool):
        raise InputRefused("hide_referrer is true or false.", field="hide_referrer")
    return value


def _consent(value: object, _program: Program) -> str:
    if value not in ProgramTracking.Consent.values:
        raise InputRefused("consent is required or not_required.", field="consent")
    return str(value)


def _hours(value: object, _program: Program) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 8760:
        raise InputRefused("The window has 1 to 8,760 hours.", field="unique_window_hours")
    return value


def _traffic_back(value: object, _program: Program) -> str:
    text = str(value or "").strip()
    if not text:
        return ""
    try:
        return read_destination(text, allowed_hosts=None, allow_local=settings.ALLOW_LOCAL_DESTINATIONS).url
    except DestinationRefused as refusal:
        refusal.field = "traffic_back_url"
        raise


def _template(value: object, _program: Program) -> dict[str, str]:
    return {name: text for name, text in read_utm(value, field="utm_template").items() if text}


def _rules(value: object, program: Program) -> list[dict[str, Any]]:
    rules = read_routing(
        value, allowed_hosts=program.allowed_hosts, allow_local=settings.ALLOW_LOCAL_DESTINATIONS, field="routing"
    )
    return [rule.as_json() for rule in rules]


_READERS = {
    "deep_links": _deep_links,
    "hide_referrer": _hide_referrer,
    "consent": _consent,
    "unique_window_hours": _hours,
    "traffic_back_url": _traffic_back,
    "utm_template": _template,
    "routing": _rules,
}
