"""Codes: one's own, when each wins, and what it brought."""

from typing import TYPE_CHECKING

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from affiliates.coupon_queries import coupons_of
from affiliates.queries import terms_at
from payouts.queries.coupons import brought_by_codes
from portal.affiliate.pages import PAGE_ROWS, earnings_url, show
from portal.requests import PartnerRequest

if TYPE_CHECKING:
    # For annotations only: doors hold verbs, never nouns.
    from affiliates.models import Coupon


@require_safe
def codes(request: PartnerRequest) -> HttpResponse:
    """The partner's codes with what each earned."""
    at = timezone.now()
    page = Paginator(coupons_of(request.affiliate), PAGE_ROWS).get_page(request.GET.get("page"))
    found = list(page.object_list)
    brought = brought_by_codes(found)
    policies = {one.program_id: one.program for one in found}
    in_force = {key: terms_at(program, at) for key, program in policies.items()}
    context = {
        "rows": [
            (
                one,
                one.state_at(at),
                brought[one.pk],
                earnings_url(program=one.program.slug),
                _right(one, getattr(in_force[one.program_id], "coupon_policy", "always")),
            )
            for one in found
        ],
        "page": page,
    }
    return show(
        request, "codes.html", context, place="codes", title=_("Codes"),
        lead=_("An order with your code is yours, as the program's terms say."),
    )  # fmt: skip


def _right(one: "Coupon", policy: str) -> str:
    """When a code wins, in a sentence for its partner."""
    if one.is_exclusive:
        return _("Always: it is yours alone.")
    return {
        "always": _("Always, with or without a click."),
        "involved": _("When the customer followed your link too."),
        "winner": _("Not by itself: the clicks decide."),
    }[one.policy or policy]
