"""A code for every partner: the pattern of a program, and codes for those who have none."""

from datetime import timedelta

from django.contrib import messages
from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_safe

from affiliates.access import open_program_of
from affiliates.own_codes import issue_missing_codes, places_without_code, set_code_pattern
from affiliates.queries import programs_of
from ledger.errors import Refusal
from payouts.queries.coupons import LeakedCode, codes_of_nobody
from portal.errors import sentence_of
from portal.exports import csv_response
from portal.merchant.attribution_forms import OwnCodesForm
from portal.merchant.pages import here, show
from portal.requests import MerchantRequest

#: How far back codes of nobody's are looked for.
_DAYS = 90


@require_http_methods(["GET", "HEAD", "POST"])
def own_codes(request: MerchantRequest) -> HttpResponse:
    """Set a program's pattern, and make the codes that are missing."""
    found = list(programs_of(request.merchant))
    data = request.POST if request.method == "POST" else None
    names = [(program.slug, program.name) for program in found]
    initial = {"pattern": found[0].code_pattern} if len(found) == 1 else {}
    form = OwnCodesForm(data, programs=names, initial=initial)
    if data is not None and form.is_valid() and _save(request, form):
        return redirect("merchant:coupons", request.merchant.slug)
    context = {"form": form, "rows": [(program, len(places_without_code(program))) for program in found]}
    return show(
        request, "coupons_own.html", context, place="attribution", title=_("A code for every partner"),
        crumbs=[(_("Attribution"), here(request, "attribution")), (_("Codes"), here(request, "coupons"))],
        status=200 if data is None else 400,
    )  # fmt: skip


@require_safe
def unknown_codes(request: MerchantRequest) -> HttpResponse:
    """Codes that customers typed and that no program knows, with what they cost."""
    context = {
        "rows": [(one, _orders_url(request, one)) for one in _unknown(request)],
        "days": _DAYS,
        "export_url": here(request, "coupons-unknown-export"),
        "settings_url": here(request, "attribution"),
    }
    return show(
        request, "coupons_unknown.html", context, place="attribution", title=_("Codes of nobody's"),
        lead=_("Codes that customers typed and that are not in your list: found on voucher sites, passed on, or forgotten."),
        crumbs=[(_("Attribution"), here(request, "attribution")), (_("Codes"), here(request, "coupons"))],
    )  # fmt: skip


@require_safe
def unknown_export(request: MerchantRequest) -> StreamingHttpResponse:
    """The same as CSV."""
    header = [_("Code"), _("Program"), _("Orders"), _("Revenue"), _("Commission"), _("Currency"), _("Last order")]
    rows = (
        [
            one.code, one.program.slug, one.orders, one.revenue.to_decimal(), one.commission.to_decimal(),
            one.revenue.currency, one.last_at.isoformat(),
        ]
        for one in _unknown(request)
    )  # fmt: skip
    return csv_response("unknown-codes.csv", header, rows)


def _unknown(request: MerchantRequest) -> list[LeakedCode]:
    return codes_of_nobody(request.merchant, since=timezone.now() - timedelta(days=_DAYS))


def _orders_url(request: MerchantRequest, one: LeakedCode) -> str:
    return here(request, "conversions", program=one.program.slug, q=one.code)


def _save(request: MerchantRequest, form: OwnCodesForm) -> bool:
    said, at = form.cleaned_data, timezone.now()
    try:
        program = set_code_pattern(
            open_program_of(request.merchant, said["program"]), said["pattern"], by=request.user, at=at
        )
        made = issue_missing_codes(program, by=request.user, at=at) if said["is_for_all"] else 0
    except Refusal as refusal:
        form.add_error(refusal.field if refusal.field in form.fields else None, sentence_of(refusal))
        return False
    text = ngettext("Saved. %(number)s code was made.", "Saved. %(number)s codes were made.", made) % {"number": made}
    messages.success(request, text)
    return True
