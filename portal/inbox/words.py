"""What doors are called."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

DOORS: dict[str, str | Promise] = {
    "api": _("API"),
    "api.batch": _("API, many orders"),
    "api.item": _("API, one of many"),
    "api.refund": _("API, refund"),
    "api.apart": _("API, two refunds"),
    "api.amend": _("API, correction"),
    "api.links": _("API, links"),
    "api.coupons": _("API, codes"),
    "postback": _("Postback"),
    "tag": _("Tag on the page"),
    "pixel": _("Image pixel"),
    "upload": _("Upload, file"),
    "upload.row": _("Upload, row"),
    "stripe": _("Stripe"),
    "shopify": _("Shopify"),
    "woocommerce": _("WooCommerce"),
    "dub": _("Dub client"),
    "manual": _("By hand"),
}

#: The doors offered in the filter: each with all its parts.
OFFERED = ("api", "postback", "tag", "pixel", "upload", "stripe", "shopify", "woocommerce", "dub")


def door_words(door: str) -> str:
    """What a door is called."""
    return str(DOORS.get(door) or DOORS.get(door.split(".")[0]) or door)
