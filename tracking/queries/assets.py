"""Creatives and deals: a merchant's, those a partner may use now, and the partner's own links to their pages."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.conf import settings
from django.db.models import Q, QuerySet

from affiliates.errors import NotVisible
from affiliates.models import Affiliate, Enrolment, Merchant, Program
from tracking.models import Creative, Deal, Link
from tracking.queries.links import addresses_of, trackings_of
from tracking.snippets import code_of, with_creative


@dataclass(frozen=True, slots=True)
class OwnAddress:
    """A partner's tracked address of a creative's or deal's page, and of the point that counts views."""

    link: str
    view: str


def creatives_in(
    merchant: Merchant, *, text: str = "", kind: str = "", state: str = "", program: str = "", at: datetime
) -> QuerySet[Creative]:
    """A merchant's creatives, the newest first."""
    found = Creative.objects.filter(program__merchant=merchant).select_related("program")
    if text:
        found = found.filter(name__icontains=text)
    if kind:
        found = found.filter(kind=kind)
    if program:
        found = found.filter(program__slug=program)
    return _in_state(found, state, at=at).order_by("-pk")


def deals_in(merchant: Merchant, *, text: str = "", state: str = "", program: str = "", at: datetime) -> QuerySet[Deal]:
    """A merchant's deals, the newest first, with the partners each is for."""
    found = Deal.objects.filter(program__merchant=merchant).select_related("program")
    if text:
        found = found.filter(Q(title__icontains=text) | Q(code__iexact=text))
    if program:
        found = found.filter(program__slug=program)
    return _in_state(found, state, at=at).prefetch_related("places__affiliate").order_by("-pk")


def creatives_for(
    affiliate: Affiliate, *, text: str = "", kind: str = "", size: str = "", language: str = "", program: str = "",
    at: datetime,
) -> QuerySet[Creative]:  # fmt: skip
    """What a partner may put on its site now: the live creatives of its programs, the newest first."""
    found = Creative.objects.filter(_now(at), program__in=_programs(affiliate)).select_related("program")
    if text:
        found = found.filter(Q(name__icontains=text) | Q(text__icontains=text))
    if kind:
        found = found.filter(kind=kind)
    width, _x, height = size.partition("x")
    if width.isdecimal() and height.isdecimal() and len(size) < 12:
        found = found.filter(width=int(width), height=int(height))
    if language:
        found = found.filter(language=language)
    if program:
        found = found.filter(program__slug=program)
    return found.order_by("-pk")


def deals_for(affiliate: Affiliate, *, text: str = "", program: str = "", at: datetime) -> QuerySet[Deal]:
    """The deals a partner may tell of now: everybody's and those that are its own; the first to end first."""
    places = Enrolment.objects.filter(affiliate=affiliate, status=Enrolment.Status.APPROVED)
    own = Deal.places.through.objects.filter(enrolment_id__in=places.values("pk")).values("deal_id")
    found = Deal.objects.filter(
        _now(at), Q(is_exclusive=False) | Q(pk__in=own), program__in=_programs(affiliate)
    ).select_related("program")
    if text:
        found = found.filter(Q(title__icontains=text) | Q(terms__icontains=text) | Q(code__iexact=text))
    if program:
        found = found.filter(program__slug=program)
    return found.order_by("ends_at", "-pk")


def open_creative_in(merchant: Merchant, public_id: str) -> Creative:
    """One of a merchant's creatives. Raises NotVisible."""
    found = Creative.objects.filter(program__merchant=merchant).select_related("program__merchant")
    creative: Creative = _opened(found, public_id)
    return creative


def open_creative_for(affiliate: Affiliate, public_id: str, *, at: datetime) -> Creative:
    """A creative that a partner may use now. Raises NotVisible."""
    creative: Creative = _opened(creatives_for(affiliate, at=at), public_id)
    return creative


def open_banner(public_id: str) -> Creative:
    """A banner, for whoever looks at a page with it. Raises NotVisible."""
    creative: Creative = _opened(Creative.objects.filter(kind=Creative.Kind.IMAGE), public_id)
    return creative


def open_deal_in(merchant: Merchant, public_id: str) -> Deal:
    """One of a merchant's deals. Raises NotVisible."""
    deal: Deal = _opened(Deal.objects.filter(program__merchant=merchant).select_related("program__merchant"), public_id)
    return deal


def open_deal_for(affiliate: Affiliate, public_id: str, *, at: datetime) -> Deal:
    """A deal that a partner may tell of now. Raises NotVisible."""
    deal: Deal = _opened(deals_for(affiliate, at=at), public_id)
    return deal


def place_for(affiliate: Affiliate, one: Creative | Deal) -> Enrolment:
    """The partner's place in the program of a creative or deal it has opened."""
    return Enrolment.objects.get(affiliate=affiliate, program=one.program_id)


def sizes_for(affiliate: Affiliate, *, at: datetime) -> list[tuple[int, int]]:
    """The sizes of the banners a partner may use now, the most frequent kind of question to a library."""
    found = creatives_for(affiliate, kind=Creative.Kind.IMAGE, at=at).order_by("width", "height")
    return list(found.values_list("width", "height").distinct()[:100])


def languages_for(affiliate: Affiliate, *, at: datetime) -> list[str]:
    """The languages of the creatives a partner may use now."""
    found = creatives_for(affiliate, at=at).exclude(language="").order_by("language")
    return list(found.values_list("language", flat=True).distinct()[:100])


def own_addresses(affiliate: Affiliate, shown: Iterable[Creative | Deal]) -> dict[UUID, OwnAddress]:
    """The partner's own tracked address of each one's page, by its key. Four queries.

    A link to the page itself goes before one to another page of the program with the page named in it; where there
    is neither, because the partner has no link or the program allows no other pages, the key is missing.
    """
    wanted = list(shown)
    if not wanted:
        return {}
    programs = {one.program_id: one.program for one in wanted}
    active = Link.objects.filter(
        affiliate=affiliate, program__in=programs, status=Link.Status.ACTIVE,
        enrolment__status=Enrolment.Status.APPROVED,
    ).select_related("program")  # fmt: skip
    exact: dict[tuple[UUID, str], Link] = {}
    for link in active.filter(destination__in={one.target_url for one in wanted}).order_by("created_at", "pk"):
        known = exact.get((link.program_id, link.destination))
        # A link without parameters and rules of its own is the plainest.
        if known is None or ((known.presets or known.routing) and not (link.presets or link.routing)):
            exact[link.program_id, link.destination] = link
    first = {link.program_id: link for link in active.order_by("program", "created_at", "pk").distinct("program")}
    deep = trackings_of(programs.values())
    addresses = addresses_of({link.pk: link for link in (*exact.values(), *first.values())}.values())
    found: dict[UUID, OwnAddress] = {}
    for one in wanted:
        link, address = exact.get((one.program_id, one.target_url)), ""
        if link is not None:
            address = addresses[link.pk]
        elif (link := first.get(one.program_id)) is not None and deep[one.program_id].deep_links:
            address = addresses[link.pk]
            address = f"{address}{'&' if '?' in address else '?'}{urlencode({'url': one.target_url})}"
        if link is not None and address:
            view = with_creative(f"{settings.CLICK_BASE_URL}/i/{link.code}.gif", one.public_id)
            found[one.pk] = OwnAddress(with_creative(address, one.public_id), view)
    return found


def snippet_of(creative: Creative, address: OwnAddress) -> str:
    """What the partner pastes into its page."""
    return code_of(
        creative.kind, creative.text, link=address.link, view=address.view, image=banner_address(creative),
        width=creative.width, height=creative.height,
    )  # fmt: skip


def banner_address(creative: Creative) -> str:
    """Where a banner is served, for any site; empty for what is none. The same address shows a newer picture."""
    return f"{settings.BASE_URL}/creatives/{creative.public_id}" if creative.path else ""


def _programs(affiliate: Affiliate) -> Any:
    return Enrolment.objects.filter(
        affiliate=affiliate, status=Enrolment.Status.APPROVED,
        program__status__in=[Program.Status.OPEN, Program.Status.PAUSED],
    ).values("program_id")  # fmt: skip


def _now(at: datetime) -> Q:
    return Q(starts_at__lte=at) & (Q(ends_at=None) | Q(ends_at__gt=at))


def _in_state[M: (Creative, Deal)](found: QuerySet[M], state: str, *, at: datetime) -> QuerySet[M]:
    if state == "live":
        return found.filter(_now(at))
    if state == "planned":
        return found.filter(Q(ends_at=None) | Q(ends_at__gt=at), starts_at__gt=at)
    return found.filter(ends_at__lte=at) if state == "ended" else found


def _opened(found: QuerySet[Any], public_id: str) -> Any:
    try:
        one = found.filter(pk=found.model.key_of(public_id)).first()
    except ValueError:
        one = None
    if one is None:
        raise NotVisible(found.model.__name__.lower())
    return one
