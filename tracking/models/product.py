"""A program's products, the feed they come from, and the rows of it that were refused."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from ledger.ids import Record
from ledger.money import Money


class ProductFeed(Record):
    """Where a program's products come from: an address that is fetched, or files that are sent; and what the last one brought."""

    ID_PREFIX = "feed"

    program = models.OneToOneField("affiliates.Program", on_delete=models.PROTECT, related_name="product_feed")
    #: Empty where files are sent by hand.
    url = models.URLField(max_length=2000, blank=True, default="")
    every_hours = models.PositiveSmallIntegerField(default=24)
    #: What the address said of its last answer, for asking conditionally.
    etag = models.CharField(max_length=500, blank=True, default="")
    last_modified = models.CharField(max_length=100, blank=True, default="")
    #: SHA-256 of what was read last, together with the hosts that were allowed then.
    sha256 = models.CharField(max_length=64, blank=True, default="")
    kind = models.CharField(max_length=4, blank=True, default="")
    file_name = models.CharField(max_length=200, blank=True, default="")
    #: When it was last asked for or sent, and when something was last read from it.
    asked_at = models.DateTimeField(null=True)
    read_at = models.DateTimeField(null=True)
    next_at = models.DateTimeField(null=True)
    fetching_since = models.DateTimeField(null=True)
    #: Why the last attempt brought nothing, where it did not, and how often in a row.
    reason = models.CharField(max_length=40, blank=True, default="")
    detail = models.TextField(blank=True, default="")
    failures = models.PositiveIntegerField(default=0)
    row_count = models.PositiveIntegerField(default=0)
    product_count = models.PositiveIntegerField(default=0)
    refused_count = models.PositiveIntegerField(default=0)
    new_count = models.PositiveIntegerField(default=0)
    changed_count = models.PositiveIntegerField(default=0)
    gone_count = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField()

    class Meta:
        db_table = "tracking_product_feed"
        indexes = [models.Index(fields=["next_at"], name="product_feed_due", condition=~models.Q(url=""))]


class FeedRefusal(models.Model):
    """One row of the feed as it was last read that is no product, and why."""

    feed = models.ForeignKey(ProductFeed, on_delete=models.CASCADE, related_name="refusals")
    #: The line of a table, the place in a list, the item of an XML file.
    number = models.PositiveIntegerField()
    sku = models.CharField(max_length=100, blank=True, default="")
    field = models.CharField(max_length=40, blank=True, default="")
    code = models.CharField(max_length=40)
    detail = models.TextField()

    class Meta:
        db_table = "tracking_feed_refusal"
        constraints = [models.UniqueConstraint(fields=["feed", "number"], name="feed_refusal_once")]

    def __str__(self) -> str:
        return f"{self.number}: {self.code}"


class Product(Record):
    """Something a program sells; one that is no more in the feed is gone, and comes back when it is in it again."""

    ID_PREFIX = "prod"

    class Availability(models.TextChoices):
        IN_STOCK = "in_stock", _("in stock")
        OUT_OF_STOCK = "out_of_stock", _("out of stock")
        PREORDER = "preorder", _("can be ordered in advance")
        BACKORDER = "backorder", _("on back order")
        UNKNOWN = "unknown", _("not said")

    program = models.ForeignKey("affiliates.Program", on_delete=models.PROTECT, related_name="products")
    sku = models.CharField(max_length=100)
    title = models.CharField(max_length=300)
    price_minor = models.BigIntegerField()
    sale_price_minor = models.BigIntegerField(null=True)
    currency = models.CharField(max_length=3)
    availability = models.CharField(max_length=12, choices=Availability, default=Availability.UNKNOWN)
    category = models.CharField(max_length=300, blank=True, default="")
    brand = models.CharField(max_length=100, blank=True, default="")
    image_url = models.URLField(max_length=2000, blank=True, default="")
    url = models.URLField(max_length=2000)
    #: What is searched: all of its words in lower case.
    words = models.TextField(blank=True, default="")
    first_seen_at = models.DateTimeField()
    changed_at = models.DateTimeField()
    gone_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["program", "sku"], name="product_once_a_program")]
        indexes = [
            models.Index(fields=["program", "-id"], name="product_listed", condition=models.Q(gone_at=None)),
            models.Index(fields=["program", "category"], name="product_by_category", condition=models.Q(gone_at=None)),
        ]

    @property
    def price(self) -> Money:
        """What it costs without a sale."""
        return Money(self.price_minor, self.currency)

    @property
    def sale_price(self) -> Money | None:
        """What it costs for the time being, where it is on sale."""
        return None if self.sale_price_minor is None else Money(self.sale_price_minor, self.currency)
