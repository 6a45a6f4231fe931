"""The chart of accounts: what each account is for, named once. Worked examples: docs/accounting.md."""

from affiliates.models import Affiliate, Merchant
from ledger.accounts import AccountName, define_kind
from payouts.models import PayoutRun

define_kind("receivable", "asset", is_guarded=False)
define_kind("deposit", "liability", is_guarded=True)
define_kind("pending", "liability", is_guarded=True)
define_kind("payable", "liability", is_guarded=True)
define_kind("recoverable", "asset", is_guarded=True)
define_kind("in_transit", "liability", is_guarded=True)
define_kind("cash", "asset", is_guarded=False)
define_kind("fees", "income", is_guarded=False)

#: The operator's balance at Stripe. It may go below nothing in the book: merchants may pay later.
CASH = AccountName("house", "cash")


def receivable(merchant: Merchant) -> AccountName:
    """What the merchant owes for commissions accrued; a credit balance is paid ahead."""
    return AccountName(merchant.owner_name, "receivable")


def deposit(merchant: Merchant) -> AccountName:
    """What the merchant placed in advance."""
    return AccountName(merchant.owner_name, "deposit")


def pending(affiliate: Affiliate) -> AccountName:
    """Earned, and on hold."""
    return AccountName(affiliate.owner_name, "pending")


def payable(affiliate: Affiliate) -> AccountName:
    """Approved, and owed to the affiliate now."""
    return AccountName(affiliate.owner_name, "payable")


def recoverable(affiliate: Affiliate) -> AccountName:
    """Paid for orders that came back; netted from later payouts (fault 25)."""
    return AccountName(affiliate.owner_name, "recoverable")


def in_transit(run: PayoutRun) -> AccountName:
    """Reserved for the payouts of one run. Owned by the run, so that runs do not queue on one row."""
    return AccountName(f"run/{run.public_id}", "in_transit")
