"""What did not go through, by cause, each with its next step."""

from datetime import timedelta

from django.http import HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from payouts.queries import finance
from portal.finance.pages import page_of, show
from portal.finance.words import cause_of
from portal.requests import FinanceRequest

#: How long a payout that was given back stays on the list.
_REMEMBERED = timedelta(days=90)


@require_safe
def failures(request: FinanceRequest) -> HttpResponse:
    """The causes, and the payouts of the one that was chosen."""
    since = timezone.now() - _REMEMBERED
    found = finance.failures(since=since)
    chosen = request.GET.get("cause", "")
    known = {one.cause for one in found}
    asked = finance.failing(since=since, cause=chosen if chosen in known else "")
    page = page_of(request, asked)
    here = reverse("finance:failures")
    context = {
        "causes": [(one, cause_of(one.cause), f"{here}?cause={one.cause}#payouts") for one in found],
        "chosen": cause_of(chosen) if chosen in known else None,
        "ignored": [chosen] if chosen and chosen not in known else sorted(set(request.GET) - {"cause", "page"}),
        "rows": [(one, cause_of("unsure" if one.state == "unsure" else one.block_reason)) for one in page.object_list],
        "page": page,
        "sums": finance.sums_of_all(asked),
        "here": f"{request.get_full_path()}#payouts",
        "several_currencies": True,
    }
    return show(
        request, "failures.html", context, place="failures", title=_("Failures"),
        lead=_("Payouts that did not go through in the last 90 days, and everything that is still held."),
    )  # fmt: skip
