"""GET /creatives/<id>: a merchant's banner, for any site to show.

The kind is the one its content had when it came in (tracking/pictures.py). Nothing that could run is ever kept; the
headers see to it that no browser guesses otherwise.
"""

from http import HTTPStatus

from django.http import HttpRequest, HttpResponse, HttpResponseNotModified
from django.views.decorators.http import require_safe

from affiliates.errors import NotVisible
from tracking.creatives import content_of
from tracking.pictures import SUFFIXES
from tracking.queries.assets import open_banner

#: How long caches may show a banner before they ask again, so that a changed one is seen within the hour.
_FRESH = "public, max-age=3600"


@require_safe
def banner(request: HttpRequest, creative_id: str) -> HttpResponse:
    """The picture, whoever asks; it goes on being served after its last day, for it stands on people's pages."""
    creative = open_banner(creative_id)
    mark = f'"{creative.sha256[:32]}"'
    if request.headers.get("If-None-Match") == mark:
        response: HttpResponse = HttpResponseNotModified()
    else:
        content = content_of(creative)
        if content is None:
            raise NotVisible("banner")
        response = HttpResponse(content, content_type=creative.content_type, status=HTTPStatus.OK)
        name = f"{creative.public_id}.{SUFFIXES[creative.content_type]}"
        response["Content-Disposition"] = f'inline; filename="{name}"'
    response["ETag"] = mark
    response["Cache-Control"] = _FRESH
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    # Other sites' pages show it; without this, those that isolate themselves could not.
    response["Cross-Origin-Resource-Policy"] = "cross-origin"
    response.is_same_for_all = True  # type: ignore[attr-defined]
    return response
