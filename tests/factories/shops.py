"""What shops send, made small: events of one order of 100.00 as Stripe, Shopify and WooCommerce word them."""

import base64
import hashlib
import hmac
import itertools
import json
from datetime import UTC, datetime, timedelta
from typing import Any

from affiliates.models import Merchant, ShopConnection
from affiliates.shops import connect_shop

SECRET = "whsec_0123456789abcdef0123456789"

_numbers = itertools.count(1)


def make_shop(merchant: Merchant, kind: str, *, at: datetime, **settings: str) -> ShopConnection:
    """A connected shop with a known secret."""
    shop, _made = connect_shop(merchant, kind, label="Shop", secret=SECRET, settings=settings, by=None, at=at)
    return shop


def body_of(event: dict[str, Any]) -> bytes:
    """The bytes a shop sends."""
    return json.dumps(event).encode()


def stripe_signature(body: bytes, *, at: datetime, secret: str = SECRET) -> str:
    """Stripe's signature header."""
    stamp = int(at.timestamp())
    digest = hmac.new(secret.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={stamp},v1={digest}"


def shop_signature(body: bytes, *, secret: str = SECRET) -> str:
    """Shopify's and WooCommerce's signature header."""
    return base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()


class StripeShop:
    """One order of 100.00 USD in a merchant's Stripe, and what happens to it."""

    def __init__(self, *, click: str = "", at: datetime, livemode: bool = True, currency: str = "usd") -> None:
        self.number = next(_numbers)
        self.click, self.at, self.livemode, self.currency = click, at, livemode, currency
        self.payment, self.charge = f"pi_{self.number}", f"ch_{self.number}"
        self.session = f"cs_{self.number}"

    def event(self, kind: str, thing: dict[str, Any], *, minute: int = 0) -> dict[str, Any]:
        """An event of `minute` minutes after the order."""
        return {
            "id": f"evt_{next(_numbers)}",
            "type": kind,
            "created": int((self.at + timedelta(minutes=minute)).timestamp()),
            "livemode": self.livemode,
            "data": {"object": thing},
        }

    def checkout(self, kind: str = "completed", *, paid: bool = True, minute: int = 0, **more: Any) -> dict[str, Any]:
        """A Checkout session's event."""
        thing = {
            "id": self.session,
            "object": "checkout.session",
            "mode": "payment",
            "created": int(self.at.timestamp()),
            "payment_status": "paid" if paid else "unpaid",
            "payment_intent": self.payment,
            "client_reference_id": self.click or None,
            "customer": "cus_1",
            "customer_details": {"email": "kim@example.com", "address": {"country": "US"}},
            "currency": self.currency,
            "amount_total": 10_000,
            "total_details": {"amount_tax": 0, "amount_shipping": 0, "amount_discount": 0},
            **more,
        }
        return self.event(f"checkout.session.{kind}", thing, minute=minute)

    def refunded(self, minor: int, *, minute: int) -> dict[str, Any]:
        """The charge with so much refunded in all."""
        thing = {
            "id": self.charge, "object": "charge", "payment_intent": self.payment, "currency": self.currency,
            "amount": 10_000, "amount_refunded": minor,
        }  # fmt: skip
        return self.event("charge.refunded", thing, minute=minute)

    def dispute(self, what: str, *, minute: int, status: str = "needs_response", minor: int = 10_000) -> dict[str, Any]:
        """A dispute over the charge."""
        thing = {
            "id": f"dp_{self.number}", "object": "dispute", "charge": self.charge, "payment_intent": self.payment,
            "currency": self.currency, "amount": minor, "status": status,
        }  # fmt: skip
        return self.event(f"charge.dispute.{what}", thing, minute=minute)

    def invoice(
        self, name: str, *, minute: int = 0, reason: str = "subscription_create", **more: Any
    ) -> dict[str, Any]:
        """A paid invoice of the subscription sub_<number>."""
        thing = {
            "id": name, "object": "invoice", "created": int((self.at + timedelta(minutes=minute)).timestamp()),
            "currency": self.currency, "amount_paid": 10_000, "total": 10_000, "total_excluding_tax": 10_000,
            "customer": "cus_1", "billing_reason": reason,
            "parent": {"subscription_details": {"subscription": f"sub_{self.number}", "metadata": {}}},
            **more,
        }  # fmt: skip
        return self.event("invoice.paid", thing, minute=minute)


class ShopifyShop:
    """One order of 100.00 USD at Shopify."""

    def __init__(self, *, click: str = "", at: datetime) -> None:
        self.number, self.click, self.at = next(_numbers), click, at
        self.id = 5_000_000_000 + self.number

    def order(self, *, minute: int, status: str = "paid", goods: str = "100.00", **more: Any) -> dict[str, Any]:
        """The whole order, as every order event holds it."""
        return {
            "id": self.id, "name": f"#{self.number}", "order_number": self.number, "currency": "USD",
            "created_at": self.at.isoformat(), "updated_at": (self.at + timedelta(minutes=minute)).isoformat(),
            "financial_status": status, "subtotal_price": goods, "total_price": goods, "total_tax": "0.00",
            "total_discounts": "0.00", "email": "kim@example.com", "test": False,
            "customer": {"id": 77, "orders_count": 1},
            "note_attributes": [{"name": "click_id", "value": self.click}] if self.click else [],
            "line_items": [{"id": 1, "sku": "A", "quantity": 2, "price": "50.00"}],
            "refunds": [], **more,
        }  # fmt: skip

    def refund(self, name: int, amount: str, *, minute: int) -> dict[str, Any]:
        """A refund of goods."""
        return {
            "id": name, "order_id": self.id, "created_at": (self.at + timedelta(minutes=minute)).isoformat(),
            "refund_line_items": [{"line_item_id": 1, "quantity": 1, "subtotal": amount}],
            "transactions": [{"kind": "refund", "currency": "USD", "amount": amount}],
        }  # fmt: skip


class WooShop:
    """One order of 100.00 USD at WooCommerce."""

    def __init__(self, *, click: str = "", at: datetime) -> None:
        self.number, self.click, self.at = next(_numbers), click, at

    def order(self, *, minute: int, status: str = "processing", total: str = "100.00", **more: Any) -> dict[str, Any]:
        """The whole order, as every order event holds it."""
        return {
            "id": self.number, "number": str(self.number), "status": status, "currency": "USD",
            "date_created_gmt": _bare(self.at), "date_modified_gmt": _bare(self.at + timedelta(minutes=minute)),
            "total": total, "total_tax": "0.00", "shipping_total": "0.00", "discount_total": "0.00",
            "customer_id": 9, "billing": {"email": "kim@example.com", "country": "US"},
            "meta_data": [{"id": 1, "key": "click_id", "value": self.click}] if self.click else [],
            "line_items": [{"id": 1, "sku": "A", "product_id": 3, "quantity": 2, "total": "100.00"}],
            "coupon_lines": [], "refunds": [], **more,
        }  # fmt: skip


def _bare(moment: datetime) -> str:
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat()
