"""Billing: what the merchant placed in advance, what it owes, and every line of both."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.http import HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from ledger.accounts import AccountName, balance_of
from ledger.money import Money
from ledger.queries import AccountLine, accounts, balance_in, lines_on, postings_of
from portal.formats import month_of
from portal.merchant.pages import here, page_of, show
from portal.merchant.periods import month_span
from portal.reasons import REFUNDS, reason_of
from portal.requests import MerchantRequest

_KINDS = ("receivable", "deposit")


@require_safe
def billing(request: MerchantRequest) -> HttpResponse:
    """Both balances, and the lines of one account in one month."""
    merchant = request.merchant
    at = timezone.now()
    kind = "deposit" if request.GET.get("account") == "deposit" else "receivable"
    month = _month(request.GET.get("month", ""), merchant.time_zone, at=at)
    span = month_span(month, zone=merchant.time_zone)
    nothing = Money.zero(merchant.currency)
    both = {one.kind: one for one in accounts(currency=merchant.currency, owners=[merchant.owner_name])}
    found = both.get(kind)
    page = page_of(request, postings_of(found, start=span.start, end=span.end) if found else [])
    name = AccountName(merchant.owner_name, kind)
    balances = {one: balance_in(both[one]) if one in both else nothing for one in _KINDS}
    context = {
        "owed": balances["receivable"],
        "held": balances["deposit"],
        "kind": kind,
        "tabs": [
            (_("Owed for commissions"), here(request, "billing", month=f"{month:%Y-%m}"), kind == "receivable"),
            (_("Deposit"), here(request, "billing", account="deposit", month=f"{month:%Y-%m}"), kind == "deposit"),
        ],
        "rows": [_row(request, line) for line in lines_on(found, page.object_list)] if found else [],
        "page": page,
        "opening": balance_of(name, merchant.currency, at=span.start),
        "closing": balance_of(name, merchant.currency, at=span.end) if span.end <= at else balances[kind],
        "month_name": month_of(month),
        "earlier_url": here(request, "billing", account=kind, month=f"{_shift(month, -1):%Y-%m}"),
        "later_url": here(request, "billing", account=kind, month=f"{_shift(month, 1):%Y-%m}") if span.end <= at else "",
        "here": f"{request.get_full_path()}#lines",
    }  # fmt: skip
    return show(request, "billing.html", context, place="billing", title=_("Billing"))


def entry_words(kind: str) -> str:
    """What an entry did to the merchant's account."""
    return {
        "commission.accrual": _("Commission earned by a partner"),
        "commission.reversal": _("Commission taken back after a refund"),
        "merchant.deposit": _("Deposit received"),
        "merchant.deposit_applied": _("Deposit set against what is owed"),
    }.get(kind, kind)


def _row(request: MerchantRequest, line: AccountLine) -> tuple[AccountLine, str, str, str, str]:
    """A line, its words, its memo in words, what it is about, and where that is explained."""
    subject = line.reference.partition(":")[0]
    memo = str(reason_of(line.memo).title) if line.memo in REFUNDS else line.memo
    url = here(request, "commission", subject) if subject.startswith("comm_") else "#lines"
    return line, entry_words(line.kind), memo, subject, url


def _month(text: str, zone: str, *, at: datetime) -> date:
    """The first day of the month an address asks for; this month when it asks for none."""
    today = at.astimezone(ZoneInfo(zone)).date()
    try:
        month = date.fromisoformat(f"{text}-01")
    except ValueError:
        return today.replace(day=1)
    return month if date(2000, 1, 1) <= month <= today else today.replace(day=1)


def _shift(month: date, by: int) -> date:
    index = month.year * 12 + month.month - 1 + by
    return date(index // 12, index % 12 + 1, 1)
