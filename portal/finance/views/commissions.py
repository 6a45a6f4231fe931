"""Why a commission is what it is, as finance reads it."""

from django.http import HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from payouts.access import open_any_commission
from payouts.queries.explain import explanation_of
from portal.explain import Places, explain_context
from portal.finance.pages import show
from portal.requests import FinanceRequest


@require_safe
def commission(request: FinanceRequest, commission_id: str) -> HttpResponse:
    """The same explanation that the partner reads, with everybody's names and the ledger."""
    found = open_any_commission(request.user, commission_id)
    told = explanation_of(found, viewer="finance", at=timezone.now())
    places = Places(
        here=reverse("finance:commission", args=[told.id]),
        payout=reverse("finance:payout", args=[told.payout.id]) if told.payout else "",
        entry=lambda entry: reverse("finance:entry", args=[entry]),
    )
    context = {"told": told, "explain": explain_context(told, places=places)}
    return show(
        request, "commission.html", context, place="ledger", title=_("Order %(ref)s") % {"ref": told.order.ref},
        lead=f"{told.affiliate_name} · {told.merchant}", crumbs=[(_("Ledger"), reverse("finance:ledger"))],
    )  # fmt: skip
