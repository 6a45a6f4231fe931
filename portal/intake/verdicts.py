"""What became of an order, as the sender and the row are told."""

from typing import TYPE_CHECKING

from portal.intake.door import ACCEPTED, DUPLICATE, REJECTED, TEST

if TYPE_CHECKING:
    # For annotations only: doors hold verbs, never nouns.
    from payouts.sales import Sale


def verdict_of_sale(sale: "Sale") -> tuple[str, str, str]:
    """(the verdict the sender reads, its reason, the verdict of the row in the inbox)."""
    conversion = sale.conversion
    if not sale.is_new:
        return "duplicate", "same_order", TEST if conversion.is_test else DUPLICATE
    row = REJECTED if conversion.verdict == "rejected" else TEST if conversion.is_test else ACCEPTED
    return conversion.verdict, conversion.reason, row
