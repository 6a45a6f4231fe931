"""What is kept of a request's headers: the few that explain it, and of a key only what everybody may see."""

import re
from urllib.parse import parse_qs

from django.http import HttpRequest

from portal.intake.privacy import hide_addresses, hide_keys

#: Headers that say what a request is; everything else is somebody's business and is not kept.
KEPT = (
    "User-Agent", "Content-Type", "Content-Length", "Content-Encoding", "Accept", "Accept-Language", "Origin", "Referer",
    "Idempotency-Key", "Authorization", "Webhook-Id", "Webhook-Timestamp", "X-Request-Id", "X-Shopify-Topic",
    "X-Shopify-Shop-Domain", "X-Shopify-Webhook-Id", "X-Shopify-Event-Id", "X-Shopify-Triggered-At", "X-Shopify-Test",
    "X-Wc-Webhook-Topic", "X-Wc-Webhook-Source", "X-Wc-Webhook-Delivery-Id", "X-Wc-Webhook-Id",
)  # fmt: skip

_LONGEST = 300
#: Each by its key in request.META: most requests have few of them, and every request is asked for all.
_KEYS = {
    name: key if key.startswith("CONTENT_") and name != "Content-Encoding" else f"HTTP_{key}"
    for name, key in ((name, name.upper().replace("-", "_")) for name in KEPT)
}
_OPEN = re.compile(r"(?:Bearer\s+)?(?:sk_live|sk_test|pk)_[0-9a-f]{8}_\*\*\*", re.ASCII)


def kept_headers(request: HttpRequest) -> dict[str, str]:
    """The headers to keep, each cut at 300 characters."""
    found = {}
    for name, key in _KEYS.items():
        text = request.META.get(key, "")
        if text:
            found[name] = _safe(name, text)
    return found


def given_key(request: HttpRequest) -> str:
    """The whole key a request came with, in its header or address, as yet unproved; empty when there is none."""
    scheme, _, secret = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    if scheme.lower() == "bearer" and secret.strip():
        return str(secret.strip())
    query = request.META.get("QUERY_STRING", "")
    if "key=" not in query or len(query) > 8_000:
        return ""
    try:
        return parse_qs(query, max_num_fields=200).get("key", [""])[0].strip()
    except ValueError:
        return ""


def _safe(name: str, text: str) -> str:
    shown = hide_addresses(hide_keys(text.encode("utf-8", "replace"))).decode("utf-8", "replace")
    if name == "Authorization" and not _OPEN.fullmatch(shown):
        # Somebody's own secret, sent to the wrong house.
        return f"{shown.split(' ')[0][:20]} ***" if " " in shown else "***"
    return "".join(sign if " " <= sign <= "~" else "?" for sign in shown[:_LONGEST])
