"""The answers to "why not me?" in words: payouts/queries/why_not.py decides, this says it, for the partner.

Each situation has a title, a sentence with its numbers, and what the partner can do next.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from babel.dates import format_timedelta
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from portal.formats import format_day, format_moment, format_number, locale_of
from portal.reasons import reason_of

type Text = str | Promise


@dataclass(frozen=True, slots=True)
class Words:
    """A situation in words. `tone` and `icon` stand on its badge."""

    title: Text
    text: Text
    next: Text
    tone: str = "warn"
    icon: str = "circle-x"


_CLAIM = gettext_lazy("If you see it otherwise, make a claim and add what proves it.")
_WAIT = gettext_lazy("There is nothing to do: look again in a quarter of an hour.")
_NOTHING = gettext_lazy("There is nothing more to do.")
_LATE = gettext_lazy("Shops report within minutes, some once a day. When two days have passed, make a claim.")

SITUATIONS: dict[str, Words] = {
    "already_yours": Words(
        gettext_lazy("This sale is yours"),
        gettext_lazy("The order is counted for you. Its page shows how the amount was made."),
        gettext_lazy("If the amount is not right, question it there."),
        "pos",
        "circle-check",
    ),
    "refunded": Words(
        gettext_lazy("Yours, and taken back"),
        gettext_lazy("The order was counted for you. Then it was refunded, and the commission went back with it."),
        gettext_lazy("Its page shows each refund. If the customer kept the goods, question the amount there."),
        "warn",
        "undo-2",
    ),
    "being_checked": Words(
        gettext_lazy("Yours, and being checked"),
        gettext_lazy("The order is counted for you. Something about it looks unusual, so its commission is kept back until it is answered, {due} at the latest."),
        gettext_lazy("Its page leads to what is being checked; there you can say how the order came about."),
        "warn",
        "hand",
    ),
    "confirmed_fraud": Words(
        gettext_lazy("Yours, and not paid"),
        gettext_lazy("The order was counted for you. The network confirmed that it did not come about as the terms allow."),
        gettext_lazy("Its page leads to the decision; if you have not appealed yet, you can within thirty days."),
    ),
    "earned_nothing": Words(
        gettext_lazy("Yours, and it earned nothing"),
        gettext_lazy("The order is counted for you, but the rules in force pay nothing for it."),
        gettext_lazy("The program's page says what is paid for. If the rules do pay for it, make a claim."),
    ),
    "not_reported": Words(
        gettext_lazy("The shop has not reported this order"),
        gettext_lazy("No order with this number came from the shop around that day."),
        _LATE,
        "warn",
        "inbox",
    ),
    "reported_rejected": Words(
        gettext_lazy("Reported, and not accepted"),
        gettext_lazy("The shop reported the order on {reported}, but the report could not be accepted: {reason}."),
        gettext_lazy("The shop sees the report and what is wrong with it. A claim asks it to report again."),
    ),
    "reported_set_aside": Words(
        gettext_lazy("Reported, and set aside"),
        gettext_lazy("The shop's report of {reported} could not be read and is kept: {reason}."),
        gettext_lazy("It is read again once the shop has mended it. A claim makes sure that it does."),
    ),
    "reported_test": Words(
        gettext_lazy("Reported as a test"),
        gettext_lazy("The shop reported this order as a test, on {reported}. Tests are never counted."),
        gettext_lazy("If it was a real order, make a claim: the shop reports it again."),
        "warn",
        "flask-conical",
    ),
    "click_pending": Words(
        gettext_lazy("Being decided"),
        gettext_lazy("The order is here; its click is still on its way from where it was taken."),
        _WAIT,
        "info",
        "clock",
    ),
    "no_click": Words(
        gettext_lazy("Reported without a click"),
        gettext_lazy("The shop reported this order without any click, so nobody could be found for it."),
        gettext_lazy("Often the shop's tag was blocked, or the customer came back by another way. Make a claim."),
    ),
    "click_unknown": Words(
        gettext_lazy("Reported with an unknown click"),
        gettext_lazy("The click that the shop reported with this order was never seen here."),
        _CLAIM,
    ),
    "click_after_order": Words(
        gettext_lazy("Your click came after the order"),
        gettext_lazy("Your click of {clicked} came after the order had been placed, so it cannot have led to it."),
        _CLAIM,
    ),
    "outside_window": Words(
        gettext_lazy("Outside the window"),
        gettext_lazy("Your click of {clicked} came {ago} before the order; the window is {window}: {days} of {most} days."),
        _NOTHING,
    ),
    "later_click_won": Words(
        gettext_lazy("Another partner's later click won"),
        gettext_lazy("Your click of {clicked} counts, but another partner's click came after it and before the order."),
        gettext_lazy("The program's terms say whose click wins. If they say otherwise, make a claim."),
    ),
    "earlier_click_won": Words(
        gettext_lazy("Another partner's earlier click won"),
        gettext_lazy("Your click of {clicked} counts, but this program pays the first click, and another was first."),
        _NOTHING,
    ),
    "coupon_won": Words(
        gettext_lazy("Another partner's code won"),
        gettext_lazy("The order was paid with a code that belongs to another partner, and codes go first here."),
        gettext_lazy("If the code was yours, make a claim and add a picture of where you publish it."),
    ),
    "customer_bound": Words(
        gettext_lazy("The customer belongs to another partner"),
        gettext_lazy("Another partner brought this customer's first order, and the program keeps customers for a time."),
        _NOTHING,
    ),
    "lower_class": Words(
        gettext_lazy("A click of a higher class won"),
        gettext_lazy("Your click of {clicked} is of a class that does not go before the click that won."),
        gettext_lazy("The program's page says your class. Ask the merchant if it should be another."),
    ),
    "view_lost": Words(
        gettext_lazy("Seen, but not clicked"),
        gettext_lazy("The customer saw your advertisement on {clicked}, but a click goes before a view here."),
        _NOTHING,
    ),
    "click_not_counted": Words(
        gettext_lazy("Your click does not count"),
        gettext_lazy("Your click of {clicked} was recorded but does not count: {reason}."),
        _CLAIM,
    ),
    "no_consent": Words(
        gettext_lazy("The visitor did not agree"),
        gettext_lazy("The visitor of {clicked} did not agree to be recognised, so the order cannot be joined to it."),
        gettext_lazy("If you know the order by other means, such as a code, make a claim."),
    ),
    "program_closed": Words(
        gettext_lazy("Your place or the program was not open"),
        gettext_lazy("When your click of {clicked} came, it could not count: {reason}."),
        gettext_lazy("The program's page shows your place. If it was open, make a claim."),
    ),
    "not_enrolled": Words(
        gettext_lazy("No approved place in the program"),
        gettext_lazy("When your click of {clicked} came, your place in the program was not approved."),
        _CLAIM,
    ),
    "not_enrolled_then": Words(
        gettext_lazy("Before you joined"),
        gettext_lazy("The order was placed before you had a place in this program or its terms began."),
        _NOTHING,
    ),
    "other_program": Words(
        gettext_lazy("An order of another program"),
        gettext_lazy("The shop counted this order in another program than the one you chose."),
        gettext_lazy("If you have a place there too, ask again with that program."),
    ),
    "duplicate": Words(
        gettext_lazy("Reported twice"),
        gettext_lazy("The shop reported this order twice. The first report, of {reported}, counts; it was not yours."),
        _CLAIM,
    ),
    "currency_mismatch": Words(
        gettext_lazy("In another currency"),
        gettext_lazy("The order was reported in another currency than the program pays in ({currency})."),
        gettext_lazy("The shop has to report it in {currency}. A claim asks it to."),
    ),
    "order_refused": Words(
        gettext_lazy("Not accepted"),
        gettext_lazy("The order was reported and not accepted: {reason}."),
        _CLAIM,
    ),
    "no_touch_of_yours": Words(
        gettext_lazy("No click of yours"),
        gettext_lazy("The order was reported, but no click, code or view of yours was found before it."),
        gettext_lazy("The customer may have changed the device or the browser. If you can show it, make a claim."),
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Told:
    """An answer as a page shows it."""

    situation: str
    title: str
    text: str
    next: str
    tone: str
    icon: str
    clicks: str = ""


def told(situation: str, reason: str = "", numbers: Mapping[str, Any] | None = None) -> Told:
    """The words of a situation in the reader's language. Numbers are those of payouts/queries/why_not.py."""
    numbers = numbers or {}
    words = SITUATIONS[situation]
    values = _values(reason, numbers)
    return Told(
        situation,
        str(words.title),
        str(words.text).format(**values),
        str(words.next).format(**values),
        words.tone,
        words.icon,
        _clicks(situation, numbers),
    )


def _values(reason: str, numbers: Mapping[str, Any]) -> dict[str, str]:
    days = float(numbers.get("days") or 0)
    window = int(numbers.get("window_days") or 0)
    return {
        "reason": str(reason_of(reason).title) if reason else _("without a reason"),
        "clicked": _moment(numbers.get("clicked_at")),
        "reported": _moment(numbers.get("reported_at")),
        "since": _moment(numbers.get("since")),
        "due": _moment(numbers.get("due_at")),
        "window": ngettext("%(count)s day", "%(count)s days", window) % {"count": window},
        "ago": str(format_timedelta(timedelta(days=days), granularity="day", threshold=10_000, locale=locale_of())),
        "days": days_text(days),
        "most": str(window),
        "currency": str(numbers.get("currency") or ""),
    }


def days_text(days: float) -> str:
    """A number of days that never rounds down onto its limit: 30.01 days are "30.1", 31 days are "31"."""
    tenths = math.ceil(days * 10)
    return format_number(Decimal(tenths) / 10) if tenths % 10 else format_number(tenths // 10)


def _moment(text: object) -> str:
    return format_moment(datetime.fromisoformat(str(text)), style="time") if text else "–"


def _clicks(situation: str, numbers: Mapping[str, Any]) -> str:
    """What is known of the partner's own clicks when the shop said nothing."""
    if situation not in {"not_reported", "reported_rejected", "reported_set_aside"} or "window_days" not in numbers:
        return ""
    window = int(numbers["window_days"])
    last = numbers.get("clicked_at")
    if not last:
        return ngettext(
            "No click on your links was counted in the %(count)s day before the order.",
            "No click on your links was counted in the %(count)s days before the order.",
            window,
        ) % {"count": window}
    return _("Your links were followed before the order, last on %(day)s.") % {
        "day": format_day(datetime.fromisoformat(str(last)).date())
    }


def lost_words(touch: Mapping[str, Any]) -> str:
    """The numbers of a touch that is outside its window: "31 of 30 days"; empty for any other."""
    seconds, window = touch.get("seconds_before"), touch.get("window_days")
    if touch.get("reason") not in {"outside_window", "view_window_closed"} or seconds is None or not window:
        return ""
    return _("Outside the window: %(days)s of %(window)s days") % {
        "days": days_text(float(seconds) / 86_400), "window": format_number(int(window)),
    }  # fmt: skip
