"""Touches that lead nowhere: an impression's pixel, and a visit that a script on the shop's page reports.

`GET /i/<code>.gif` records that an advertisement was seen (feature C11). `POST /t/visit` records a
click for partners who link to the shop directly: the shop's script sends the partner's code.
"""

from typing import TYPE_CHECKING, Any

import orjson

from portal.click.keeper import DatabaseSilent
from portal.click.visitors import VIEW_COOKIE, VISITOR_COOKIE, is_visitor_id, visitor_of
from tracking.addresses import short_address
from tracking.consent import DENIED, GRANTED, allows_cookies, read_consent
from tracking.destinations import DestinationRefused, read_destination
from tracking.parameters import LONGEST_QUERY, with_presets

if TYPE_CHECKING:
    from granian.rsgi import HTTPProtocol, Scope

    from portal.click.links import Link
    from portal.click.server import Door

VIEW_PREFIX = "/i/"
VISIT_PATH = "/t/visit"
MOST_BODY_BYTES = 4_096
LONGEST_REFERRER = 2_000

# One transparent point.
_GIF = bytes.fromhex("47494638396101000100800000000000ffffff21f90401000000002c00000000010001000002024401003b")
_GIF_HEADERS = (
    ("content-type", "image/gif"),
    ("cache-control", "no-store"),
    ("cross-origin-resource-policy", "cross-origin"),
    ("x-content-type-options", "nosniff"),
)
# No credentials: the answer is the same for everybody, and no page reads our cookies through it.
_CORS = (("access-control-allow-origin", "*"), ("cache-control", "no-store"), ("vary", "Origin"))
_JSON_HEADERS = (("content-type", "application/json"), ("x-content-type-options", "nosniff"), *_CORS)
_PREFLIGHT_HEADERS = (
    ("access-control-allow-methods", "POST, OPTIONS"),
    ("access-control-allow-headers", "content-type"),
    ("access-control-max-age", "86400"),
    *_CORS,
)


class VisitRefused(Exception):
    """A reported visit that cannot be recorded: status, code, field and a sentence for its sender."""

    def __init__(self, status: int, code: str, field: str, message: str) -> None:
        self.status, self.code, self.field = status, code, field
        super().__init__(message)


async def answer_view(door: "Door", scope: "Scope", proto: "HTTPProtocol") -> None:
    """Records an impression and answers with a transparent point, whatever happened."""
    if scope.method not in {"GET", "HEAD"}:
        proto.response_str(405, [("allow", "GET, HEAD")], "Only GET and HEAD are answered here.\n")
        return
    code = scope.path.removeprefix(VIEW_PREFIX).removesuffix(".gif")
    try:
        link = await door.find(code)
    except DatabaseSilent:
        proto.response_bytes(503, [*_GIF_HEADERS, ("retry-after", "5")], _GIF)
        return
    if link is None:
        door.metrics.unknown += 1
        proto.response_bytes(404, [*_GIF_HEADERS], _GIF)
        return
    header = scope.headers.get
    query, problems = scope.query_string, link.problem
    if len(query) > LONGEST_QUERY:
        query, problems = "", f"{problems} query:too_long"
    query = with_presets(query, link.presets)
    user_agent, referrer, language, address, cuts = door.visitor_facts(scope)
    consent, problem = read_consent(query, header("sec-gpc"), is_required=link.program.needs_consent)
    has_consent = allows_cookies(consent)
    known = visitor_of(header("cookie")) if has_consent else None
    visitor = known or (door.visitor_ids.new() if has_consent else None)
    reason = (
        link.reason
        or door.agents.reason_not_to_count(
            scope.method, user_agent, header("sec-purpose"), fetch_dest=header("sec-fetch-dest"), wanted_dest="image"
        )
        or door.flood_reason(address + scope.path)
    )
    if reason:
        door.metrics.observe_uncounted(reason)
    view_id = door.click_ids.new()
    await door.commits.add(
        (
            *(view_id, link.belongs_to, visitor, link.url, referrer, user_agent, language),
            *(address if has_consent else short_address(address), query, reason, f"{problems}{cuts} {problem}"),
            *("view", consent, "", known is None and has_consent),
        )
    )
    headers = [*_GIF_HEADERS]
    if visitor is not None:
        headers.append(("set-cookie", f"{VISITOR_COOKIE}={visitor}{door.cookie_ending}"))
        headers.append(("set-cookie", f"{VIEW_COOKIE}={view_id}{door.cookie_ending}"))
    proto.response_bytes(200, headers, _GIF)


async def answer_visit(door: "Door", scope: "Scope", proto: "HTTPProtocol") -> None:
    """Records a click that a script reports, and answers its id; every bad input gets a clear answer."""
    if scope.method == "OPTIONS":
        proto.response_empty(204, [*_PREFLIGHT_HEADERS])
        return
    try:
        said = _read_body(await _body(scope, proto))
        link = await _link(door, said)
        answer = await _record(door, link, said, scope)
    except VisitRefused as refusal:
        body: dict[str, Any] = {"error": refusal.code, "field": refusal.field, "message": str(refusal)}
        allow = [("allow", "POST, OPTIONS")] if refusal.status == 405 else []
        proto.response_bytes(refusal.status, [*_JSON_HEADERS, *allow], orjson.dumps(body))
    else:
        proto.response_bytes(200, [*_JSON_HEADERS], orjson.dumps(answer))


async def _body(scope: "Scope", proto: "HTTPProtocol") -> bytes:
    """The request's body, no more of it than may come."""
    if scope.method != "POST":
        raise VisitRefused(405, "method_not_allowed", "", "Send a POST.")
    too_large = VisitRefused(413, "body_too_large", "", f"A visit has at most {MOST_BODY_BYTES} bytes.")
    length = scope.headers.get("content-length")
    if length is not None and (not length.isascii() or not length.isdigit() or int(length[:12]) > MOST_BODY_BYTES):
        raise too_large
    body = b""
    async for chunk in proto:
        body += chunk
        if len(body) > MOST_BODY_BYTES:
            raise too_large
    return body


def _read_body(body: bytes) -> dict[str, Any]:
    """The fields of a visit."""
    try:
        said = orjson.loads(body)
    except ValueError as error:
        raise VisitRefused(400, "not_json", "", "The body is no JSON.") from error
    if not isinstance(said, dict):
        raise VisitRefused(400, "not_an_object", "", "Send a JSON object with code, url, referrer and consent.")
    for name in ("code", "url", "referrer"):
        value = said.get(name)
        if value is not None and not isinstance(value, str):
            raise VisitRefused(422, "not_a_text", name, f"{name} is a text.")
    if said.get("consent") is not None and not isinstance(said["consent"], bool):
        raise VisitRefused(422, "not_a_consent", "consent", "consent is true, false or left out.")
    if said.get("visitor_id") is not None and not is_visitor_id(said["visitor_id"]):
        raise VisitRefused(422, "not_a_visitor_id", "visitor_id", "Send back the visitor_id you were given.")
    return said


async def _link(door: "Door", said: dict[str, Any]) -> "Link":
    """The link whose code was sent."""
    code = (said.get("code") or "").strip()
    if not code:
        raise VisitRefused(422, "code_missing", "code", "Send the partner's link code.")
    try:
        link = await door.find(code)
    except DatabaseSilent:
        raise VisitRefused(503, "try_again", "", "Links cannot be looked up right now. Try again.") from None
    if link is None:
        door.metrics.unknown += 1
        raise VisitRefused(404, "unknown_code", "code", "There is no link with this code.")
    return link


async def _record(door: "Door", link: "Link", said: dict[str, Any], scope: "Scope") -> dict[str, str]:
    """The recorded click's id, and the visitor's where there is consent."""
    page = said.get("url") or ""
    query = ""
    if page:
        try:
            target = read_destination(
                page, allowed_hosts=link.program.allowed_hosts, allow_local=door.settings.allow_local
            )
        except DestinationRefused as refusal:
            door.metrics.refused_destinations += 1
            raise VisitRefused(422, refusal.code, "url", str(refusal)) from refusal
        page = target.url
        query = page.partition("?")[2].partition("#")[0]
    query = with_presets(query, link.presets)
    user_agent, _, language, address, cuts = door.visitor_facts(scope)
    consent, problem = read_consent(query, scope.headers.get("sec-gpc"), is_required=link.program.needs_consent)
    if said.get("consent") is False:
        consent = DENIED
    elif said.get("consent") is True and consent != DENIED:
        consent = GRANTED
    has_consent = allows_cookies(consent)
    known = said.get("visitor_id") if has_consent else None
    visitor = known or (door.visitor_ids.new() if has_consent else None)
    referrer = said.get("referrer") or ""
    if len(referrer) > LONGEST_REFERRER:
        referrer, cuts = referrer[:LONGEST_REFERRER], f"{cuts} referrer:cut"
    # A script's request is never a page; who calls it is judged by the rest.
    reason = (
        link.reason
        or door.agents.reason_not_to_count(scope.method, user_agent, scope.headers.get("sec-purpose"))
        or door.flood_reason(f"{address}{VISIT_PATH}{link.belongs_to}")
    )
    if reason:
        door.metrics.observe_uncounted(reason)
    click_id = door.click_ids.new()
    await door.commits.add(
        (
            *(click_id, link.belongs_to, visitor, page or link.url, referrer, user_agent, language),
            *(address if has_consent else short_address(address), query, reason, f"{link.problem}{cuts} {problem}"),
            *("click", consent, "", known is None and has_consent),
        )
    )
    answer = {"click_id": click_id}
    if visitor is not None:
        answer["visitor_id"] = visitor
    return answer
