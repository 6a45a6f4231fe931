"""What the merchants' shops said, event by event: an order's state is worked out from all of them."""

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models

from ledger.ids import Record


class ShopEvent(Record):
    """One event of a shop, kept once by the shop's own id for it, with what it says of an order (tracking/shops/).

    `keys` name the things of the shop the event is about (its order, payment, charge, invoice): events
    that share one are of the same order. `context` names what several orders share (a subscription,
    a customer).
    """

    ID_PREFIX = "shev"

    merchant = models.ForeignKey("affiliates.Merchant", on_delete=models.PROTECT, related_name="+")
    shop = models.CharField(max_length=12)
    event_id = models.CharField(max_length=128)
    topic = models.CharField(max_length=60)
    is_test = models.BooleanField(default=False)
    keys = ArrayField(models.CharField(max_length=140))
    context = ArrayField(models.CharField(max_length=140), default=list)
    facts = models.JSONField(default=dict)
    happened_at = models.DateTimeField()
    recorded_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["merchant", "shop", "event_id"], name="shop_event_once")]
        indexes = [
            GinIndex(fields=["keys"], name="shop_event_keys"),
            GinIndex(fields=["context"], name="shop_event_context"),
        ]
