"""Links by API: made one by one or many at once, and changed; a partner's for itself, a merchant's for its partners."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.http import HttpRequest, HttpResponse

from affiliates.access import find_enrolment
from ledger.errors import Refusal
from portal.api.lists import link_answer, link_answers, open_link_by_key
from portal.api.once import answered_once
from portal.errors import problem
from portal.intake.bodies import read_json_object
from portal.intake.door import ACCEPTED, Intake, Outcome, take
from portal.intake.fields import kind_of, read_text, refuse
from portal.intake.keys import bearer_key
from portal.intake.orders import ignored_in
from tracking import links as link_verbs
from tracking.links import MOST_ALIASES, MOST_AT_ONCE, LinkDraft
from tracking.parameters import OURS
from tracking.routing import RoutingRefused

if TYPE_CHECKING:
    # For annotations only: doors hold verbs, never nouns.
    from affiliates.models import ApiKey, Enrolment
    from tracking.models import Link

_PLACE = frozenset({"program", "affiliate"})
_DRAFT = frozenset({"destination", "label", "code", "utm", *OURS})
_MORE = frozenset({"aliases", "routing"})


def make_link(request: HttpRequest) -> HttpResponse:
    """POST /links: the same page under the same label gives the same link again."""
    return take(request, door="api.links", handle=_make_link)


def make_links(request: HttpRequest) -> HttpResponse:
    """POST /links/batch: up to 200, one verdict each, in the same order."""
    return take(request, door="api.links", handle=_make_links)


def change_link(request: HttpRequest, code: str) -> HttpResponse:
    """PATCH /links/{code}: what is sent is changed, the rest stays."""
    return take(request, door="api.links", handle=lambda intake: _change_link(intake, code))


def _make_link(intake: Intake) -> Outcome:
    intake.key = key = bearer_key(intake.request, at=intake.at)

    def handle() -> Outcome:
        source = read_json_object(intake.readable_body())
        draft = _draft(source)
        with transaction.atomic():
            link = link_verbs.create_link(
                _enrolment(key, source),
                destination=draft.destination,
                label=draft.label,
                code=draft.code,
                presets=draft.presets,
                utm=draft.utm,
                at=intake.at,
            )
            link = _with_more(link, source, intake)
        ignored = list(ignored_in(source, _PLACE | _DRAFT | _MORE))
        return Outcome(HTTPStatus.CREATED, {**link_answer(link), "ignored": ignored}, ACCEPTED)

    return answered_once(intake, handle)


def _make_links(intake: Intake) -> Outcome:
    intake.key = key = bearer_key(intake.request, at=intake.at)

    def handle() -> Outcome:
        source = read_json_object(intake.readable_body())
        rows = source.get("links")
        if not isinstance(rows, list) or not rows:
            raise refuse("links", "links is missing. Send a list of links to make.", code="field_missing")
        if len(rows) > MOST_AT_ONCE:
            raise refuse("links", f"links has more than {MOST_AT_ONCE}. Send them in parts.")
        enrolment = _enrolment(key, source)
        drafts: list[LinkDraft | Refusal] = []
        for row in rows:
            try:
                drafts.append(_draft(row if isinstance(row, dict) else _no_object(row)))
            except Refusal as refusal:
                drafts.append(refusal)
        made = iter(
            link_verbs.create_links(enrolment, [one for one in drafts if isinstance(one, LinkDraft)], at=intake.at)
        )
        results = [one if isinstance(one, Refusal) else next(made) for one in drafts]
        links = [one.link for one in results if not isinstance(one, Refusal) and one.link is not None]
        answers = iter(link_answers(links))
        data = []
        for one in results:
            no = one if isinstance(one, Refusal) else one.refusal
            if no is not None:
                data.append({"result": "refused", "link": None, "problem": problem(no)})
            else:
                is_new = not isinstance(one, Refusal) and one.is_new
                data.append({"result": "new" if is_new else "known", "link": next(answers), "problem": None})
        return Outcome(HTTPStatus.OK, {"data": data}, ACCEPTED)

    return answered_once(intake, handle)


def _change_link(intake: Intake, code: str) -> Outcome:
    intake.key = key = bearer_key(intake.request, at=intake.at)
    source = read_json_object(intake.readable_body())
    link = open_link_by_key(key, code)
    draft = _draft(source)
    presets = {**link.presets, **{name: str(source.get(name) or "") for name in OURS if name in source}}
    with transaction.atomic():
        link = link_verbs.change_link(
            link,
            destination=draft.destination if "destination" in source else None,
            label=draft.label if "label" in source else None,
            presets=presets if OURS & source.keys() else None,
            utm=draft.utm,
            at=intake.at,
        )
        if draft.code:
            link = link_verbs.rename_link(link, draft.code, at=intake.at)
        link = _with_more(link, source, intake)
    ignored = list(ignored_in(source, _DRAFT | _MORE))
    return Outcome(HTTPStatus.OK, {**link_answer(link), "ignored": ignored}, ACCEPTED)


def _with_more(link: "Link", source: Mapping[str, Any], intake: Intake) -> "Link":
    """The link with the other codes and the rules that were sent."""
    aliases = source.get("aliases")
    if aliases is not None:
        if not isinstance(aliases, list) or not all(isinstance(one, str) for one in aliases):
            raise refuse("aliases", "aliases is a list of codes.")
        if len(aliases) > MOST_ALIASES:
            raise refuse("aliases", f"aliases has more than {MOST_ALIASES} codes.")
        for alias in aliases:
            link = link_verbs.add_alias(link, alias, at=intake.at)
    if source.get("routing") is not None:
        try:
            link = link_verbs.route_link(link, source["routing"], at=intake.at)
        except RoutingRefused as refusal:
            refusal.field = (refusal.field or "routing")[:60]
            raise
    return link


def _draft(source: Mapping[str, Any]) -> LinkDraft:
    utm = source.get("utm")
    if utm is not None and not isinstance(utm, dict):
        raise refuse("utm", f"utm is {kind_of(utm)}. Send an object of names and values.")
    return LinkDraft(
        destination=read_text(source, "destination", longest=2000, example="https://shop.example/page"),
        label=read_text(source, "label", longest=120, example="Newsletter"),
        code=read_text(source, "code", longest=40, example="maya-shoes"),
        presets={
            name: text
            for name in sorted(OURS)
            if name in source and (text := read_text(source, name, longest=255, example="newsletter"))
        },
        utm=utm,
    )


def _no_object(row: object) -> dict[str, Any]:
    raise refuse("links", f"This link is {kind_of(row)}. Send an object.")


def _enrolment(key: "ApiKey", source: Mapping[str, Any]) -> "Enrolment":
    """The place a link is for. Raises InputRefused when several would fit, NotVisible when none does."""
    affiliate = read_text(source, "affiliate", longest=60, example="aff_06f3…", is_required=key.merchant is not None)
    if key.affiliate is not None and affiliate not in {"", key.affiliate.public_id}:
        raise refuse("affiliate", "affiliate is another one than the key's. Leave it out.", code="not_allowed")
    found = find_enrolment(
        merchant=key.merchant,
        affiliate=affiliate or (key.affiliate.public_id if key.affiliate else ""),
        program=read_text(source, "program", longest=60, example="prog_06f3…"),
    )
    if found is None:
        raise refuse("program", "program is missing, and there is more than one. Send its id.", code="field_missing")
    return found
