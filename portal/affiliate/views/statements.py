"""Statements: the paper that goes with a payout, on screen and as PDF."""

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.dateparse import parse_datetime
from django.utils.http import content_disposition_header
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from ledger.money import Money
from payouts.access import open_statement_of
from payouts.statements import lines_of_payout
from portal.affiliate.pages import earning_url
from portal.papers.statements import statement_pdf as print_statement
from portal.requests import PartnerRequest


@require_safe
def statement(request: PartnerRequest, statement_id: str) -> HttpResponse:
    """The statement to read and to print."""
    found = open_statement_of(request.affiliate, statement_id)
    figures, currency = found.figures, found.currency
    payout_url = reverse("partner:payout", args=[found.payout.public_id])
    lines = [(_("Commissions"), Money(figures["gross_minor"], currency), "#lines")]
    if figures["carried_minor"]:
        lines.append((_("Carried over from earlier payouts"), Money(figures["carried_minor"], currency), payout_url))
    if figures["netted_minor"]:
        taken = f"{reverse('partner:payouts')}#taken-back"
        lines.append((_("Taken back for refunded orders"), Money(-figures["netted_minor"], currency), taken))
    context = {
        "statement": found,
        "paid": Money(figures["paid_minor"], currency),
        "gross": Money(figures["gross_minor"], currency),
        "sums": lines,
        "total": (_("Paid"), Money(figures["paid_minor"], currency), payout_url),
        "period": [parse_datetime(moment) for moment in figures["period"]],
        "lines": [(line, earning_url(line.commission)) for line in lines_of_payout(found.payout)],
        "back_url": payout_url,
        "pdf_url": reverse("partner:statement-pdf", args=[found.public_id]),
    }
    return render(request, "portal/partner/statement.html", context)


@require_safe
def statement_pdf(request: PartnerRequest, statement_id: str) -> HttpResponse:
    """The statement as a file."""
    found = open_statement_of(request.affiliate, statement_id)
    url = f"{settings.BASE_URL}{reverse('partner:payout', args=[found.payout.public_id])}"
    made = print_statement(found, lines_of_payout(found.payout), language=get_language() or "en", url=url)
    response = HttpResponse(made, content_type="application/pdf")
    response["Content-Disposition"] = content_disposition_header(False, f"{found.number}.pdf") or "inline"
    return response
