"""What is owed and paid."""

from payouts.models.claim import Claim, ClaimFile, ClaimNote, ClaimPolicy, OrderQuestion
from payouts.models.commission import Commission
from payouts.models.fraud_hold import FraudHold
from payouts.models.method import PayoutMethod
from payouts.models.order_line import ChangedOrder, OrderLine
from payouts.models.payout import Payout, PayoutAttempt, PayoutItem
from payouts.models.rule import RuleLine, RuleVersion
from payouts.models.run import PayoutRun
from payouts.models.statement import Statement
from payouts.models.stripe_event import StripeEvent

__all__ = [
    "ChangedOrder",
    "Claim",
    "ClaimFile",
    "ClaimNote",
    "ClaimPolicy",
    "Commission",
    "FraudHold",
    "OrderLine",
    "OrderQuestion",
    "Payout",
    "PayoutAttempt",
    "PayoutItem",
    "PayoutMethod",
    "PayoutRun",
    "RuleLine",
    "RuleVersion",
    "Statement",
    "StripeEvent",
]
