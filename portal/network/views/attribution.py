"""Every model side by side, for any program of the network."""

from typing import TYPE_CHECKING, Any

from django.http import HttpResponse, HttpResponseBase
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from affiliates.errors import NotVisible
from affiliates.queries import all_programs
from payouts.queries.models_compared import MOST_ORDERS
from portal.exports import csv_response
from portal.filters import ignored_keys
from portal.model_tables import CompareForm, compared_as_asked, csv_table, partner_urls, shown_comparison
from portal.network.pages import show
from portal.requests import FinanceRequest

if TYPE_CHECKING:
    # For annotations only: doors hold verbs, never nouns.
    from affiliates.models import Program


@require_safe
def compare(request: FinanceRequest) -> HttpResponse:
    """Every model over one program and a period."""
    form, program = _asked(request)
    context: dict[str, Any] = {"filter": form, "ignored": ignored_keys(request, form), "program": program}
    if program is not None:
        compared = compared_as_asked(program, form, zone=program.merchant.time_zone, at=timezone.now())
        export = reverse("network:attribution-export")
        context |= {
            **shown_comparison(
                compared, urls=partner_urls(compared, request.GET), chosen=form.cleaned_data.get("partner", "")
            ),
            "most": MOST_ORDERS,
            "figure_url": reverse("network:merchants"),
            "export_url": f"{export}?{request.GET.urlencode()}" if request.GET else export,
        }
    return show(
        request, "attribution.html", context, place="attribution", title=_("Models side by side"),
        lead=_("The same orders under every model. Each model shares the same money, to the last cent."),
    )  # fmt: skip


@require_safe
def export(request: FinanceRequest) -> HttpResponseBase:
    """The table as CSV."""
    form, program = _asked(request)
    if program is None:
        raise NotVisible("program")
    compared = compared_as_asked(program, form, zone=program.merchant.time_zone, at=timezone.now())
    header, rows = csv_table(compared)
    return csv_response(f"models-{program.slug}.csv", header, rows)


def _asked(request: FinanceRequest) -> "tuple[CompareForm, Program | None]":
    """The question, and the program it is about: the named one, else the first."""
    programs = list(all_programs())
    form = CompareForm(
        request.GET, programs=[(program.slug, f"{program.merchant.name}: {program.name}") for program in programs]
    )
    form.is_valid()
    wanted = form.cleaned_data.get("program", "")
    found = next((program for program in programs if program.slug == wanted), programs[0] if programs else None)
    return form, found
