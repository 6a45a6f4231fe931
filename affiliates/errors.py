"""Refusals about who may do what.

Refusal
├── NotVisible            it is another tenant's, or there is none: the answer is the same
├── NotAllowed            the role does not allow it
├── KeyRefused            no such key, or revoked
├── ProgramNotOpen        the program takes no affiliates now
├── NotInState            the enrolment or member is in another state
├── ShopLabelTaken        a shop of this kind has this name
├── ShopSecretRefused     the text is no signing secret
├── TermsInThePast        new terms may not start in the past
├── TermsRefused          a condition of the terms cannot be
├── CouponRefused         a code is unreadable, taken, or of somebody who may not have it
├── EndpointRefused       an address that cannot hear of events
└── AffiliateNotActive    frozen or closed members cannot do this
"""

from ledger.errors import Refusal


class NotVisible(Refusal):
    """There is no such thing for this person."""

    code = "not_found"

    def __init__(self, what: str) -> None:
        self.what = what
        super().__init__(f"There is no {what} here.")


class NotAllowed(Refusal):
    """The person's role does not allow the action."""

    code = "not_allowed"

    def __init__(self, action: str) -> None:
        self.action = action
        super().__init__(f"Your role does not allow this ({action}).")


class KeyRefused(Refusal):
    """The API key is missing, unknown or revoked."""

    code = "key_unknown"


class ProgramNotOpen(Refusal):
    """The program takes no affiliates now."""

    code = "program_not_open"

    def __init__(self, program: object) -> None:
        self.program = program
        super().__init__(f"{program} takes no new affiliates now.")


class NotInState(Refusal):
    """Somebody was quicker, or the step does not follow from the state."""

    code = "not_in_state"

    def __init__(self, subject: object, state: str) -> None:
        self.subject = subject
        self.state = state
        super().__init__(f"{subject} is {state} already.")


class TermsInThePast(Refusal):
    """What was agreed is not changed afterwards."""

    code = "terms_in_the_past"


class TermsRefused(Refusal):
    """A condition of the terms is outside what can be; `field` names it."""

    code = "terms_refused"


class CouponRefused(Refusal):
    """A coupon code cannot be issued or changed like this; `field` names what is wrong."""

    code = "coupon_refused"


class AffiliateNotActive(Refusal):
    """The member is frozen or closed."""

    code = "affiliate_not_active"

    def __init__(self, affiliate: object, status: str) -> None:
        self.affiliate = affiliate
        super().__init__(f"{affiliate} is {status}.")


class EndpointRefused(Refusal):
    """The endpoint cannot be set up so; `field` says which part."""

    code = "endpoint_refused"


class ShopLabelTaken(Refusal):
    """There is a shop of this kind with this name."""

    code = "shop_label_taken"


class ShopSecretRefused(Refusal):
    """The text is no signing secret of this kind of shop."""

    code = "shop_secret_invalid"


class AddressUnreadable(Refusal):
    """The text is no e-mail address."""

    code = "address_unreadable"


class AddressInUse(Refusal):
    """Somebody who is here already has the address, and decides alone which programs to join."""

    code = "address_in_use"
