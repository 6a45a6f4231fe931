"""What a report can be grouped by and filtered with, and where each is found.

`hour` reads the hourly roll-up (h), `raw` the click log (k), `order` the line of an order (l) and, where
`needs_click` says so, the click that won (k), or an item of it (i).
A dimension without `hour` is found in the click log only; one without `raw` only in orders, and clicks are
then not known. An order's sub-ids, country and device are those of its click.
"""

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

type Text = str | Promise

#: Groups of time, from fine to coarse.
TIMES = ("hour", "day", "week", "month")


@dataclass(frozen=True, slots=True)
class Dimension:
    """One thing to group by. `needs_click` and `needs_items` say what an order's query has to join."""

    key: str
    label: Text
    order: str
    hour: str = ""
    raw: str = ""
    condensed: str = ""
    needs_click: bool = False
    needs_items: bool = False
    for_partner: bool = True

    @property
    def is_time(self) -> bool:
        """Whether its groups follow each other."""
        return self.key in TIMES

    @property
    def is_raw(self) -> bool:
        """Whether clicks have to be counted one by one."""
        return bool(self.raw) and not self.hour

    @property
    def has_clicks(self) -> bool:
        """Whether a click has it at all."""
        return bool(self.hour or self.raw)


def _time(key: str, label: Text) -> Dimension:
    form = "YYYY-MM-DD HH24:00" if key == "hour" else "YYYY-MM-DD"

    def of(column: str) -> str:
        return f"to_char(date_trunc('{key}', {column} AT TIME ZONE %(zone)s), '{form}')"

    # An hour that one of these groups cuts in two is not read from the roll-up (tracking/statistics/spans.py).
    return Dimension(key, label, of("l.occurred_at"), of("h.hour"), of("k.clicked_at"))


def _param(key: str, label: Text) -> Dimension:
    value = f"coalesce(k.params ->> '{key}', '')"
    return Dimension(key, label, value, raw=value, needs_click=True)


_HOST = "lower(coalesce(substring(k.referrer from '^[a-zA-Z]+://([^/:?#]+)'), ''))"
_PAGE = "coalesce(substring(k.destination from '^[a-zA-Z]+://([^?#]+)'), '')"
_LABEL = "(SELECT t.label FROM tracking_link t WHERE t.id = {}.link_id)"

_ALL = (
    _time("hour", _("Hour")),
    _time("day", _("Day")),
    _time("week", _("Week")),
    _time("month", _("Month")),
    Dimension("program", _("Program"), "l.program_id::text", "h.program_id::text", "k.program_id::text",
              condensed="program"),
    Dimension("affiliate", _("Partner"), "l.partner_id::text", "h.affiliate_id::text", "k.affiliate_id::text",
              condensed="affiliate", for_partner=False),
    Dimension("link", _("Link"), "coalesce(l.link_id::text, '')", "h.link_id::text", "k.link_id::text",
              condensed="link"),
    Dimension("label", _("Link label"), f"coalesce({_LABEL.format('l')}, '')", f"coalesce({_LABEL.format('h')}, '')",
              f"coalesce({_LABEL.format('k')}, '')"),
    Dimension("sub1", format_lazy(_("Sub-id {number}"), number=1), "coalesce(l.sub1, '')", "h.sub1", "coalesce(k.params ->> 'sub1', '')",
              condensed="sub1"),
    *(_param(f"sub{number}", format_lazy(_("Sub-id {number}"), number=number)) for number in range(2, 11)),
    _param("source_id", _("Source")),
    _param("creative", _("Creative or deal")),
    Dimension("country", _("Country"), "l.country", "h.country", "k.country",
              condensed="country"),
    Dimension("device", _("Device"), "coalesce(l.device, '')", "h.device", "k.device",
              condensed="device"),
    Dimension("browser", _("Browser"), "coalesce(k.browser, '')", raw="k.browser", needs_click=True),
    Dimension("os", _("Operating system"), "coalesce(k.os, '')", raw="k.os", needs_click=True),
    Dimension("referrer", _("Referring site"), _HOST, raw=_HOST, needs_click=True),
    Dimension("page", _("Landing page"), _PAGE, raw=_PAGE, needs_click=True),
    Dimension("event", _("Event"), "l.event"),
    Dimension("coupon", _("Coupon"), "l.coupon"),
    Dimension("customer", _("Customer"), "l.customer_status"),
    Dimension("category", _("Item category"), "coalesce(i.item ->> 'category', '')", needs_items=True),
    Dimension("sku", _("Item"), "coalesce(i.item ->> 'sku', '')", needs_items=True),
)  # fmt: skip

DIMENSIONS: dict[str, Dimension] = {one.key: one for one in _ALL}
