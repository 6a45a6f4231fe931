"""Shops: connected so that they tell of their orders by themselves; their address, recipe and last events."""

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from affiliates import shops as verbs
from ledger.errors import Refusal
from payouts.converging import catch_up
from portal.errors import sentence_of
from portal.merchant.pages import here, show
from portal.merchant.shop_forms import ConnectForm, SecretForm, ShopSettingsForm
from portal.merchant.shop_recipes import TOPICS, samples_of, steps_of
from portal.merchant.views.setup_doors import setup_tabs
from portal.reasons import reason_of
from portal.requests import MerchantRequest
from tracking.queries.merchant import inbox_of

if TYPE_CHECKING:
    # For annotations only: doors hold verbs, never nouns.
    from affiliates.models import ShopConnection

_ARRIVALS = 10


@require_safe
def shops(request: MerchantRequest) -> HttpResponse:
    """The connected shops, and a form for another."""
    return _show_all(request, ConnectForm())


@require_POST
def connect(request: MerchantRequest) -> HttpResponse:
    """Connect a shop. A secret that we made is shown now and never again, so this is not redirected."""
    form = ConnectForm(request.POST)
    if not form.is_valid():
        return _show_all(request, form, status=400)
    said = form.cleaned_data
    try:
        shop, made = verbs.connect_shop(
            request.merchant, said["kind"], label=said["label"], by=request.user, at=timezone.now()
        )
    except Refusal as refusal:
        form.add_error(refusal.field if refusal.field in form.fields else None, sentence_of(refusal))
        return _show_all(request, form, status=400)
    if made:
        return _show_one(request, shop, made=made)
    messages.success(request, _("The shop is connected. Paste its signing secret next."))
    return redirect("merchant:shop", request.merchant.slug, shop.public_id)


@require_safe
def shop(request: MerchantRequest, shop_id: str) -> HttpResponse:
    """One shop: what to paste there, and what came from it."""
    return _show_one(request, verbs.open_shop_in(request.merchant, shop_id))


@require_POST
def rotate(request: MerchantRequest, shop_id: str) -> HttpResponse:
    """Replace the secret; the one before opens for another day."""
    found = verbs.open_shop_in(request.merchant, shop_id)
    given = ""
    if found.kind != "woocommerce":
        form = SecretForm(request.POST)
        if not form.is_valid():
            return _show_one(request, found, form=form, status=400)
        given = form.cleaned_data["secret"]
    try:
        made = verbs.rotate_shop_secret(found, secret=given, by=request.user, at=timezone.now())
    except Refusal as refusal:
        messages.error(request, sentence_of(refusal))
        return redirect("merchant:shop", request.merchant.slug, found.public_id)
    if made:
        return _show_one(request, found, made=made)
    messages.success(request, _("The secret is kept. The one before is taken for another day."))
    return redirect("merchant:shop", request.merchant.slug, found.public_id)


@require_POST
def turn(request: MerchantRequest, shop_id: str) -> HttpResponse:
    """Pause a shop that is active, and the other way round; what was kept meanwhile is booked."""
    found, at = verbs.open_shop_in(request.merchant, shop_id), timezone.now()
    if found.status == "active":
        verbs.pause_shop(found, by=request.user, at=at)
        messages.success(request, _("The shop is paused. Its events are kept and booked when you resume it."))
    else:
        turned, since = verbs.resume_shop(found, by=request.user, at=at)
        count = catch_up(turned, since=since, at=at) if since else 0
        messages.success(request, _("The shop goes on. Orders looked at: %(count)s.") % {"count": count})
    return redirect("merchant:shop", request.merchant.slug, found.public_id)


@require_POST
def change(request: MerchantRequest, shop_id: str) -> HttpResponse:
    """Say what the shop's orders are counted by."""
    found = verbs.open_shop_in(request.merchant, shop_id)
    form = ShopSettingsForm(request.POST, kind=found.kind)
    if form.is_valid():
        verbs.change_shop_settings(found, settings=dict(form.cleaned_data), by=request.user, at=timezone.now())
        messages.success(request, _("Saved. It holds for events that come from now on."))
    else:
        messages.error(request, _("Choose one of the answers."))
    return redirect("merchant:shop", request.merchant.slug, found.public_id)


def _show_all(request: MerchantRequest, form: ConnectForm, *, status: int = 200) -> HttpResponse:
    context = {
        "tabs": setup_tabs(request, "shops"),
        "rows": [(one, here(request, "shop", one.public_id)) for one in verbs.shops_of(request.merchant)],
        "form": form,
    }
    return show(
        request, "shops.html", context, place="setup", title=_("Shops"), status=status,
        lead=_("Your shop tells of orders, refunds and disputes by itself, signed. Nothing has to be programmed."),
    )  # fmt: skip


def _show_one(
    request: MerchantRequest,
    found: "ShopConnection",
    *,
    made: str = "",
    form: SecretForm | None = None,
    status: int = 200,
) -> HttpResponse:
    kind, slug = found.kind, request.merchant.slug
    rows = inbox_of(request.merchant, door=kind)[:_ARRIVALS]
    context: dict[str, Any] = {
        "shop": found,
        "made": made,
        "address": f"{settings.BASE_URL}{reverse(f'shop-hook-{kind}', args=[slug])}",
        "topics": TOPICS[kind],
        "steps": steps_of(kind),
        "samples": samples_of(kind, slug),
        "has_secret": verbs.has_secret(found),
        "secret_form": form or SecretForm(),
        "settings_form": ShopSettingsForm(
            kind=kind,
            initial={
                "basis": found.settings.get("basis", "net"),
                "order_number": found.settings.get("order_number", "id"),
            },
        ),
        "arrivals": [
            (row, reason_of(row.reason) if row.reason else None, here(request, "event", row.public_id)) for row in rows
        ],
        "events_url": here(request, "events", door=kind),
    }
    response = show(
        request, "shop.html", context, place="setup", title=f"{found.get_kind_display()} · {found.label}", status=status,
        crumbs=[(_("Setup"), here(request, "setup")), (_("Shops"), here(request, "shops"))],
    )  # fmt: skip
    if made:
        response["Cache-Control"] = "no-store"
    return response
