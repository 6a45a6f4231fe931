"""What the network's Stripe balance holds, asked for once a page and not more often than every half minute."""

from dataclasses import dataclass
from datetime import datetime

from django.core.cache import cache
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from ledger.money import Money
from payouts.providers import available_funds
from payouts.queries.finance import needs
from payouts.stripe import Unavailable
from portal.finance.pages import figure

_KEY, _SECONDS = "finance:stripe-balance", 20


@dataclass(frozen=True, slots=True)
class FundsRow:
    """One currency: what is at Stripe (None: Stripe did not answer), what open runs need, what is missing."""

    currency: str
    available: Money | None
    needed: Money

    @property
    def gap(self) -> Money | None:
        """How much must be topped up; None when nothing is missing or nothing is known."""
        if self.available is None or self.needed <= self.available:
            return None
        return self.needed - self.available


@dataclass(frozen=True, slots=True)
class Shortage:
    """A gap in words."""

    title: SafeString
    text: SafeString


@dataclass(frozen=True, slots=True)
class Funds:
    """All currencies that are held or needed; `is_known` is False while Stripe does not answer."""

    at: datetime
    is_known: bool
    rows: tuple[FundsRow, ...]

    @property
    def gaps(self) -> list[FundsRow]:
        """The currencies that are short."""
        return [row for row in self.rows if row.gap]

    @property
    def shortages(self) -> list[Shortage]:
        """The same in words, each figure leading to where it comes from."""
        here, runs = reverse("finance:funding"), reverse("finance:runs", query={"status": "open"})
        return [
            Shortage(
                format_html(_("Top up {amount}"), amount=figure(row.gap, here, code=True)),
                format_html(
                    _("Open runs need {needed}, Stripe holds {held}. Without it the payouts at the end wait in their place."),
                    needed=figure(row.needed, runs), held=figure(row.available, here),
                ),
            )
            for row in self.rows
            if row.gap and row.available is not None
        ]  # fmt: skip


def funds_now(*, is_fresh: bool = False) -> Funds:
    """The balance and the needs."""
    kept: tuple[datetime, dict[str, Money] | None] | None = None if is_fresh else cache.get(_KEY)
    if kept is None:
        try:
            kept = (timezone.now(), available_funds())
        except Unavailable:
            kept = (timezone.now(), None)
        cache.set(_KEY, kept, _SECONDS)
    at, held = kept
    needed = needs()
    rows = tuple(
        FundsRow(
            currency,
            None if held is None else held.get(currency, Money.zero(currency)),
            needed.get(currency, Money.zero(currency)),
        )
        for currency in sorted({*needed, *(held or {})})
        if currency in needed or (held and held[currency])
    )
    return Funds(at, held is not None, rows)


def forget_funds() -> None:
    """Ask Stripe again for the next page."""
    cache.delete(_KEY)
