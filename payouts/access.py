"""What a door may get of commissions and payouts: by whose they are, or by a finance role."""

from typing import TYPE_CHECKING

from affiliates.access import require
from affiliates.errors import NotVisible
from affiliates.models import Affiliate, Merchant, User
from ledger.queries import EntryFacts, account_by_id, entry_by_id
from payouts.models import Commission, Payout, PayoutRun, RuleVersion, Statement

if TYPE_CHECKING:
    from ledger.models import Account


def open_commission_of(affiliate: Affiliate, public_id: str) -> Commission:
    """One of an affiliate's commissions. Raises NotVisible."""
    commission = _commission(public_id)
    if commission.affiliate_id != affiliate.pk:
        raise NotVisible("commission")
    return commission


def open_commission_in(merchant: Merchant, public_id: str) -> Commission:
    """A commission a merchant owes. Raises NotVisible."""
    commission = _commission(public_id)
    if commission.merchant_id != merchant.pk:
        raise NotVisible("commission")
    return commission


def open_any_commission(user: User, public_id: str) -> Commission:
    """Any commission, for finance. Raises NotVisible."""
    require(user, "finance.view")
    return _commission(public_id)


def open_run(user: User, public_id: str, *, action: str = "finance.view") -> PayoutRun:
    """A payout run, for a person with the finance role for the action. Raises NotVisible, NotAllowed."""
    require(user, action)
    people = ("prepared_by", "submitted_by", "approved_by", "sent_by")
    try:
        run: PayoutRun = PayoutRun.objects.select_related(*people).get(pk=PayoutRun.key_of(public_id))
    except (PayoutRun.DoesNotExist, ValueError):
        raise NotVisible("run") from None
    return run


def open_payout(user: User, public_id: str, *, action: str = "finance.view") -> Payout:
    """Any payout, for finance. Raises NotVisible, NotAllowed."""
    require(user, action)
    return _payout(public_id)


def open_account(user: User, public_id: str) -> "Account":
    """An account of the book, for finance. Raises NotVisible, NotAllowed."""
    require(user, "finance.view")
    account = account_by_id(public_id)
    if account is None:
        raise NotVisible("account")
    return account


def open_entry(user: User, public_id: str) -> EntryFacts:
    """An entry of the book, for finance. Raises NotVisible, NotAllowed."""
    require(user, "finance.view")
    entry = entry_by_id(public_id)
    if entry is None:
        raise NotVisible("entry")
    return entry


def open_payout_of(affiliate: Affiliate, public_id: str) -> Payout:
    """One of an affiliate's payouts. Raises NotVisible."""
    payout = _payout(public_id)
    if payout.affiliate_id != affiliate.pk:
        raise NotVisible("payout")
    return payout


def open_statement_of(affiliate: Affiliate, public_id: str) -> Statement:
    """One of an affiliate's statements. Raises NotVisible."""
    try:
        statement: Statement = Statement.objects.by_public_id(public_id)
    except Statement.DoesNotExist:
        raise NotVisible("statement") from None
    if statement.affiliate_id != affiliate.pk:
        raise NotVisible("statement")
    return statement


def open_rule_version_in(merchant: Merchant, public_id: str) -> RuleVersion:
    """A version of the rules of one of a merchant's programs. Raises NotVisible."""
    try:
        version: RuleVersion = RuleVersion.objects.by_public_id(public_id)
    except RuleVersion.DoesNotExist:
        raise NotVisible("rule") from None
    if version.program.merchant_id != merchant.pk:
        raise NotVisible("rule")
    return version


def _commission(public_id: str) -> Commission:
    try:
        commission: Commission = Commission.objects.by_public_id(public_id)
    except Commission.DoesNotExist:
        raise NotVisible("commission") from None
    return commission


def _payout(public_id: str) -> Payout:
    joined = ("run", "affiliate", "method", "statement")
    try:
        payout: Payout = Payout.objects.select_related(*joined).get(pk=Payout.key_of(public_id))
    except (Payout.DoesNotExist, ValueError):
        raise NotVisible("payout") from None
    return payout
