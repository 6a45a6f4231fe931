"""Attribution: who is paid for an order, as sentences; the next version with a preview; every model side by side."""

from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from affiliates import enrolments, programs
from affiliates.access import open_enrolment_in, open_program_of
from affiliates.attribution_terms import AttributionChoices
from affiliates.queries import programs_of, terms_at, terms_of
from ledger.errors import Refusal
from payouts.queries.models_compared import MOST_ORDERS, try_draft
from portal.attribution_sentences import sentences_of
from portal.errors import sentence_of
from portal.exports import csv_response
from portal.filters import ignored_keys
from portal.formats import format_moment
from portal.merchant.attribution_forms import AttributionForm
from portal.merchant.pages import here, show
from portal.model_tables import CompareForm, compared_as_asked, csv_table, partner_urls, shown_comparison
from portal.requests import MerchantRequest

if TYPE_CHECKING:
    # For annotations only: doors hold verbs, never nouns.
    from affiliates.models import Program, Terms

#: The columns of terms that a try-out of the draft takes over, by the names that the engine has for them.
_TRIED = (
    "view_window_days", "coupon_window_days", "half_life_days", "coupon_policy", "unassigned_code", "cart_freeze",
    "assist_rate", "event_windows",
)  # fmt: skip


@require_safe
def attribution(request: MerchantRequest) -> HttpResponse:
    """Each program's choices in force as sentences, and the versions that changed them."""
    at = timezone.now()
    rows = []
    for program in programs_of(request.merchant):
        live = terms_at(program, at)
        rows.append(
            {
                "program": program,
                "terms": live,
                "sentences": _sentences(program, live),
                "versions": [(one, _sentences(program, one)[0]) for one in list(terms_of(program))[:10]],
                "new_url": here(request, "attribution-new", program.slug),
                "compare_url": here(request, "attribution-compare", program.slug),
            }
        )
    return show(
        request, "attribution.html", {"programs": rows, "tabs": tabs(request, "attribution"), "at": at},
        place="attribution", title=_("Attribution"),
        lead=_("Who is paid for an order. Choices are part of the terms: a new version takes over at its start."),
    )  # fmt: skip


@require_http_methods(["GET", "HEAD", "POST"])
def new(request: MerchantRequest, program_slug: str) -> HttpResponse:
    """Write the next version: try it on the orders of the past, then publish it."""
    program = open_program_of(request.merchant, program_slug)
    at = timezone.now()
    live = terms_at(program, at)
    data = request.POST if request.method == "POST" else None
    window = live.window_days if live else 30
    form = AttributionForm(
        data, zone=request.merchant.time_zone, currency=program.currency, choices=AttributionChoices.of(live),
        window_days=window,
    )  # fmt: skip
    context: dict[str, Any] = {"form": form, "program": program, "live": live}
    if data is not None and form.is_valid():
        if "try" in data:
            choices = form.choices()
            context["sentences"] = sentences_of(
                choices, window_days=form.cleaned_data["window_days"], currency=program.currency
            )
            context["trial"] = try_draft(program, _draft(choices, form.cleaned_data["window_days"]), at=at)
        elif _publish(request, program, live, form, at=at):
            return redirect("merchant:attribution", request.merchant.slug)
    status = 200 if data is None or "trial" in context else 400
    return show(
        request, "attribution_new.html", context, place="attribution", status=status,
        title=_("Attribution of %(program)s") % {"program": program.name},
        crumbs=[(_("Attribution"), here(request, "attribution"))],
    )  # fmt: skip


@require_safe
def compare(request: MerchantRequest, program_slug: str) -> HttpResponse:
    """Every model side by side over a program and a period."""
    program = open_program_of(request.merchant, program_slug)
    form = CompareForm(request.GET)
    form.is_valid()
    compared = compared_as_asked(program, form, zone=request.merchant.time_zone, at=timezone.now())
    export = here(request, "attribution-compare-export", program.slug)
    context = {
        **shown_comparison(
            compared, urls=partner_urls(compared, request.GET), chosen=form.cleaned_data.get("partner", "")
        ),
        "program": program,
        "most": MOST_ORDERS,
        "filter": form,
        "ignored": ignored_keys(request, form),
        "export_url": f"{export}?{request.GET.urlencode()}" if request.GET else export,
        "figure_url": here(request, "conversions", program=program.slug),
        "tabs": tabs(request, "compare", program=program),
    }
    return show(
        request, "attribution_compare.html", context, place="attribution",
        title=_("Models of %(program)s") % {"program": program.name},
        lead=_("The same orders under every model. Each model shares the same money, to the last cent."),
        crumbs=[(_("Attribution"), here(request, "attribution"))],
    )  # fmt: skip


@require_safe
def compare_export(request: MerchantRequest, program_slug: str) -> StreamingHttpResponse:
    """The table as CSV."""
    program = open_program_of(request.merchant, program_slug)
    form = CompareForm(request.GET)
    form.is_valid()
    compared = compared_as_asked(program, form, zone=request.merchant.time_zone, at=timezone.now())
    header, rows = csv_table(compared)
    return csv_response(f"models-{program.slug}.csv", header, rows)


@require_POST
def credit_class(request: MerchantRequest, enrolment_id: str) -> HttpResponse:
    """Say how a partner's clicks rank from now on."""
    place = open_enrolment_in(request.merchant, enrolment_id)
    try:
        enrolments.set_credit_class(place, request.POST.get("credit_class", ""), by=request.user, at=timezone.now())
    except ValueError:
        messages.error(request, _("Choose a class from the list."))
    else:
        messages.success(request, _("The clicks of %(name)s rank so from now on.") % {"name": place.affiliate.name})
    return redirect("merchant:partners", request.merchant.slug)


def tabs(request: MerchantRequest, current: str, *, program: "Program | None" = None) -> list[tuple[str, str, bool]]:
    """The places of the area: choices, models side by side for each program, codes."""
    found = [(_("Choices"), here(request, "attribution"), current == "attribution")]
    for one in programs_of(request.merchant):
        is_current = current == "compare" and program is not None and one.pk == program.pk
        found.append(
            (
                _("Models of %(program)s") % {"program": one.name},
                here(request, "attribution-compare", one.slug),
                is_current,
            )
        )
    return [*found, (_("Codes"), here(request, "coupons"), current == "coupons")]


def _sentences(program: "Program", terms: "Terms | None") -> list[str]:
    return sentences_of(
        AttributionChoices.of(terms), window_days=terms.window_days if terms else 30, currency=program.currency
    )


def _draft(choices: AttributionChoices, window_days: int) -> dict[str, Any]:
    """The choices by the engine's names."""
    said = asdict(choices)
    return {
        "model": choices.attribution_model,
        "window_days": window_days,
        **{name: said[name] for name in _TRIED},
    }


def _publish(
    request: MerchantRequest, program: "Program", live: "Terms | None", form: AttributionForm, *, at: datetime
) -> bool:
    """Publish the version, all else of the terms as it is; whether that worked."""
    kept: dict[str, Any] = {"hold_days": live.hold_days, "basis": live.basis, "minimum_payout_minor": live.minimum_payout_minor} if live else {}  # fmt: skip
    try:
        terms = programs.revise_terms(
            program,
            starts_at=form.starts(at),
            at=at,
            window_days=form.cleaned_data["window_days"],
            text=form.cleaned_data["note"] or (live.text if live else ""),
            attribution=form.choices(),
            by=request.user,
            **kept,
        )
    except Refusal as refusal:
        form.add_error(refusal.field if refusal.field in form.fields else None, sentence_of(refusal))
        return False
    when = format_moment(terms.starts_at, style="time")
    messages.success(
        request, _("Terms v%(version)s are published and start %(when)s.") % {"version": terms.version, "when": when}
    )
    return True
