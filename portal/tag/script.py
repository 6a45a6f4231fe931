"""GET /t.js: the tag, made small without a build step, and cacheable for an hour."""

import gzip
import hashlib
import json
import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseNotModified
from django.views.decorators.http import require_safe

SOURCE = Path(__file__).with_name("tag.js")

#: What the tag may weigh on its way to a browser.
MOST_BYTES = 2_048

#: A changed tag is everywhere within the hour; a cache may show yesterday's while it asks again.
_CACHING = "public, max-age=3600, stale-while-revalidate=86400"


_STRING = re.compile(r"('(?:[^'\\]|\\.)*')")
_AROUND_SIGNS = re.compile(r"\s*([^\w$\s'])\s*")


class Script(NamedTuple):
    """The tag as it is sent."""

    text: bytes
    zipped: bytes
    version: str


def compact(source: str) -> str:
    """A script without the lines that are only comments and without blanks that mean nothing.

    It knows strings in single quotes and nothing else of the language: the source has no regular
    expression literals, no comments behind code, and a semicolon after every statement.
    """
    lines = (line.strip() for line in source.splitlines())
    text = " ".join(line for line in lines if line and not line.startswith("//"))
    pieces = _STRING.split(text)
    pieces[::2] = [_AROUND_SIGNS.sub(r"\1", piece) for piece in pieces[::2]]
    return "".join(pieces)


@cache
def script(door: str) -> Script:
    """The tag for a click door at this address."""
    text = compact(SOURCE.read_text(encoding="utf-8")).replace("'__DOOR__'", json.dumps(door)).encode()
    return Script(text, gzip.compress(text, 9, mtime=0), hashlib.sha256(text).hexdigest()[:16])


@require_safe
def tag(request: HttpRequest) -> HttpResponse:
    """The script; 304 for a browser that has this version."""
    one = script(settings.CLICK_BASE_URL)
    is_zipped = "gzip" in request.headers.get("Accept-Encoding", "")
    mark = f'"{one.version}{"-gz" if is_zipped else ""}"'
    headers = {
        "ETag": mark,
        "Cache-Control": _CACHING,
        "Vary": "Accept-Encoding",
        "X-Tag-Version": one.version,
        # Pages of other origins load it, those too that isolate themselves.
        "Access-Control-Allow-Origin": "*",
        "Cross-Origin-Resource-Policy": "cross-origin",
    }
    asked = {part.strip().removeprefix("W/") for part in request.headers.get("If-None-Match", "").split(",")}
    if mark in asked:
        return _for_all(HttpResponseNotModified(headers=headers))
    if is_zipped:
        headers["Content-Encoding"] = "gzip"
    text = one.zipped if is_zipped else one.text
    return _for_all(HttpResponse(text, content_type="text/javascript; charset=utf-8", headers=headers))


def _for_all(response: HttpResponse) -> HttpResponse:
    """Mark for portal.middleware.SameForAllMiddleware: caches may hand it to anybody."""
    response.is_same_for_all = True  # type: ignore[attr-defined]
    return response
