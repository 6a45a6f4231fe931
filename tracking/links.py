"""Tracking links: made for an enrolment and a page, changed without ever breaking a shared address."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Q

from affiliates.errors import NotInState
from affiliates.models import Enrolment, Program
from ledger.errors import Refusal
from ledger.journal import record_event
from tracking.destinations import DestinationRefused, read_destination
from tracking.errors import CodeTaken, InputRefused, LinkQuotaReached
from tracking.link_codes import new_code, read_code
from tracking.models import Creative, Deal, LandingPage, Link, LinkAlias, LinkCode, LinkTarget, ProgramTracking
from tracking.models.pairs import differs
from tracking.parameters import LONGEST_VALUE, OURS
from tracking.routing import read_routing
from tracking.utm import UTM_NAMES, read_utm

#: The most links one place may have, those that are retired too: they go on working.
LINK_QUOTA = 5_000
MOST_ALIASES = 20
MOST_AT_ONCE = 200
_LONGEST_LABEL = 120


@dataclass(frozen=True, slots=True)
class LinkDraft:
    """One link of many, as somebody wrote it."""

    destination: str = ""
    label: str = ""
    code: str = ""
    presets: Mapping[str, str] = field(default_factory=dict)
    utm: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class DraftResult:
    """What became of a draft: its link, new or known, or why there is none."""

    draft: LinkDraft
    link: Link | None
    is_new: bool
    refusal: Refusal | None


def create_link(
    enrolment: Enrolment,
    *,
    destination: str = "",
    label: str = "",
    code: str = "",
    presets: Mapping[str, str] | None = None,
    utm: Mapping[str, str] | None = None,
    at: datetime,
) -> Link:
    """The enrolment's link to a page of the program; asking twice gives the same link.

    Without a destination it leads to the program's landing page. `presets` (sub1…sub10, source_id,
    affiliate_click_id) stand in the address it is shared as, `utm` replaces the program's utm_…
    values. Raises DestinationRefused for a page outside the program's hosts, CodeTaken,
    CodeReserved, InputRefused, UtmRefused, LinkQuotaReached, and NotInState when the place is not approved.
    """
    return _create(enrolment, LinkDraft(destination, label, code, presets or {}, utm), at=at)[0]


def create_links(enrolment: Enrolment, drafts: Sequence[LinkDraft], *, at: datetime) -> list[DraftResult]:
    """Many links at once, each for itself: one that is refused stops no other. Twice is once.

    Raises InputRefused for more than MOST_AT_ONCE, NotInState when the place is not approved.
    """
    if len(drafts) > MOST_AT_ONCE:
        raise InputRefused(f"At most {MOST_AT_ONCE} links at once.", field="links")
    _check_place(enrolment)
    results = []
    for draft in drafts:
        try:
            link, is_new = _create(enrolment, draft, at=at)
        except Refusal as refusal:
            results.append(DraftResult(draft, None, is_new=False, refusal=refusal))
        else:
            results.append(DraftResult(draft, link, is_new=is_new, refusal=None))
    return results


@transaction.atomic
def retire_link(link: Link, *, at: datetime) -> Link:
    """Take a link out of the lists; it goes on working, so that no shared address ever breaks."""
    if Link.objects.filter(pk=link.pk, status=Link.Status.ACTIVE).update(status=Link.Status.RETIRED, updated_at=at):
        record_event("link.retired", link.public_id, at=at, about=[link.affiliate.public_id])
    return link.refreshed()


@transaction.atomic
def restore_link(link: Link, *, at: datetime) -> Link:
    """Take a retired link back into the lists."""
    if Link.objects.filter(pk=link.pk, status=Link.Status.RETIRED).update(status=Link.Status.ACTIVE, updated_at=at):
        record_event("link.restored", link.public_id, at=at, about=[link.affiliate.public_id])
    return link.refreshed()


def rename_link(link: Link, code: str, *, at: datetime) -> Link:
    """Give a link another code; the old one becomes an alias and works for ever. Raises as create_link does."""
    _check_place(link.enrolment)
    code = read_code(code)
    try:
        with transaction.atomic():
            locked = Link.objects.select_for_update().get(pk=link.pk)
            if locked.code != code:
                _check_aliases(locked)
                before, locked.code, locked.updated_at = locked.code, code, at
                locked.save(update_fields=["code", "updated_at"])
                _tell(link, "link.renamed", {"from": before, "to": code}, at=at)
    except IntegrityError as error:
        raise CodeTaken(f"{code} is taken. Choose another.", field="code") from error
    return link.refreshed()


def add_alias(link: Link, code: str, *, at: datetime) -> Link:
    """Another code that leads to the link, for ever. Raises as create_link does."""
    _check_place(link.enrolment)
    code = read_code(code, field="alias")
    try:
        with transaction.atomic():
            locked = Link.objects.select_for_update().get(pk=link.pk)
            if code != locked.code and not LinkAlias.objects.filter(code=code, link=locked).exists():
                _check_aliases(locked)
                LinkAlias.objects.create(code=code, link=locked, created_at=at)
                _tell(link, "link.alias_added", {"code": code}, at=at)
    except IntegrityError as error:
        raise CodeTaken(f"{code} is taken. Choose another.", field="alias") from error
    return link.refreshed()


def change_link(
    link: Link,
    *,
    destination: str | None = None,
    label: str | None = None,
    presets: Mapping[str, str] | None = None,
    utm: Mapping[str, str] | None = None,
    at: datetime,
) -> Link:
    """Change what is given, keep the rest; shared addresses lead to the new page at once.

    Raises as create_link does; CodeTaken with the field label when another link has all of it already.
    """
    _check_place(link.enrolment)
    said: dict[str, Any] = {}
    if destination is not None:
        said["destination"] = _checked(destination, link.enrolment)
    if label is not None:
        said["label"] = _read_label(label)
    if presets is not None:
        said["presets"] = read_presets(presets)
    if utm is not None:
        said["utm"] = read_utm(utm, names=UTM_NAMES)
    try:
        with transaction.atomic():
            locked = Link.objects.select_for_update().get(pk=link.pk)
            changed = sorted(name for name, value in said.items() if _is_other(name, getattr(locked, name), value))
            if changed:
                Link.objects.filter(pk=link.pk).update(updated_at=at, **said)
                _watch(said.get("destination", ""), at=at)
                _tell(link, "link.changed", {"changed": changed}, at=at)
    except IntegrityError as error:
        raise _same_link() from error
    return link.refreshed()


def _is_other(name: str, before: object, value: object) -> bool:
    return differs(before, value) if name == "utm" else before != value


def route_link(link: Link, rules: object, *, at: datetime) -> Link:
    """Give a link rules of its own, which come after the program's. Raises RoutingRefused, DestinationRefused."""
    _check_place(link.enrolment)
    program = link.program
    checked = read_routing(
        rules, allowed_hosts=program.allowed_hosts, allow_local=settings.ALLOW_LOCAL_DESTINATIONS, field="routing"
    )
    for rule in checked:
        if rule.url:
            _checked(rule.url, link.enrolment)
    stored = [rule.as_json() for rule in checked]
    with transaction.atomic():
        locked = Link.objects.select_for_update().get(pk=link.pk)
        if locked.routing != stored:
            Link.objects.filter(pk=link.pk).update(routing=stored, updated_at=at)
            _tell(link, "link.routed", {"rules": len(stored)}, at=at)
    return link.refreshed()


def read_presets(presets: Mapping[str, str], *, field: str = "") -> dict[str, str]:
    """Parameters that stand in a link's address; empty ones are left out. Raises InputRefused at the parameter."""
    found: dict[str, str] = {}
    for name, value in presets.items():
        path = f"{field}.{name}" if field else name
        if name not in OURS:
            raise InputRefused(
                f"{name[:40]} is no parameter of ours. Use sub1 to sub10, source_id or affiliate_click_id.", field=path
            )
        if not isinstance(value, str) or len(value) > LONGEST_VALUE or not value.strip().isprintable():
            raise InputRefused(f"{name} has at most {LONGEST_VALUE} characters that can be seen.", field=path)
        if value.strip():
            found[name] = value.strip()
    return found


def _create(enrolment: Enrolment, draft: LinkDraft, *, at: datetime) -> tuple[Link, bool]:
    """The link, and whether it is new."""
    _check_place(enrolment)
    destination = _checked(draft.destination.strip() or enrolment.program.landing_url, enrolment)
    label, presets = _read_label(draft.label), read_presets(draft.presets)
    utm = None if draft.utm is None else read_utm(draft.utm, names=UTM_NAMES)
    code = read_code(draft.code) if draft.code.strip() else ""
    same = Q(enrolment=enrolment, destination=destination, label=label, presets=presets)
    known = Link.objects.filter(same).first()
    if known is not None and utm in (None, known.utm) and (not code or _leads_to(known, code)):
        return known, False
    return _insert(same, enrolment, code=code, utm=utm or {}, at=at)


def _insert(same: Q, enrolment: Enrolment, *, code: str, utm: dict[str, str], at: datetime) -> tuple[Link, bool]:
    facts: dict[str, Any] = dict(pair for pair in same.children if isinstance(pair, tuple))
    for _try in range(8):
        try:
            with transaction.atomic():
                # Whoever makes a link for this place waits here, so that the count stays true.
                Enrolment.objects.select_related(None).select_for_update(of=("self",), no_key=True).get(pk=enrolment.pk)
                if Link.objects.filter(enrolment=enrolment).count() >= LINK_QUOTA:
                    raise LinkQuotaReached(LINK_QUOTA)
                link = Link.objects.create(
                    **facts,
                    code=code or new_code(),
                    program=enrolment.program,
                    affiliate=enrolment.affiliate,
                    utm=utm,
                    created_at=at,
                )
                _watch(link.destination, at=at)
                record_event(
                    "link.created",
                    link.public_id,
                    at=at,
                    about=[enrolment.affiliate.public_id, enrolment.program.public_id],
                    data={"code": link.code, "destination": link.destination},
                )
        except IntegrityError as error:
            if "link_once" in str(error):
                if code or utm:
                    raise _same_link() from error
                return Link.objects.get(same), False
            if code:
                raise CodeTaken(f"{code} is taken. Choose another.", field="code") from error
        else:
            return link, True
    raise CodeTaken("No free code was found. Try again.", field="code")


def _same_link() -> CodeTaken:
    return CodeTaken("You have a link to this page with this label already.", field="label")


def _check_place(enrolment: Enrolment) -> None:
    if enrolment.status != Enrolment.Status.APPROVED:
        raise NotInState(enrolment.program, enrolment.get_status_display())


def _check_aliases(link: Link) -> None:
    if link.aliases.count() >= MOST_ALIASES:
        raise InputRefused(f"A link has at most {MOST_ALIASES} other codes. Make another link.", field="code")


def _leads_to(link: Link, code: str) -> bool:
    return code == link.code or LinkCode.objects.filter(code=code, link_id=link.pk).exists()


def _read_label(label: str) -> str:
    text = label.strip()
    if len(text) > _LONGEST_LABEL:
        raise InputRefused(f"A label has at most {_LONGEST_LABEL} characters.", field="label")
    return text


def _watch(destination: str, *, at: datetime) -> None:
    """Have the page looked at from time to time."""
    if destination:
        LinkTarget.objects.bulk_create([LinkTarget.of(destination, at=at)], ignore_conflicts=True)


def _checked(destination: str, enrolment: Enrolment) -> str:
    """The page, if the program pays for it and the place may link to it."""
    program = enrolment.program
    try:
        url = read_destination(
            destination.strip() or program.landing_url,
            allowed_hosts=program.allowed_hosts,
            allow_local=settings.ALLOW_LOCAL_DESTINATIONS,
        ).url
    except DestinationRefused as refusal:
        raise DestinationRefused(
            refusal.code,
            f"{program.merchant.name} pays only for pages on {', '.join(program.allowed_hosts)}. "
            "Paste a page from one of these sites.",
        ) from refusal
    if not _may_link_to(url, enrolment, program):
        raise DestinationRefused(
            "deep_links_off",
            f"{program.merchant.name} has chosen the pages that links may lead to. Choose one of them.",
        )
    return url


def _may_link_to(url: str, enrolment: Enrolment, program: Program) -> bool:
    if not ProgramTracking.objects.filter(program=program, deep_links=False).exists():
        return True
    own = read_destination(program.landing_url, allowed_hosts=None, allow_local=settings.ALLOW_LOCAL_DESTINATIONS).url
    offered = LandingPage.objects.filter(Q(enrolment=enrolment) | Q(enrolment=None), program=program, url=url)
    if url == own or offered.exists():
        return True
    # A page that the merchant's own creative or deal leads to is offered with it.
    pages = {"program": program, "target_url": url}
    return Creative.objects.filter(**pages).exists() or Deal.objects.filter(**pages).exists()


def _tell(link: Link, event: str, data: dict[str, Any], *, at: datetime) -> None:
    record_event(event, link.public_id, at=at, about=[link.affiliate.public_id, link.program.public_id], data=data)
