"""What pages show about orders from shoppers' browsers."""

from django.db.models import QuerySet

from affiliates.models import Merchant
from payouts.sales import UNCONFIRMED
from tracking.models import Conversion, TagSettings


def waiting_for_server(merchant: Merchant) -> QuerySet[Conversion]:
    """Orders that wait for the word of the merchant's server, oldest first; test orders left out."""
    return Conversion.objects.filter(
        merchant=merchant, verdict=Conversion.Verdict.HELD, reason=UNCONFIRMED, is_test=False
    ).order_by("recorded_at")


def tag_orders_of(merchant: Merchant) -> str:
    """When a merchant's orders from browsers count: at_once or wait."""
    found = TagSettings.objects.filter(merchant=merchant).values_list("orders", flat=True).first()
    return found or TagSettings.Orders.AT_ONCE.value


def tag_order_choices() -> list[tuple[str, str]]:
    """The choices: (code, what it is called)."""
    return [(str(value), str(label)) for value, label in TagSettings.Orders.choices]
