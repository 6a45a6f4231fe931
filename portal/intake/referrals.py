"""Orders that name a partner by the code of a link, where nobody kept a click.

A direct link that the tag could not report, or another network's `referral_code`: the visit is
recorded as a click at the moment of the order, so that it is decided like any other.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from affiliates.errors import NotVisible
from tracking.access import open_conversion_by_order, open_link_in
from tracking.clicks import record_click

if TYPE_CHECKING:
    # For annotations only: doors hold verbs, never nouns.
    from affiliates.models import Merchant

_LONGEST_CODE = 64


def with_referral(
    source: Mapping[str, Any], code: str, merchant: "Merchant", *, is_test: bool, at: datetime
) -> dict[str, Any]:
    """The order with the click that the code stands for; unchanged where a click or a coupon names the partner.

    A code that is nobody's is left out: the order is worth more than the code. An order that is known
    gets no second click.
    """
    told = dict(source)
    if not code.isprintable() or not 0 < len(code) <= _LONGEST_CODE or told.get("click_id") or told.get("coupon"):
        return told
    order_ref = told.get("order_id")
    if not isinstance(order_ref, str) or not f"{order_ref}{told.get('event')}".isprintable():
        return told
    if order_ref.strip():
        try:
            known = open_conversion_by_order(
                merchant, order_ref.strip(), event=str(told.get("event") or "sale").lower(), is_test=is_test
            )
        except NotVisible:
            pass
        else:
            return told | ({"click_id": str(known.click_id)} if known.click_id else {})
    try:
        link = open_link_in(merchant, code)
    except NotVisible:
        return told
    return told | {"click_id": record_click(link, at=at).public_id}
