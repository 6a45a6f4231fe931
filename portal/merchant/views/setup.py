"""Setup: what already works, and what to paste for the rest."""

from typing import Any

from django.conf import settings
from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from affiliates.queries import keys_of, programs_of
from ledger.money import Money
from portal.formats import format_moment
from portal.merchant.pages import here, show
from portal.merchant.views.setup_doors import setup_tabs
from portal.requests import MerchantRequest
from tracking.queries.merchant import progress_of


@require_safe
def setup(request: MerchantRequest) -> HttpResponse:
    """The checklist, and the recipes with this merchant's own values."""
    context = {
        "tabs": setup_tabs(request),
        "checklist": _checklist(request),
        "curl": _curl(request),
        "signed": _signed(),
        "answer": _ANSWER,
        "postback_url": _postback(request),
        "document_url": "/api/v1/openapi.json",
        "api_url": f"{settings.BASE_URL}/api/v1/",
    }
    return show(
        request, "setup.html", context, place="setup", title=_("Setup"),
        lead=_("From the first click to a verified order. Test orders are answered like real ones and never booked."),
    )  # fmt: skip


_ANSWER = """{
  "id": "conv_…",
  "verdict": "accepted",
  "reason": null,
  "test": true,
  "attribution": {"model": "last_click", "affiliate": "aff_…", …},
  "would_earn": {"affiliate": "aff_…", "amount": "12.40", …},
  "explain_url": "/merchant/…/conversions/conv_…/"
}"""


def _checklist(request: MerchantRequest) -> list[dict[str, Any]]:
    merchant = request.merchant
    seen = progress_of(merchant)
    programs = list(programs_of(merchant))
    has_keys = keys_of(merchant=merchant).filter(revoked_at=None).exists()
    steps = [
        (
            _("Program open to partners"),
            any(program.status == "open" for program in programs),
            None,
            "rules",
            _("Look at the rules"),
        ),
        (_("Key made"), has_keys, None, "keys", _("Make a key")),
        (_("Click counted"), seen.click_hour is not None, seen.click_hour, "partners", _("Look at the partners")),
        (_("Request received"), seen.request_at is not None, seen.request_at, "events", _("Look at the events")),
        (_("Test order answered"), seen.test_at is not None, seen.test_at, "events", _("Look at the events")),
        (_("Live order accepted"), seen.live_at is not None, seen.live_at, "conversions", _("Look at the orders")),
        (
            _("Order attributed to a partner"),
            seen.attributed_at is not None,
            seen.attributed_at,
            "conversions",
            _("Look at the orders"),
        ),
    ]
    items, is_next = [], True
    for what, is_done, when, place, label in steps:
        state = "done" if is_done else "current" if is_next else ""
        is_next = is_next and is_done
        detail = _("last seen %(when)s") % {"when": format_moment(when, style="ago")} if when else ""
        action = {} if is_done else {"action_label": label, "action_url": here(request, place)}
        items.append({"what": what, "state": state, "detail": detail, **action})
    return items


def _curl(request: MerchantRequest) -> str:
    currency = request.merchant.currency
    amount = "62.00" if "." in Money.zero(currency).major else "6200"
    return (
        f"curl -X POST {settings.BASE_URL}/api/v1/conversions \\\n"
        "  -H 'Authorization: Bearer sk_test_…' \\\n"
        "  -H 'Content-Type: application/json' \\\n"
        "  -H 'Idempotency-Key: TEST-1042' \\\n"
        f'  -d \'{{"order_id": "TEST-1042", "amount": "{amount}", "currency": "{currency}",\n'
        '       "click_id": "clk_…"}\''
    )


def _postback(request: MerchantRequest) -> str:
    return (
        f"{settings.BASE_URL}/postback?click_id={{click_id}}&order_id={{order_id}}&amount={{amount}}"
        f"&currency={request.merchant.currency}&key=sk_live_…"
    )


def _signed() -> str:
    return (
        "ts=$(date +%s)\n"
        "sig=$(printf '%s' \"$ts.$click_id.$order_id.$amount.$currency\" \\\n"
        "  | openssl dgst -sha256 -hmac \"$signing_secret\" | awk '{print $NF}')\n"
        f'curl "{settings.BASE_URL}/postback?click_id=$click_id&order_id=$order_id&amount=$amount'
        '&currency=$currency&key=$key_prefix&ts=$ts&sig=$sig"'
    )
