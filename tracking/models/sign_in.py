"""Where partners' people sign in from: kept to tell a partner's own orders from its customers' (feature F8)."""

from typing import ClassVar

from django.conf import settings
from django.db import models

from ledger.ids import Record


class SignIn(Record):
    """One person from one network with one browser on one day. Forgotten after ninety days."""

    ID_PREFIX = "sgn"

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="sign_ins")
    #: The visitor id of the browser when it has followed one of our links before: the click door's own cookie.
    visitor_id = models.UUIDField(null=True, blank=True)
    #: The address of IPv4, the /64 of IPv6: what one household or office has.
    network = models.GenericIPAddressField(null=True, blank=True)
    day = models.DateField()
    last_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["user", "visitor_id", "network", "day"], name="sign_in_once_a_day", nulls_distinct=False
            )
        ]

    def __str__(self) -> str:
        return f"sign-in of {self.user_id} on {self.day}"
