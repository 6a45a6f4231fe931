"""What pages show about links beyond their figures: addresses, pages to choose from, a program's settings."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode
from uuid import UUID

from django.conf import settings
from django.db import models
from django.db.models import Count, Q, QuerySet

from affiliates.models import Affiliate, Enrolment, Merchant, Program
from ledger.ids import public_id_of
from tracking.destinations import DestinationRefused, read_destination
from tracking.domains import hosts_for
from tracking.models import LandingPage, Link, LinkAlias, LinkTarget, ProgramTracking
from tracking.targets import targets_of
from tracking.utm import compile_utm


@dataclass(frozen=True, slots=True)
class ProgramLinks:
    """A program with its settings, the pages it offers, and how many links it has, failing ones apart."""

    program: Program
    tracking: ProgramTracking
    pages: Sequence[LandingPage]
    links: int


def addresses_of(links: Iterable[Link]) -> dict[UUID, str]:
    """The address each link is shared as, with its parameters: on the merchant's own host where there is one.

    The links' programs have to be loaded. One query.
    """
    found = list(links)
    hosts = hosts_for((link.program_id, link.program.merchant_id) for link in found) if found else {}
    return {link.pk: _address(link.code, hosts.get(link.program_id), link.presets) for link in found}


def address_of(link: Link) -> str:
    """The address one link is shared as."""
    return addresses_of([link])[link.pk]


def aliases_of(link: Link) -> list[LinkAlias]:
    """The other codes that lead to a link, oldest first."""
    return list(link.aliases.order_by("created_at", "code"))


def alias_addresses_of(link: Link) -> list[tuple[str, str]]:
    """The other codes that lead to a link, and their addresses."""
    host = hosts_for([(link.program_id, link.program.merchant_id)]).get(link.program_id)
    return [(alias.code, _address(alias.code, host, link.presets)) for alias in aliases_of(link)]


def aliases_by_link(links: Iterable[Link]) -> dict[UUID, list[str]]:
    """The other codes of each link; links without any are left out."""
    rows = LinkAlias.objects.filter(link_id__in=[link.pk for link in links]).order_by("created_at", "code")
    found: dict[UUID, list[str]] = {}
    for alias in rows:
        found.setdefault(alias.link_id, []).append(alias.code)
    return found


def host_of_links(program: Program) -> str:
    """Where a program's links begin, for people: the host, with /r on the network's own."""
    host = hosts_for([(program.pk, program.merchant_id)]).get(program.pk)
    return f"{host}/" if host else f"{settings.CLICK_BASE_URL.partition('://')[2]}/r/"


def target_of(link: Link) -> LinkTarget | None:
    """How a link's page answered when it was last looked at; None before the first look."""
    return targets_of([link.destination]).get(link.destination)


def targets_by_link(links: Iterable[Link]) -> dict[UUID, LinkTarget]:
    """How each link's page answered; those never looked at are left out."""
    found = list(links)
    targets = targets_of(link.destination for link in found)
    return {link.pk: targets[link.destination] for link in found if link.destination in targets}


def pages_for(places: Iterable[Enrolment]) -> list[LandingPage]:
    """The pages that places may choose from: those for everybody and each one's own, by program and name."""
    found = list(places)
    offered = LandingPage.objects.filter(
        Q(enrolment_id__in=[place.pk for place in found])
        | Q(enrolment=None, program_id__in=[place.program_id for place in found])
    )
    return list(offered.select_related("program").order_by("program__name", "name", "pk"))


def trackings_of(programs: Iterable[Program]) -> dict[UUID, ProgramTracking]:
    """Each program's settings, defaults where nobody changed any."""
    found = list(programs)
    rows = {row.program_id: row for row in ProgramTracking.objects.filter(program__in=found)}
    return {program.pk: rows.get(program.pk) or ProgramTracking(program=program) for program in found}


def program_links(merchant: Merchant, *, program: Program) -> ProgramLinks:
    """What a merchant's tracking page shows about one of its programs."""
    pages = LandingPage.objects.filter(program=program).select_related("enrolment__affiliate")
    return ProgramLinks(
        program=program,
        tracking=trackings_of([program])[program.pk],
        pages=list(pages.order_by(models.F("enrolment").asc(nulls_first=True), "name")),
        links=Link.objects.filter(program=program, program__merchant=merchant).count(),
    )


def links_by_place(places: Iterable[Enrolment]) -> dict[UUID, int]:
    """How many links each place has, retired ones too: what counts towards the quota."""
    rows = Link.objects.filter(enrolment__in=list(places)).values_list("enrolment_id").annotate(number=Count("pk"))
    return dict(rows)


def approved_places_in(program: Program) -> QuerySet[Enrolment]:
    """The places a page can be offered to, by name."""
    return (
        Enrolment.objects.filter(program=program, status=Enrolment.Status.APPROVED)
        .order_by("affiliate__name", "pk")
        .fetch_mode(models.FETCH_RAISE)
    )


def _address(code: str, host: str | None, presets: dict[str, str]) -> str:
    address = f"https://{host}/{code}" if host else f"{settings.CLICK_BASE_URL}/r/{code}"
    return f"{address}?{urlencode(presets)}" if presets else address


def arrival_of(link: Link) -> str:
    """Where visitors arrive, but for the click id: the page with the program's and the link's parameters."""
    program = link.program
    own = trackings_of([program])[program.pk]
    utm = compile_utm(
        own.utm_template,
        link.utm,
        affiliate=public_id_of(Affiliate.ID_PREFIX, link.affiliate_id),
        program=program.slug,
        link=link.code,
    )
    try:
        page = read_destination(
            link.destination, allowed_hosts=program.allowed_hosts, allow_local=settings.ALLOW_LOCAL_DESTINATIONS
        )
    except DestinationRefused:
        return program.landing_url
    return utm.apply(page, link.presets).url if utm else page.url


def places_named(program: Program, text: str) -> list[Enrolment]:
    """The approved places that a name or an `aff_…` id stands for; two at most, for more are too many anyhow."""
    places = approved_places_in(program)
    try:
        return list(places.filter(affiliate_id=Affiliate.key_of(text.strip()))[:2])
    except ValueError:
        return list(places.filter(affiliate__name__iexact=text.strip())[:2])
