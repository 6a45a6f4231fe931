"""Reports over the affiliate's own clicks and orders."""

from django.http import HttpResponse, StreamingHttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from payouts.queries.statistics import scope_of_partner
from portal.affiliate.pages import show
from portal.reports.cohorts import export_cohorts, show_cohorts
from portal.reports.journeys import export_journeys, show_journeys
from portal.reports.place import Place
from portal.reports.showing import export_performance, show_performance
from portal.requests import PartnerRequest


def _place(request: PartnerRequest) -> Place:
    zone = timezone.get_current_timezone_name()
    return Place("partner", scope_of_partner(request.affiliate), zone, lambda name: reverse(f"partner:{name}"))


@require_safe
def performance(request: PartnerRequest) -> HttpResponse:
    """What works: figures, their time, their groups."""
    context = show_performance(request, _place(request), at=timezone.now())
    return show(request, "reports.html", context, place="reports", title=_("Reports"))


@require_safe
def performance_export(request: PartnerRequest) -> StreamingHttpResponse:
    """The table as CSV."""
    return export_performance(request, _place(request), at=timezone.now())


@require_safe
def paths(request: PartnerRequest) -> HttpResponse:
    """How people came to their orders; other partners have no names here."""
    context = show_journeys(request, _place(request), at=timezone.now())
    return show(request, "reports_paths.html", context, place="reports", title=_("Paths and time"))


@require_safe
def paths_export(request: PartnerRequest) -> StreamingHttpResponse:
    """The paths as CSV."""
    return export_journeys(request, _place(request), at=timezone.now())


@require_safe
def cohorts(request: PartnerRequest) -> HttpResponse:
    """What becomes of the customers of a month."""
    context = show_cohorts(request, _place(request), at=timezone.now())
    return show(request, "reports_cohorts.html", context, place="reports", title=_("Cohorts"))


@require_safe
def cohorts_export(request: PartnerRequest) -> StreamingHttpResponse:
    """The cohorts as CSV."""
    return export_cohorts(request, _place(request), at=timezone.now())
