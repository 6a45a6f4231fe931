"""Refusals about what happened.

Refusal
├── InputRefused          a field is missing, malformed, too large or of the wrong kind
├── OrderConflict         the order came before, with other content
├── RefundTooLarge        more than is left of the order
├── AmendmentRefused      an order cannot become this
├── DestinationRefused    the page is outside the program (tracking/destinations.py)
├── CodeTaken             the short code is in use
├── CodeReserved          the short code is a word of our own
├── LinkQuotaReached      a place has as many links as there may be
├── RoutingRefused        a rule cannot be read (tracking/routing.py)
├── UtmRefused            a parameter cannot be kept (tracking/utm.py)
├── CreativeRefused      a banner, text link or piece of HTML cannot be used
├── DealRefused          an offer cannot be told of like this
└── DomainRefused         a host cannot be used for links (tracking/domains.py)
"""

from ledger.errors import Refusal


class InputRefused(Refusal):
    """A field of a report cannot be understood; `field` names it, the message says what to send."""

    code = "field_invalid"


class OrderConflict(Refusal):
    """The same order with other content."""

    code = "order_conflict"

    def __init__(self, conversion: object, fields: list[str]) -> None:
        self.conversion = conversion
        self.fields = fields
        super().__init__(
            f"This order was reported before with other {', '.join(fields)}. "
            "Send a refund to take money back, or use another order_id.",
            field=fields[0] if fields else "order_id",
        )


class RefundTooLarge(Refusal):
    """The refund is more than what is left of the order."""

    code = "refund_too_large"


class AmendmentRefused(Refusal):
    """The order cannot be given this content; `field` says which part."""

    code = "amendment_refused"


class CodeTaken(Refusal):
    """Somebody has this code."""

    code = "code_taken"


class CodeReserved(Refusal):
    """The code is a word of our own."""

    code = "code_reserved"


class CreativeRefused(Refusal):
    """A creative cannot be used like this; `field` says which part."""

    code = "creative_refused"


class DealRefused(Refusal):
    """A deal cannot be told of like this; `field` says which part."""

    code = "deal_refused"


class LinkQuotaReached(Refusal):
    """A place has as many links as there may be."""

    code = "link_quota_reached"

    def __init__(self, quota: int) -> None:
        self.quota = quota
        super().__init__(
            f"This place has {quota:,} links, the most there are. Tell your channels apart with sub1 to sub10 instead."
        )
