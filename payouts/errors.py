"""Refusals about what is owed and paid.

Refusal
├── NotYetDue             the hold is not over
├── RulesInThePast        rules may not change what happened
├── RuleLineRefused       a line that cannot be read
├── OrderCurrencyRefused  the program pays in another currency
├── SamePerson            the one who prepared or submitted cannot approve
├── RunNotInState         the run is past or before this step
├── RunHasAlarm           the books and Stripe disagree; a person must look first
├── RunNotReconciled      the database was restored since; compare with Stripe first
├── PayoutNotInState      the payout cannot be changed any more
├── PeriodRefused         a run's period that ends before it starts, or later than now
├── DepositRefused        a deposit of nothing, or in another currency than the merchant's books
├── ClaimRefused          a claim or its policy that cannot be read; `field` says which part
├── ClaimNotInState       the claim was decided already, or the step does not follow
├── ClaimOpenAlready      this partner has an open claim about the order
├── ClaimNotGrantable     nothing can be booked for the claim as it stands
├── PaperRefused          proof that is too large, too much, or no picture and no PDF
├── FraudAnswerRefused    an answer to a suspicion without words, or with too many
├── FraudFindingNotInState  the finding was decided already, or the step does not follow
├── RunHasSuspicion       a payout of the run holds commissions under suspicion that nobody accepted
└── QuestionsTooMany      more questions about orders than an hour allows
"""

from ledger.errors import Refusal


class NotYetDue(Refusal):
    """The commission is still on hold."""

    code = "commission_not_yet_due"


class RulesInThePast(Refusal):
    """New rules start now or later; what happened is priced by the rules of its time."""

    code = "rules_in_the_past"


class RuleLineRefused(Refusal):
    """A rule line cannot be read; `field` says which part."""

    code = "rule_line_invalid"


class OrderCurrencyRefused(Refusal):
    """The order is in another currency than the program."""

    code = "currency_mismatch"


class SamePerson(Refusal):
    """Four eyes: who prepared or submitted the run cannot approve it (fault 21)."""

    code = "run_needs_second_person"

    def __init__(self, run: object) -> None:
        self.run = run
        super().__init__("This run needs a second person. You prepared it, so you cannot approve it.")


class RunNotInState(Refusal):
    """The step does not follow from the run's state; somebody may have been quicker (fault 20)."""

    code = "run_not_in_state"

    def __init__(self, run: object, status: str) -> None:
        self.run = run
        self.status = status
        super().__init__(f"The run is {status} already.")


class RunHasAlarm(Refusal):
    """Nothing moves until somebody has looked at the difference."""

    code = "run_has_alarm"


class RunNotReconciled(Refusal):
    """The database was started or restored since the run was last compared with Stripe (fault 8)."""

    code = "run_not_reconciled"

    def __init__(self, run: object) -> None:
        self.run = run
        super().__init__("This run has not been compared with Stripe since the database was started. Compare it first.")


class PayoutNotInState(Refusal):
    """The payout has gone too far, or was taken out already."""

    code = "payout_not_in_state"

    def __init__(self, payout: object, state: str) -> None:
        self.payout = payout
        super().__init__(f"The payout is {state} already.")


class PeriodRefused(Refusal):
    """A run pays for a period that lies behind us and goes forward."""

    code = "period_invalid"


class DepositRefused(Refusal):
    """What arrived cannot be booked as this merchant's deposit; `field` says which part."""

    code = "deposit_invalid"


class ClaimRefused(Refusal):
    """A part of a claim or of its policy cannot be read; `field` says which."""

    code = "claim_invalid"


class ClaimNotInState(Refusal):
    """Somebody was quicker, or the step does not follow from the claim's state."""

    code = "claim_not_in_state"

    def __init__(self, claim: object, status: str) -> None:
        self.claim = claim
        super().__init__(f"The claim is {status} already.")


class ClaimOpenAlready(Refusal):
    """One open claim an order and partner; `claim` is the one that is open."""

    code = "claim_open_already"

    def __init__(self, claim: object) -> None:
        self.claim = claim
        super().__init__("You have an open claim about this order.", field="order_ref")


class ClaimNotGrantable(Refusal):
    """No amount can be worked out for the claim; the message says what is missing."""

    code = "claim_not_grantable"


class PaperRefused(Refusal):
    """Proof that is not kept."""

    code = "paper_refused"


class QuestionsTooMany(Refusal):
    """Order numbers are not to be guessed: so many questions an hour."""

    code = "questions_too_many"

    def __init__(self, most: int) -> None:
        self.most = most
        super().__init__(f"You may ask about {most} orders an hour. Ask again later.")


class FraudAnswerRefused(Refusal):
    """An answer to a suspicion without words, or with too many."""

    code = "fraud_answer_invalid"


class FraudFindingNotInState(Refusal):
    """Somebody was quicker, or the step does not follow from the finding's state."""

    code = "fraud_finding_not_in_state"

    def __init__(self, finding: object, status: str) -> None:
        self.finding = finding
        super().__init__(f"The finding is {status} already.")


class RunHasSuspicion(Refusal):
    """Payouts of the run hold commissions under suspicion: accept or exclude each of them first."""

    code = "run_has_suspicion"
