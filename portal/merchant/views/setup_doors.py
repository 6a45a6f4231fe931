"""Setup of the tag and of the postback: what to paste, what arrived, and another network's address in our words."""

import re
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from django.views.decorators.http import require_POST, require_safe

from affiliates.errors import NotVisible
from affiliates.queries import hosts_of
from ledger.money import Money
from payouts.browser_orders import confirm_waiting_sale, set_tag_orders
from payouts.queries.browser_orders import tag_orders_of, waiting_for_server
from portal.merchant.pages import here, page_of, show
from portal.merchant.setup_forms import TagOrdersForm, TestOrderForm, TranslatorForm
from portal.merchant.setup_words import KINDS, MEANINGS, meaning_of, sentence_of, tone_of
from portal.merchant.trial import DOOR, send_test_order
from portal.reasons import reason_of
from portal.requests import MerchantRequest
from tracking.access import open_conversion_in, open_inbox_request_in
from tracking.dialects import ALIASES, NETWORKS, OWN_FIELDS
from tracking.macros import Kind, translate
from tracking.queries.merchant import inbox_of

_CONSENTS = ("auto", "granted", "denied")
_ARRIVALS = 10
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,40}", re.ASCII)

#: How systems write their placeholders, for the postback that is put together here.
_STYLES = ("{%s}", "{{%s}}", "[[%s]]", "#%s#", "!!!%s!!!")


@require_safe
def tag(request: MerchantRequest) -> HttpResponse:
    """The snippet with this merchant's own values, when its orders count, and what has arrived."""
    consent = request.GET.get("consent", "")
    consent = consent if consent in _CONSENTS else "auto"
    return _show_tag(request, TagOrdersForm(initial={"orders": tag_orders_of(request.merchant)}), consent)


@require_POST
def tag_orders(request: MerchantRequest) -> HttpResponse:
    """Say when orders from browsers count."""
    form = TagOrdersForm(request.POST)
    if not form.is_valid():
        return _show_tag(request, form, "auto", status=400)
    set_tag_orders(request.merchant, form.cleaned_data["orders"], by=request.user, at=timezone.now())
    messages.success(request, _("Saved. It holds for orders that come from now on."))
    return redirect("merchant:setup-tag", request.merchant.slug)


@require_safe
def waiting(request: MerchantRequest) -> HttpResponse:
    """Orders from browsers that wait for the server's word."""
    page = page_of(request, waiting_for_server(request.merchant))
    rows = [(order, here(request, "conversion", order.public_id)) for order in page]
    return show(
        request, "setup_waiting.html", {"rows": rows, "page": page}, place="setup", title=_("Waiting for your server"),
        lead=_("Only shoppers' browsers reported these orders. They count when your server reports them, or when you confirm them here."),
        crumbs=[(_("Setup"), here(request, "setup")), (_("Tag"), here(request, "setup-tag"))],
    )  # fmt: skip


@require_POST
def confirm(request: MerchantRequest, conversion_id: str) -> HttpResponse:
    """Let one of them count."""
    conversion = open_conversion_in(request.merchant, conversion_id)
    confirm_waiting_sale(conversion, by=request.user, at=timezone.now())
    messages.success(request, _("Order %(order)s counts now.") % {"order": conversion.order_ref})
    return redirect("merchant:setup-waiting", request.merchant.slug)


@require_safe
def postback(request: MerchantRequest) -> HttpResponse:
    """The merchant's own postback address, put together for the system that will call it."""
    return _show_postback(request, TestOrderForm(initial={"amount": _amount(request)}))


@require_POST
def send_test(request: MerchantRequest) -> HttpResponse:
    """Report a test order and show at once what became of it."""
    form = TestOrderForm(request.POST)
    if not form.is_valid():
        return _show_postback(request, form, status=400)
    row = send_test_order(request, at=timezone.now(), **form.cleaned_data)
    return redirect(here(request, "setup-postback", arrived=row.public_id) + "#test")


@require_safe
def translator(request: MerchantRequest) -> HttpResponse:
    """Another network's address as ours, each parameter explained."""
    asked = request.GET if "address" in request.GET else None
    form = TranslatorForm(asked)
    context: dict[str, Any] = {"form": form, "tabs": _tabs(request, "setup-translator"), "examples": _examples(request)}
    if asked is not None and form.is_valid():
        said = form.cleaned_data
        found = translate(
            said["address"],
            postback_base=f"{settings.BASE_URL}/postback",
            link_base=f"{settings.CLICK_BASE_URL}/r/CODE",
            kind=Kind(said["kind"]) if said["kind"] else None,
        )
        context |= {
            "found": found,
            "kind": KINDS[found.kind],
            "notes": [(tone_of(note), sentence_of(note, found.kind)) for note in found.notes],
            "rows": [(row, _meaning(row.ours, row.name, found.kind)) for row in found.parameters],
            "needs_key": found.kind == Kind.ORDER and bool(found.url),
            "needs_code": found.kind == Kind.LINK and bool(found.url),
        }
    return show(
        request, "setup_translator.html", context, place="setup", title=_("Macro translator"),
        lead=_("Paste the postback or link that another network gave you. You get ours, and what each part of it means."),
        crumbs=[(_("Setup"), here(request, "setup"))],
    )  # fmt: skip


def setup_tabs(request: MerchantRequest, chosen: str = "setup") -> list[tuple[str, str, bool]]:
    """The pages of Setup, the first one chosen."""
    return _tabs(request, chosen)


def _tabs(request: MerchantRequest, chosen: str) -> list[tuple[str, str, bool]]:
    pages = (
        ("setup", pgettext("setup", "Start")), ("setup-tag", _("Tag")), ("setup-postback", _("Postback")),
        ("setup-translator", _("Macro translator")), ("shops", _("Shops")),
    )  # fmt: skip
    return [(label, here(request, name), name == chosen) for name, label in pages]


def _show_tag(request: MerchantRequest, form: TagOrdersForm, consent: str, *, status: int = 200) -> HttpResponse:
    merchant = request.merchant
    amount = _amount(request)
    context = {
        "tabs": _tabs(request, "setup-tag"),
        "consents": [(here(request, "setup-tag", consent=one) + "#page", one, one == consent) for one in _CONSENTS],
        "consent": consent,
        "snippet": _snippet(merchant.slug, consent),
        "order_snippet": _order_snippet(amount, merchant.currency),
        "pixel": _pixel(merchant.slug, amount, merchant.currency),
        "hosts": sorted(hosts_of(merchant)),
        "form": form,
        "waiting_count": waiting_for_server(merchant).count(),
        "arrivals": _arrivals(request, "tag", "pixel"),
        "events_url": here(request, "events"),
    }
    return show(
        request, "setup_tag.html", context, place="setup", title=_("Tag"), status=status,
        lead=_("A script for your shop's pages: it keeps the click, and reports the order from the shopper's browser."),
        crumbs=[(_("Setup"), here(request, "setup"))],
    )  # fmt: skip


def _show_postback(request: MerchantRequest, form: TestOrderForm, *, status: int = 200) -> HttpResponse:
    style = request.GET.get("style", "")
    style = style if style in _STYLES else _STYLES[0]
    context = {
        "tabs": _tabs(request, "setup-postback"),
        "styles": [(here(request, "setup-postback", style=one), one % "order_id", one == style) for one in _STYLES],
        "postback_url": _postback_url(request, style),
        "fields": [
            (name, MEANINGS[name], ", ".join(alias for alias in ALIASES[name] if alias != name)) for name in OWN_FIELDS
        ],
        "networks": ", ".join(network.name for network in NETWORKS),
        "form": form,
        "result": _result(request),
        "arrivals": _arrivals(request, "postback", DOOR),
        "events_url": here(request, "events"),
    }
    return show(
        request, "setup_postback.html", context, place="setup", title=_("Postback"), status=status,
        lead=_("For systems that call an address when an order is placed."),
        crumbs=[(_("Setup"), here(request, "setup"))],
    )  # fmt: skip


def _arrivals(request: MerchantRequest, *doors: str) -> list[tuple[Any, Any, str]]:
    rows = inbox_of(request.merchant).filter(door__in=doors)[:_ARRIVALS]
    return [(row, reason_of(row.reason) if row.reason else None, here(request, "event", row.public_id)) for row in rows]


def _result(request: MerchantRequest) -> tuple[Any, Any, str] | None:
    """What became of the test order that was just sent."""
    try:
        row = open_inbox_request_in(request.merchant, request.GET.get("arrived", ""))
    except NotVisible:
        return None
    return row, reason_of(row.reason) if row.reason else None, here(request, "event", row.public_id)


def _amount(request: MerchantRequest) -> str:
    return "62.00" if "." in Money.zero(request.merchant.currency).major else "6200"


def _snippet(slug: str, consent: str) -> str:
    return (
        "<script>window.aff=window.aff||function(){(aff.q=aff.q||[]).push(arguments)}</script>\n"
        f'<script async src="{settings.BASE_URL}/t.js" data-merchant="{slug}" data-consent="{consent}"></script>'
    )


def _order_snippet(amount: str, currency: str) -> str:
    return (
        "<script>\n"
        "aff('order', {\n"
        "  order_id: '1042',\n"
        f"  amount: '{amount}',\n"
        f"  currency: '{currency}'\n"
        "});\n"
        "</script>"
    )


def _pixel(slug: str, amount: str, currency: str) -> str:
    return (
        f'<noscript><img src="{settings.BASE_URL}/t/p.gif?merchant={slug}&amp;order_id=1042'
        f'&amp;amount={amount}&amp;currency={currency}&amp;click_id=" width="1" height="1" alt=""></noscript>'
    )


def _postback_url(request: MerchantRequest, style: str) -> str:
    values = "&".join(f"{name}={style % name}" for name in ("click_id", "order_id", "amount"))
    return f"{settings.BASE_URL}/postback?{values}&currency={request.merchant.currency}&key=sk_live_…"


def _meaning(ours: str, name: str, kind: Kind) -> Any:
    if kind == Kind.PARTNER:
        return _("The partner's own name; the placeholder in it is said in ours.") if ours == name else meaning_of("")
    return meaning_of(ours)


def _examples(request: MerchantRequest) -> list[tuple[str, str]]:
    addresses = (
        ("TUNE", "https://example.go2cloud.org/aff_lsr?transaction_id={transaction_id}&amount={amount}&adv_sub={order}"),
        ("CAKE", "https://tracking.example/p.ashx?o=12&r=#reqid#&t=#order#"),
        ("Awin", "https://www.awin1.com/sread.php?tt=ss&tv=2&merchant=1&amount={{total}}&ch=aw&vc={{coupon}}&cr=USD&ref={{order}}&testmode=0&cks={{awc}}"),
        ("CJ", "https://www.emjcd.com/u?CID=1&TYPE=2&METHOD=S2S&CJEVENT={cje}&OID={order}&CURRENCY=USD&ITEM1={sku}&AMT1={price}&QTY1={qty}"),
        (_("A tracked link"), "https://www.awin1.com/cread.php?awinmid=1&awinaffid=2&clickref=blog&ued=https%3A%2F%2Fshop.example%2Fsale"),
        (_("A partner's postback"), "https://tracker.example/postback?cid={aff_sub}&payout={payout}&txid={transaction_id}"),
    )  # fmt: skip
    return [(label, here(request, "setup-translator", address=address)) for label, address in addresses]
