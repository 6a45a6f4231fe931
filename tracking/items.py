"""What the items of an order are worth when some of them come back."""

from collections import Counter
from decimal import Decimal
from typing import Any

from django.db.models import Q

from ledger.money import Money
from tracking.errors import InputRefused
from tracking.models import Conversion

#: Of a refund that was told twice the items count once, whichever of the two has them.
_COUNTS = Q(voided_at=None) & (Q(twin=None) | Q(twin__items=[]))


def worth_of_items(conversion: Conversion, wanted: list[dict[str, Any]]) -> Money:
    """What the `wanted` items ([{"sku", "quantity"}]) of an order cost, beyond those that came back before.

    Of a line of several pieces each return is worth the difference between what all pieces returned
    so far are worth and what those before were, rounded half up: all pieces together are worth the
    whole line, however they come back. Raises InputRefused for an item that the order has not, or
    has no more of.
    """
    gone: Counter[str] = Counter()
    for refund in conversion.refunds.filter(_COUNTS).exclude(items=[]):
        gone.update({item["sku"]: item["quantity"] for item in refund.items})
    lines = {line["sku"]: line for line in conversion.items if line.get("sku") and line.get("amount") is not None}
    total = Money.zero(conversion.currency)
    for number, item in enumerate(wanted):
        sku, quantity = item["sku"], item["quantity"]
        line = lines.get(sku)
        if line is None:
            raise InputRefused(
                f"The order has no item {sku!r} with an amount. Refund an amount instead.",
                code="item_unknown",
                field=f"items.{number}.sku",
            )
        pieces = line["quantity"]
        if gone[sku] + quantity > pieces:
            raise InputRefused(
                f"Of {sku!r} {pieces - gone[sku]} of {pieces} are left to refund.",
                code="item_not_left",
                field=f"items.{number}.quantity",
            )
        amount = Money.parse(line["amount"], conversion.currency)
        total += amount.share(Decimal(gone[sku] + quantity) / pieces) - amount.share(Decimal(gone[sku]) / pieces)
        gone[sku] += quantity
    return total
