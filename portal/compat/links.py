"""Dub's links over ours: every link belongs to a partner here, and an address that was shared works for ever."""

import io
from typing import TYPE_CHECKING, Any

import segno
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.http import HttpResponse

from ledger.errors import Refusal
from ledger.ids import uuid_from_public_id
from payouts.queries.dub import LinkFigures, link_figures, links_in_program, places_in
from portal.compat import shapes
from portal.compat.wire import Call, DubRefused, answer, list_of, refused_of, whole_of
from portal.errors import status_of
from tracking import links as verbs
from tracking.customers import foreign_records, note_foreign, subject_by_foreign_id
from tracking.errors import CodeTaken
from tracking.queries.compat import link_by_code

if TYPE_CHECKING:
    # For annotations only: doors hold verbs, never nouns.
    from affiliates.models import Enrolment
    from tracking.models import Link

#: What we keep for the shop as it came, beside what our own link has.
KEPT = (
    "title", "description", "image", "video", "ios", "android", "geo", "comments", "expiresAt", "expiredUrl", "proxy",
    "rewrite", "doIndex", "publicStats", "folderId", "utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content",
)  # fmt: skip
_MOST_AT_ONCE = 100
_UTM = ("utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content")


def list_links(call: Call) -> HttpResponse:
    """GET /links, by page or by cursor."""
    found = _matching(call)
    cursor, before = call.query.get("startingAfter"), call.query.get("endingBefore")
    if (cursor and before) or ((cursor or before) and call.query.get("page")):
        raise DubRefused(422, "Use page, startingAfter or endingBefore, one of them.")
    start, size = call.page()
    if cursor or before:
        mark = _by_id(call, cursor or before or "")
        is_older = Q(created_at__lt=mark.created_at) | Q(created_at=mark.created_at, pk__lt=mark.pk)
        found = found.filter(is_older) if cursor else found.exclude(is_older).exclude(pk=mark.pk)
        start = 0
    return answer(shown(call, list(found[start : start + size])))


def count(call: Call) -> HttpResponse:
    """GET /links/count."""
    return answer(_matching(call).count())


def info(call: Call) -> HttpResponse:
    """GET /links/info by domain and key, id or the shop's own id."""
    if call.query.get("key"):
        link = link_by_code(call.query["key"])
        if link is None or link.program_id != call.program.pk:
            raise DubRefused(404, "Link not found.")
    elif call.query.get("linkId"):
        link = open_link(call, call.query["linkId"])
    else:
        link = open_link(call, f"ext_{call.query.get('externalId', '').removeprefix('ext_')}")
    return answer(shown(call, [link])[0])


def create(call: Call) -> HttpResponse:
    """POST /links."""
    return answer(_created(call, call.body))


def create_many(call: Call) -> HttpResponse:
    """POST /links/bulk: each for itself."""
    if not isinstance(call.body, list) or len(call.body) > _MOST_AT_ONCE:
        raise DubRefused(422, f"Send an array of at most {_MOST_AT_ONCE} links.")
    rows: list[dict[str, Any]] = []
    for said in call.body:
        try:
            rows.append(_created(call, said))
        except DubRefused as trouble:
            code = {404: "not_found", 409: "conflict", 403: "forbidden", 400: "bad_request"}.get(
                trouble.status, "unprocessable_entity"
            )
            rows.append({"link": said, "error": trouble.message, "code": code})
    return answer(rows)


def upsert(call: Call) -> HttpResponse:
    """PUT /links/upsert: the link with this key or external id, changed; else a new one."""
    said = _object(call.body)
    known = _known(call, said)
    return answer(_changed(call, known, said) if known else _created(call, said))


def update(call: Call, link_id: str) -> HttpResponse:
    """PATCH /links/{linkId}."""
    return answer(_changed(call, open_link(call, link_id), _object(call.body)))


def update_many(call: Call) -> HttpResponse:
    """PATCH /links/bulk."""
    said = _object(call.body)
    ids = said.get("linkIds") or [f"ext_{one}" for one in said.get("externalIds") or []]
    if not isinstance(ids, list) or len(ids) > _MOST_AT_ONCE:
        raise DubRefused(422, f"linkIds: expected at most {_MOST_AT_ONCE}.")
    data = _object(said.get("data") or {})
    return answer([_changed(call, open_link(call, str(one)), data) for one in ids])


def delete(call: Call, link_id: str) -> HttpResponse:
    """DELETE /links/{linkId}: out of the lists; the shared address goes on working."""
    link = verbs.retire_link(open_link(call, link_id), at=call.at)
    return answer({"id": link.public_id})


def delete_many(call: Call) -> HttpResponse:
    """DELETE /links/bulk?linkIds=a,b."""
    found = [open_link(call, one) for one in list_of(call.query.get("linkIds"))[:_MOST_AT_ONCE]]
    for link in found:
        verbs.retire_link(link, at=call.at)
    return answer({"deletedCount": len(found)})


def qr(call: Call) -> HttpResponse:
    """GET /qr as PNG, in the size and colours asked for."""
    url = call.query.get("url", "")
    if not url:
        raise DubRefused(422, "url is required.")
    try:
        size = whole_of("size", float(call.query.get("size") or 600))
        margin = whole_of("margin", float(call.query.get("margin") or 2))
    except ValueError:
        raise DubRefused(422, "size and margin: expected numbers.") from None
    code = segno.make(url[:2_000], error=(call.query.get("level") or "L")[:1].lower(), micro=False)
    scale = max(1, min(size, 2_000) // (code.symbol_size(border=margin)[0]))
    picture = io.BytesIO()
    try:
        code.save(
            picture, kind="png", scale=scale, border=min(margin, 20),
            dark=call.query.get("fgColor") or "#000000", light=call.query.get("bgColor") or "#FFFFFF",
        )  # fmt: skip
    except ValueError:
        raise DubRefused(422, "fgColor and bgColor: expected colours such as #1a2b3c.") from None
    return HttpResponse(picture.getvalue(), content_type="image/png")


def open_link(call: Call, link_id: str) -> "Link":
    """A link of the program by our id or `ext_` and the shop's own. Raises DubRefused."""
    if link_id.startswith("ext_"):
        subject = subject_by_foreign_id(call.merchant, "link", external_id=link_id.removeprefix("ext_"))
        if subject is None:
            raise DubRefused(404, "Link not found.")
        link_id = subject
    return _by_id(call, link_id)


def shown(call: Call, links: "list[Link]") -> list[dict[str, Any]]:
    """Links as Dub's objects, in a fixed number of queries."""
    figures = link_figures(links, is_test=call.is_test)
    records = foreign_records(call.merchant, "link", [link.public_id for link in links])
    return [
        shapes.link_full(call, link, figures.get(link.pk, LinkFigures()), records.get(link.public_id)) for link in links
    ]


def place_of(call: Call, said: dict[str, Any]) -> "Enrolment":
    """The partner's place that a body or query names by partnerId or tenantId. Raises DubRefused."""
    partner_id, tenant_id = said.get("partnerId"), said.get("tenantId")
    if not partner_id and not tenant_id:
        raise DubRefused(
            422, "partnerId or tenantId is required: every link belongs to a partner here."
        )  # fmt: skip
    if not partner_id:
        partner_id = subject_by_foreign_id(call.merchant, "partner", tenant_id=str(tenant_id))
    place = next((one for one in places_in(call.program) if one.affiliate.public_id == partner_id), None)
    if place is None:
        raise DubRefused(404, "Partner not found.")
    return place


def _matching(call: Call) -> Any:
    found = links_in_program(call.program)
    if call.query.get("showArchived") != "true":
        found = found.filter(status="active")
    if call.query.get("search"):
        text = call.query["search"]
        found = found.filter(Q(code__icontains=text) | Q(destination__icontains=text))
    if call.query.get("tenantId"):
        subject = subject_by_foreign_id(call.merchant, "partner", tenant_id=call.query["tenantId"])
        places = [one.pk for one in places_in(call.program) if subject and one.affiliate.public_id == subject]
        found = found.filter(enrolment__in=places)
    if call.query.get("tagId") or call.query.get("tagIds") or call.query.get("tagNames") or call.query.get("folderId"):
        return found.none()
    return found


def _by_id(call: Call, link_id: str) -> "Link":
    found = next(iter(links_in_program(call.program).filter(pk__in=_keys(link_id))), None)
    if found is None:
        raise DubRefused(404, "Link not found.")
    return found


def _keys(link_id: str) -> list[Any]:
    try:
        return [uuid_from_public_id(link_id, "link")]
    except ValueError:
        return []


def _created(call: Call, body: object) -> dict[str, Any]:
    said = _object(body)
    place = place_of(call, said)
    try:
        with transaction.atomic():
            link = verbs.create_link(
                place, destination=str(said.get("url") or ""), code=_code(said), label=str(said.get("comments") or "")[:120],
                utm=_utm(said), at=call.at,
            )  # fmt: skip
            _note(call, link, said)
    except CodeTaken as refusal:
        raise DubRefused(409, refusal.message) from refusal
    except IntegrityError as error:
        raise DubRefused(409, "This externalId is in use for another link.") from error
    except Refusal as refusal:
        raise refused_of(refusal, status=int(status_of(refusal))) from refusal
    return shown(call, [link])[0]


def _changed(call: Call, link: "Link", said: dict[str, Any]) -> dict[str, Any]:
    try:
        with transaction.atomic():
            link = verbs.change_link(
                link, destination=str(said["url"]) if said.get("url") else None,
                label=str(said["comments"])[:120] if said.get("comments") else None, utm=_utm(said), at=call.at,
            )  # fmt: skip
            if said.get("key") and str(said["key"]).lower() != link.code:
                link = verbs.rename_link(link, str(said["key"]).lower(), at=call.at)
            if said.get("archived") is True:
                link = verbs.retire_link(link, at=call.at)
            elif said.get("archived") is False and link.status != "active":
                link = verbs.restore_link(link, at=call.at)
            _note(call, link, said)
    except CodeTaken as refusal:
        raise DubRefused(409, refusal.message) from refusal
    except IntegrityError as error:
        raise DubRefused(409, "This externalId is in use for another link.") from error
    except Refusal as refusal:
        raise refused_of(refusal, status=int(status_of(refusal))) from refusal
    return shown(call, [link])[0]


def _note(call: Call, link: "Link", said: dict[str, Any]) -> None:
    data = {name: said[name] for name in KEPT if name in said}
    has_names = "externalId" in said or "tenantId" in said
    if data or has_names:
        note_foreign(
            call.merchant, "link", link.public_id, at=call.at, data=data,
            external_id=_name(said, "externalId"), tenant_id=_name(said, "tenantId"),
        )  # fmt: skip


def _name(said: dict[str, Any], name: str) -> str | None:
    """The shop's own id: None leaves it, null or "" in the body clears it."""
    return None if name not in said else str(said[name] or "").removeprefix("ext_")[:255]


def _known(call: Call, said: dict[str, Any]) -> "Link | None":
    if said.get("externalId"):
        subject = subject_by_foreign_id(call.merchant, "link", external_id=str(said["externalId"]).removeprefix("ext_"))
        if subject:
            return _by_id(call, subject)
    if said.get("key"):
        link = link_by_code(str(said["key"]))
        return link if link is not None and link.program_id == call.program.pk else None
    if said.get("partnerId") or said.get("tenantId"):
        place = place_of(call, said)
        return links_in_program(call.program).filter(enrolment=place, destination=str(said.get("url") or "")).first()
    return None


def _code(said: dict[str, Any]) -> str:
    if said.get("key"):
        return str(said["key"]).lower()
    return ""


def _utm(said: dict[str, Any]) -> dict[str, str] | None:
    found = {name: str(said[name]) for name in _UTM if said.get(name)}
    return found or None


def _object(body: object) -> dict[str, Any]:
    if not isinstance(body, dict):
        raise DubRefused(422, "Expected an object.")
    return body
