"""What a program's terms say about attribution, a sentence a choice; and the models' names."""

from collections.abc import Iterator
from decimal import Decimal
from typing import TYPE_CHECKING

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from ledger.money import Money
from portal.formats import format_money, format_percent

if TYPE_CHECKING:
    # For annotations only: doors hold verbs, never nouns.
    from affiliates.attribution_terms import AttributionChoices

MODELS: dict[str, str | Promise] = {
    "last_click": gettext_lazy("Last click"),
    "first_click": gettext_lazy("First click"),
    "coupon": gettext_lazy("Coupon"),
    "lifetime": gettext_lazy("Bound customer"),
    "linear": gettext_lazy("Linear"),
    "position": gettext_lazy("Position 40/20/40"),
    "time_decay": gettext_lazy("Time decay"),
    "markov": gettext_lazy("Markov"),
    "shapley": gettext_lazy("Shapley"),
    "claim": gettext_lazy("Accepted claim"),
}

#: What each model does, for the one who chooses.
MEANINGS: dict[str, str | Promise] = {
    "last_click": gettext_lazy("The last click before the order has all of it."),
    "first_click": gettext_lazy("The first click before the order has all of it."),
    "coupon": gettext_lazy("The partner of the code has all of it; without a code, the last click."),
    "linear": gettext_lazy("Every click before the order has the same part."),
    "position": gettext_lazy("The first and the last click have 40% each, those between share 20%."),
    "time_decay": gettext_lazy("The closer a click is to the order, the larger its part."),
    "markov": gettext_lazy(
        "Each partner's part is what would be lost without it, learned every month from your paths."
    ),
    "shapley": gettext_lazy("Every partner before the order has the same part, however often it came."),
}

_POLICIES: dict[str, str | Promise] = {
    "always": gettext_lazy("A partner's code wins over clicks, and without one."),
    "involved": gettext_lazy("A partner's code wins when the partner has a click too."),
    "winner": gettext_lazy("Codes decide nothing; the clicks do. Exclusive codes always win."),
}

_FREEZES: dict[str, str | Promise] = {
    "soft": gettext_lazy("Soft clicks that come when the customer is paying already do not count."),
    "all": gettext_lazy("Clicks that come when the customer is paying already do not count."),
}


def model_name(code: str) -> str:
    """A model in a word or two."""
    return str(MODELS.get(code, code))


def sentences_of(choices: "AttributionChoices", *, window_days: int, currency: str) -> list[str]:
    """The whole of it in sentences, the model first."""
    return list(_sentences(choices, window_days=window_days, currency=currency))


def _sentences(choices: "AttributionChoices", *, window_days: int, currency: str) -> Iterator[str]:
    yield f"{model_name(choices.attribution_model)}: {MEANINGS[choices.attribution_model]}"
    if choices.attribution_model == "time_decay":
        yield _("A click is worth half as much for every %(days)s before the order.") % {
            "days": _days(choices.half_life_days)
        }
    yield _("A click counts for %(days)s.") % {"days": _days(window_days)}
    yield (
        _("A view counts for %(days)s, and never before a click.") % {"days": _days(choices.view_window_days)}
        if choices.view_window_days
        else _("Views earn nothing.")
    )
    for event, windows in choices.event_windows.items():
        for kind, days in windows.items():
            text = _("For “%(event)s” a click counts for %(days)s.") if kind == "click" else _("For “%(event)s” a view counts for %(days)s.")  # fmt: skip
            yield text % {"event": event, "days": _days(days)}
    yield str(_POLICIES[choices.coupon_policy])
    if choices.coupon_policy == "involved":
        yield _("That click may lie %(days)s before the order.") % {"days": _days(choices.coupon_window_days)}
    yield (
        _("An order with a code of nobody's pays nobody.")
        if choices.unassigned_code == "no_commission"
        else _("An order with a code of nobody's goes by the clicks.")
    )
    yield (
        _("A customer stays with the partner of the first order for %(days)s.") % {"days": _days(choices.lifetime_days)}
        if choices.lifetime_days
        else _("Customers are not bound to a partner.")
    )
    yield (
        _("Clicks on a customer's other devices count, where the customer agreed to be recognised.")
        if choices.cross_device
        else _("Only clicks of the same browser count.")
    )
    if choices.cart_freeze in _FREEZES:
        yield str(_FREEZES[choices.cart_freeze])
    yield from _assist(choices, currency)


def _assist(choices: "AttributionChoices", currency: str) -> Iterator[str]:
    if choices.assist_rate <= Decimal(0):
        yield _("Who took part and did not win has nothing.")
        return
    rate = format_percent(choices.assist_rate, digits=2)
    if choices.assist_daily_cap_minor:
        limit = format_money(Money(choices.assist_daily_cap_minor, currency))
        yield _("Who took part and did not win has %(rate)s on top, up to %(limit)s a day.") % {
            "rate": rate, "limit": limit,
        }  # fmt: skip
    else:
        yield _("Who took part and did not win has %(rate)s on top.") % {"rate": rate}


def _days(days: int) -> str:
    return ngettext("%(number)s day", "%(number)s days", days) % {"number": days}
