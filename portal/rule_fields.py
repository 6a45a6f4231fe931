"""What the fields of rules are called, and how conditions about them read in a sentence."""

from babel.dates import get_day_names
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from payouts.rules.fields import WEEKDAYS
from portal.formats import locale_of

#: How "is" and "is not" read after what is paid: "25% of the net value on Pro plans for Gold partners".
ABOUT: dict[str, tuple[str | Promise, str | Promise]] = {
    "item.sku": (gettext_lazy("on %(values)s"), gettext_lazy("on everything but %(values)s")),
    "item.category": (gettext_lazy("on %(values)s"), gettext_lazy("on everything but %(values)s")),
    "partner.id": (gettext_lazy("for %(values)s"), gettext_lazy("for all but %(values)s")),
    "partner.tier": (gettext_lazy("for %(values)s partners"), gettext_lazy("for all but %(values)s partners")),
    "partner.segments": (
        gettext_lazy("for partners of the group %(values)s"),
        gettext_lazy("for partners outside the group %(values)s"),
    ),
    "partner.tags": (
        gettext_lazy("for partners marked %(values)s"),
        gettext_lazy("for partners not marked %(values)s"),
    ),
    "partner.country": (gettext_lazy("for partners in %(values)s"), gettext_lazy("for partners outside %(values)s")),
    "customer.status": (gettext_lazy("from %(values)s customers"), gettext_lazy("from all but %(values)s customers")),
    "customer.country": (
        gettext_lazy("from customers in %(values)s"),
        gettext_lazy("from customers outside %(values)s"),
    ),
    "order.country": (gettext_lazy("on orders from %(values)s"), gettext_lazy("on orders from outside %(values)s")),
    "order.currency": (gettext_lazy("on orders in %(values)s"), gettext_lazy("on orders not in %(values)s")),
    "order.coupon": (gettext_lazy("with the code %(values)s"), gettext_lazy("without the code %(values)s")),
    "click.country": (gettext_lazy("after a click in %(values)s"), gettext_lazy("after a click outside %(values)s")),
    "click.device": (
        gettext_lazy("after a click on %(values)s"),
        gettext_lazy("after a click on anything but %(values)s"),
    ),
    "click.os": (gettext_lazy("after a click under %(values)s"), gettext_lazy("after a click not under %(values)s")),
    "click.referrer_host": (
        gettext_lazy("after a click on %(values)s"),
        gettext_lazy("after a click anywhere but on %(values)s"),
    ),
    "link.code": (gettext_lazy("through the link %(values)s"), gettext_lazy("through any link but %(values)s")),
    "time.weekday": (gettext_lazy("on %(values)s"), gettext_lazy("on any day but %(values)s")),
    "time.date": (gettext_lazy("on %(values)s"), gettext_lazy("on any day but %(values)s")),
}

#: How sizes read: "on orders of $50.00 or more".
SIZES: dict[str, str | Promise] = {
    "order.amount": gettext_lazy("on orders %(size)s"),
    "order.base": gettext_lazy("on orders with a value %(size)s"),
    "item.amount": gettext_lazy("on positions %(size)s"),
}

_NAMES: dict[str, str | Promise] = {
    "order.amount": gettext_lazy("the amount of the order"),
    "order.base": gettext_lazy("the value of the order"),
    "order.currency": gettext_lazy("the currency"),
    "order.quantity": gettext_lazy("the number of pieces"),
    "order.coupon": gettext_lazy("the code"),
    "order.country": gettext_lazy("the country of the order"),
    "order.is_renewal": gettext_lazy("the order is a renewal"),
    "order.charge": gettext_lazy("the number of the payment"),
    "order.month": gettext_lazy("the months since the first order"),
    "item.sku": gettext_lazy("the article number"),
    "item.category": gettext_lazy("the category"),
    "item.amount": gettext_lazy("the amount of the position"),
    "item.quantity": gettext_lazy("the number of pieces of the position"),
    "customer.status": gettext_lazy("the customer"),
    "customer.country": gettext_lazy("the customer's country"),
    "customer.orders_before": gettext_lazy("the number of earlier orders"),
    "partner.id": gettext_lazy("the partner"),
    "partner.tier": gettext_lazy("the partner's tier"),
    "partner.segments": gettext_lazy("the partner's group"),
    "partner.tags": gettext_lazy("the partner's mark"),
    "partner.country": gettext_lazy("the partner's country"),
    "partner.joined_days": gettext_lazy("the days since the partner joined"),
    "link.code": gettext_lazy("the link"),
    "link.host": gettext_lazy("the link's host"),
    "click.country": gettext_lazy("the country of the click"),
    "click.device": gettext_lazy("the device"),
    "click.os": gettext_lazy("the operating system"),
    "click.referrer_host": gettext_lazy("the page of the click"),
    "time.weekday": gettext_lazy("the day of the week"),
    "time.hour": gettext_lazy("the hour of the day"),
    "time.date": gettext_lazy("the day"),
    "time.day_of_month": gettext_lazy("the day of the month"),
    "role": gettext_lazy("the partner's part in the order"),
}


def field_name(name: str, metadata: str = "") -> str:
    """What a field is called within a sentence."""
    if metadata:
        return _("the detail “%(key)s”") % {"key": metadata}
    if name.startswith("link.sub"):
        return _("the sub-id %(number)s") % {"number": name.removeprefix("link.sub")}
    return str(_NAMES.get(name, name))


def weekday_name(day: str) -> str:
    """A day of the week in the reader's language."""
    return str(get_day_names("wide", locale=locale_of())[WEEKDAYS.index(day)])


def device_words(device: str) -> str:
    """What a kind of device is called after "on"."""
    return {
        "desktop": _("a computer"),
        "mobile": _("a phone"),
        "tablet": _("a tablet"),
        "other": _("another device"),
    }.get(device, device)
