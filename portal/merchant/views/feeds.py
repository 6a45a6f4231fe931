"""Product feeds: where they come from, what the last one brought, and the rows that were refused."""

from functools import partial
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from affiliates.access import may, open_program_of
from ledger.errors import Refusal
from portal.exports import csv_response
from portal.feed_words import words_of
from portal.merchant.feed_forms import FeedAddressForm, FeedFileForm
from portal.merchant.pages import here, page_of, show
from portal.requests import MerchantRequest
from tracking import feeds as verbs
from tracking import tasks
from tracking.feed_values import COLUMNS
from tracking.queries.products import feeds_in, may_link_to_products, open_feed, refusals_of

if TYPE_CHECKING:
    # For annotations only: doors hold verbs, never nouns.
    from affiliates.models import Program


@require_safe
def feeds(request: MerchantRequest) -> HttpResponse:
    """Every program with its feed."""
    rows = [
        (program, feed, words_of(feed.reason)[0] if feed and feed.reason else "", here(request, "feed", program.slug))
        for program, feed, _may_link in feeds_in(request.merchant)
    ]
    return show(
        request, "feeds.html", {"rows": rows}, place="feeds", title=_("Products"),
        lead=_("What partners can promote piece by piece, each with a link of its own."),
    )  # fmt: skip


@require_safe
def feed(request: MerchantRequest, program_slug: str) -> HttpResponse:
    """One program's feed."""
    return _feed(request, open_program_of(request.merchant, program_slug))


@require_POST
def save(request: MerchantRequest, program_slug: str) -> HttpResponse:
    """Another address, or another rhythm."""
    program = open_program_of(request.merchant, program_slug)
    form = FeedAddressForm(request.POST)
    if form.is_valid():
        said, at = form.cleaned_data, timezone.now()
        try:
            found = verbs.set_address(program, said["url"], every_hours=said["every_hours"], by=request.user, at=at)
        except Refusal as refusal:
            form.add_error(
                "url", str(words_of(refusal.code)[1]) if refusal.code == "address_refused" else refusal.message
            )
        else:
            if found.url and found.next_at is not None and found.next_at <= at:
                _send_for(found.pk)
                messages.success(request, _("The address is saved, and the feed is being fetched."))
            else:
                messages.success(request, _("Saved."))
            return redirect("merchant:feed", request.merchant.slug, program.slug)
    return _feed(request, program, address=form, status=400)


@require_POST
def upload(request: MerchantRequest, program_slug: str) -> HttpResponse:
    """A feed as a file, read at once."""
    program = open_program_of(request.merchant, program_slug)
    form = FeedFileForm(request.POST, request.FILES, most_bytes=settings.FEED_MOST_BYTES)
    if form.is_valid():
        file = form.cleaned_data["file"]
        try:
            found = verbs.take_file(program, file.read(), name=file.name or "", by=request.user, at=timezone.now())
        except Refusal as refusal:
            name, remedy = words_of(refusal.code)
            form.add_error("file", f"{name}: {remedy} ({refusal.message})")
        else:
            messages.success(
                request, _("The file is read: %(products)s products, %(refused)s rows refused.")
                % {"products": found.product_count, "refused": found.refused_count},
            )  # fmt: skip
            return redirect("merchant:feed", request.merchant.slug, program.slug)
    return _feed(request, program, file=form, status=400)


@require_POST
def fetch(request: MerchantRequest, program_slug: str) -> HttpResponse:
    """Have it fetched now."""
    program = open_program_of(request.merchant, program_slug)
    at = timezone.now()
    try:
        found = verbs.ask_now(open_feed(program, at=at), by=request.user, at=at)
    except Refusal:
        messages.error(request, _("The feed has no address. Give one first, or send a file."))
    else:
        _send_for(found.pk)
        messages.success(request, _("The feed is being fetched. Look again in a moment."))
    return redirect("merchant:feed", request.merchant.slug, program.slug)


@require_POST
def withdraw(request: MerchantRequest, program_slug: str) -> HttpResponse:
    """Take all products out of the lists."""
    program = open_program_of(request.merchant, program_slug)
    at = timezone.now()
    verbs.withdraw_products(verbs.feed_of(program, at=at), by=request.user, at=at)
    messages.success(request, _("Partners see no product of this program any more, until the next feed is read."))
    return redirect("merchant:feed", request.merchant.slug, program.slug)


@require_safe
def refused(request: MerchantRequest, program_slug: str) -> StreamingHttpResponse:
    """The refused rows as CSV."""
    found = open_feed(open_program_of(request.merchant, program_slug), at=timezone.now())
    rows = (
        [row.number, row.sku, row.field, row.code, row.detail, str(words_of(row.code)[1])]
        for row in refusals_of(found).iterator(chunk_size=1_000)
    )
    return csv_response("refused-rows.csv", ["row", "sku", "field", "code", "reason", "remedy"], rows)


@require_safe
def template(request: MerchantRequest) -> StreamingHttpResponse:
    """A feed with two products, as it is understood best."""
    host = next(
        (one for program, _feed, _may in feeds_in(request.merchant) for one in program.allowed_hosts), "shop.example"
    )
    currency = request.merchant.currency
    rows = [
        ["TENT-2", "Ridge tent, two persons", "189.00", "149.00", currency, "in_stock", "Camping > Tents", "Ridge", f"https://{host}/tent.jpg", f"https://{host}/tent"],
        ["PACK-38", "Trail pack, 38 litres", "96.00", "", currency, "out_of_stock", "Camping > Packs", "Trail", "", f"https://{host}/pack"],
    ]  # fmt: skip
    return csv_response("products.csv", COLUMNS, rows)


def _send_for(key: object) -> None:
    transaction.on_commit(partial(tasks.fetch_feed.delay, str(key)))


def _feed(
    request: MerchantRequest,
    program: "Program",
    *,
    address: FeedAddressForm | None = None,
    file: FeedFileForm | None = None,
    status: int = 200,
) -> HttpResponse:
    found = open_feed(program, at=timezone.now())
    page = page_of(request, refusals_of(found))
    context: dict[str, Any] = {
        "program": program,
        "feed": found,
        "trouble": words_of(found.reason) if found.reason else None,
        "is_waiting": bool(found.url and found.next_at and found.next_at <= timezone.now()),
        "may_act": may(request.roles, "merchant.rules"),
        "may_link": may_link_to_products(program),
        "address": address or FeedAddressForm(initial={"url": found.url, "every_hours": found.every_hours}),
        "file": file or FeedFileForm(most_bytes=settings.FEED_MOST_BYTES),
        "rows": [(row, *words_of(row.code)) for row in page.object_list],
        "page": page,
        "export_url": here(request, "feed-refused", program.slug),
        "template_url": here(request, "feed-template"),
        "tracking_url": here(request, "tracking-program", program.slug),
    }
    return show(
        request, "feed.html", context, place="feeds", title=program.name,
        crumbs=[(_("Products"), here(request, "feeds"))], status=status,
    )  # fmt: skip
