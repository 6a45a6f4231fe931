"""The demo's shop: a connected Stripe and WooCommerce, and orders that lived on after they were reported."""

from datetime import timedelta
from typing import TYPE_CHECKING

from affiliates.shops import connect_shop
from ledger.ids import public_id_of
from payouts.converging import hear
from tracking.shops import stripe_events, woocommerce_events

if TYPE_CHECKING:
    from portal.demo.play import Stage

_SECRET = "whsec_of_the_demo_which_everybody_knows"  # noqa: S105 - the demo's own


def play_shops(stage: "Stage") -> None:
    """Connect two shops and hear: an order with a refund and a dispute that was won, and one that was cancelled."""
    merchant, at = stage.network.merchants["acme"], stage.now
    by = stage.network.users["merchant@demo.example"]
    before = [one for one in stage.follows if one.place.shop.slug == "acme" and one.at < at - timedelta(days=3)]
    click = public_id_of("clk", max(before, key=lambda one: one.at).click_id) if before else ""
    currency = merchant.currency.lower()
    stripe, _made = connect_shop(
        merchant, "stripe", label="Online shop", secret=_SECRET, by=by, at=at - timedelta(days=20)
    )
    woo, _made = connect_shop(merchant, "woocommerce", label="Blog shop", by=by, at=at - timedelta(days=12))
    began = at - timedelta(days=3)
    charge = {"id": "ch_demo1", "payment_intent": "pi_demo1", "currency": currency, "amount": 12_000}
    dispute = {
        "id": "dp_demo1",
        "charge": "ch_demo1",
        "payment_intent": "pi_demo1",
        "currency": currency,
        "amount": 9_000,
    }
    told = [
        ("checkout.session.completed", 0, {
            "id": "cs_demo1", "mode": "payment", "payment_status": "paid", "payment_intent": "pi_demo1",
            "currency": currency, "amount_total": 12_000, "client_reference_id": click or None,
            "created": int(began.timestamp()), "metadata": {"order_id": "WEB-2041"},
        }),
        ("charge.refunded", 20, {**charge, "amount_refunded": 3_000}),
        ("charge.dispute.created", 30, {**dispute, "status": "needs_response"}),
        ("charge.dispute.closed", 50, {**dispute, "status": "won"}),
    ]  # fmt: skip
    for number, (kind, hours, thing) in enumerate(told):
        moment = began + timedelta(hours=hours)
        event = {
            "id": f"evt_demo{number}", "type": kind, "created": int(moment.timestamp()), "livemode": True,
            "data": {"object": thing},
        }  # fmt: skip
        if notice := stripe_events.read(event):
            hear(stripe, notice, at=moment)
    order = {
        "id": 3107, "number": "3107", "currency": merchant.currency, "total": "58.00", "total_tax": "0.00",
        "shipping_total": "0.00", "date_created_gmt": (began + timedelta(hours=2)).isoformat(),
        "line_items": [{"id": 1, "sku": "TEA-1", "quantity": 2, "total": "58.00"}],
        "meta_data": [{"key": "click_id", "value": click}] if click else [],
    }  # fmt: skip
    for number, (status, hours) in enumerate((("processing", 2), ("cancelled", 9))):
        moment = began + timedelta(hours=hours)
        said = {**order, "status": status, "date_modified_gmt": moment.isoformat()}
        if told_of := woocommerce_events.read("order.updated", f"demo-{number}", said, at=moment):
            hear(woo, told_of, at=moment)
