"""What everybody has to get at an instant: the sums behind a payout run, before anything is frozen."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db.models import Exists, F, OuterRef, QuerySet, Sum

from affiliates.models import Affiliate
from ledger.accounts import balances_of_kind
from ledger.money import Money
from payouts.models import Commission, PayoutItem, PayoutMethod


@dataclass(slots=True)
class Due:
    """What one affiliate has to get in one currency.

    Paid are its approved commissions plus what earlier payouts left over in cut currencies
    (`carried`), less what is to be recovered from it (`netted`).
    """

    affiliate: Affiliate
    currency: str
    method: PayoutMethod | None = None
    #: (commission's key, what is left of it in minor units)
    commissions: list[tuple[UUID, int]] = field(default_factory=list)
    payable_minor: int = 0
    recoverable_minor: int = 0
    #: All approved commissions in no live payout, those of a later period included.
    open_minor: int = 0

    @property
    def earned(self) -> Money:
        """The commissions' sum."""
        return Money(sum(minor for _key, minor in self.commissions), self.currency)

    @property
    def gross(self) -> Money:
        """Commissions and what is carried over."""
        carried = max(self.payable_minor - self.open_minor, 0)
        return self.earned + Money(carried, self.currency)

    @property
    def netted(self) -> Money:
        """What is kept back for orders that came back after they were paid."""
        return min(Money(self.recoverable_minor, self.currency), self.gross)

    @property
    def amount(self) -> Money:
        """What a payout would bring: whole units where Stripe pays no others."""
        return (self.gross - self.netted).whole_units()[0]

    def why_not(self, *, at: datetime) -> str:
        """Why it is not paid now, a reason code of docs/reasons.md; empty when it is."""
        if self.affiliate.status != Affiliate.Status.ACTIVE:
            return f"affiliate_{self.affiliate.status}"
        if self.method is None:
            return "no_payout_method"
        if self.method.status != PayoutMethod.Status.VERIFIED:
            return f"payout_method_{self.method.status}"
        if self.method.usable_from is None or self.method.usable_from > at:
            return "payout_method_too_new"
        if self.payable_minor < self.gross.minor:
            # One account that does not agree must not keep everybody else from being paid.
            return "books_disagree"
        if not self.amount or self.amount.minor < settings.PAYOUT_MINIMUMS.get(self.currency, 1):
            return "below_minimum"
        return ""


def dues_until(ends_at: datetime, *, is_held: bool = False) -> list[Due]:
    """What is due of commissions approved before `ends_at` that are in no live payout, by affiliate and currency.

    Those of a disputed order wait until its dispute is over: they stay payable, and `disputed_until` counts them.
    With `is_held` the affiliates' rows stay locked until the transaction ends, which keeps refunds
    of approved commissions from changing the sums.
    """
    free = _free_commissions().filter(approved_at__lt=ends_at, conversion__is_disputed=False)
    keys = set(free.values_list("affiliate_id", flat=True))
    affiliates = _affiliates(keys, is_held=is_held)
    dues: dict[tuple[UUID, str], Due] = {}
    rows = free.filter(affiliate_id__in=affiliates, amount_minor__gt=F("reversed_minor"))
    for key, affiliate_id, currency, minor in (
        rows.order_by("affiliate_id", "currency", "approved_at", "pk")
        .annotate(left_minor=F("amount_minor") - F("reversed_minor"))
        .values_list("pk", "affiliate_id", "currency", "left_minor")
        .iterator(chunk_size=5_000)
    ):
        due = dues.setdefault((affiliate_id, currency), Due(affiliates[affiliate_id], currency))
        due.commissions.append((key, minor))
    _fill_in(list(dues.values()))
    return list(dues.values())


def disputed_until(ends_at: datetime) -> list[tuple[Affiliate, Money]]:
    """What would be due and is kept back while the order's dispute is open, by affiliate and currency."""
    rows = list(
        _free_commissions()
        .filter(approved_at__lt=ends_at, conversion__is_disputed=True, amount_minor__gt=F("reversed_minor"))
        .values("affiliate_id", "currency")
        .annotate(left=Sum(F("amount_minor") - F("reversed_minor")))
        .order_by("affiliate_id", "currency")
    )
    affiliates = Affiliate.objects.in_bulk({row["affiliate_id"] for row in rows})
    return [(affiliates[row["affiliate_id"]], Money(int(row["left"]), row["currency"])) for row in rows]


def _free_commissions() -> QuerySet[Commission]:
    in_payout = PayoutItem.objects.filter(commission=OuterRef("pk"), released_at=None)
    free: QuerySet[Commission] = Commission.objects.filter(~Exists(in_payout), status=Commission.Status.APPROVED)
    return free


def _affiliates(keys: Iterable[UUID], *, is_held: bool) -> dict[UUID, Affiliate]:
    found = Affiliate.objects.filter(pk__in=keys).order_by("pk")
    return {one.pk: one for one in (found.select_for_update(no_key=True) if is_held else found)}


def _fill_in(dues: list[Due]) -> None:
    """Add what the book and the payout methods say: four queries, however many dues."""
    keys = {due.affiliate.pk for due in dues}
    owners = {due.affiliate.owner_name for due in dues}
    payable = balances_of_kind("payable", owners)
    recoverable = balances_of_kind("recoverable", owners)
    methods = {
        method.affiliate_id: method
        for method in PayoutMethod.objects.filter(affiliate__in=keys).exclude(status=PayoutMethod.Status.REPLACED)
    }
    open_sums = {
        (row["affiliate_id"], row["currency"]): int(row["open"])
        for row in _free_commissions()
        .filter(affiliate__in=keys)
        .values("affiliate_id", "currency")
        .annotate(open=Sum(F("amount_minor") - F("reversed_minor")))
    }
    for due in dues:
        account, nothing = (due.affiliate.owner_name, due.currency), Money.zero(due.currency)
        due.method = methods.get(due.affiliate.pk)
        due.payable_minor = payable.get(account, nothing).minor
        due.recoverable_minor = recoverable.get(account, nothing).minor
        due.open_minor = open_sums.get((due.affiliate.pk, due.currency), 0)
