"""Reports over the whole network."""

from django.http import HttpResponse, StreamingHttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from payouts.queries.statistics import scope_of_network
from portal.network.pages import show
from portal.reports.cohorts import export_cohorts, show_cohorts
from portal.reports.journeys import export_journeys, show_journeys
from portal.reports.place import Place
from portal.reports.showing import export_performance, show_performance
from portal.requests import FinanceRequest


def _place() -> Place:
    zone = timezone.get_current_timezone_name()
    return Place("network", scope_of_network(), zone, lambda name: reverse(f"network:{name}"))


@require_safe
def performance(request: FinanceRequest) -> HttpResponse:
    """What works: figures, their time, their groups."""
    context = show_performance(request, _place(), at=timezone.now())
    return show(request, "reports.html", context, place="reports", title=_("Reports"))


@require_safe
def performance_export(request: FinanceRequest) -> StreamingHttpResponse:
    """The table as CSV."""
    return export_performance(request, _place(), at=timezone.now())


@require_safe
def paths(request: FinanceRequest) -> HttpResponse:
    """How people came to their orders."""
    context = show_journeys(request, _place(), at=timezone.now())
    return show(request, "reports_paths.html", context, place="reports", title=_("Paths and time"))


@require_safe
def paths_export(request: FinanceRequest) -> StreamingHttpResponse:
    """The paths as CSV."""
    return export_journeys(request, _place(), at=timezone.now())


@require_safe
def cohorts(request: FinanceRequest) -> HttpResponse:
    """What becomes of the customers of a month."""
    context = show_cohorts(request, _place(), at=timezone.now())
    return show(request, "reports_cohorts.html", context, place="reports", title=_("Cohorts"))


@require_safe
def cohorts_export(request: FinanceRequest) -> StreamingHttpResponse:
    """The cohorts as CSV."""
    return export_cohorts(request, _place(), at=timezone.now())
