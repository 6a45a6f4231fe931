"""Refusals about what happened.

Refusal
├── InputRefused          a field is missing, malformed, too large or of the wrong kind
├── OrderConflict         the order came before, with other content
├── RefundTooLarge        more than is left of the order
├── DestinationRefused    the page is outside the program (tracking/destinations.py)
└── CodeTaken             the short code is in use
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


class CodeTaken(Refusal):
    """Somebody has this code."""

    code = "code_taken"
