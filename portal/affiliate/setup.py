"""What stands between a partner and the money, as the one next step; nothing while nothing does."""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from django.urls import reverse
from django.utils.translation import gettext as _

from portal.formats import format_moment

if TYPE_CHECKING:
    from affiliates.models import Affiliate
    from payouts.models import PayoutMethod


@dataclass(frozen=True, slots=True)
class SetupStep:
    """A notice with one action."""

    tone: str
    title: str
    text: str
    action: str = ""
    url: str = ""


def next_step(affiliate: "Affiliate", method: "PayoutMethod | None", *, at: datetime) -> SetupStep | None:
    """The step to show, the most serious first; None when payouts can go out."""
    url = reverse("partner:settings-payout")
    if affiliate.status == "frozen":
        return SetupStep(
            "warn",
            _("Your membership is frozen"),
            _("You keep earning. Nothing is paid until it is open again; the network tells you why."),
        )
    if affiliate.status == "closed":
        return SetupStep(
            "neg",
            _("Your membership is closed"),
            _("What you earned stays owed to you. Ask the network how it is paid."),
        )
    if method is None:
        return SetupStep(
            "info",
            _("Finish 1 step to be paid"),
            _("Add a payout account, about 3 minutes with Stripe."),
            _("Add payout account"),
            url,
        )
    if method.status == "pending":
        return SetupStep(
            "info",
            _("Finish 1 step to be paid"),
            _("Stripe still needs some answers for your payout account."),
            _("Continue with Stripe"),
            url,
        )
    if method.status == "restricted":
        return SetupStep(
            "neg",
            _("Your payout account cannot be paid"),
            _("Stripe needs something more. Amounts wait until then."),
            _("Look at it"),
            url,
        )
    if method.usable_from is not None and method.usable_from > at:
        return SetupStep(
            "info",
            _("Your payout account was changed"),
            _("For your safety, money goes there from %(date)s on.") % {"date": format_moment(method.usable_from)},
            _("Look at it"),
            url,
        )
    return None
