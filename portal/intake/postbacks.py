"""Postbacks in any network's words: parameters go in, one order or one change of an order comes out."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from portal.intake.fields import is_plain, printable, refuse
from tracking.dialects import Reading, customer_status_of, event_of, read_dialect, total_of
from tracking.macros import unfilled_macro
from tracking.parameters import LONGEST_VALUE

#: Other networks' words and numbers for an order that stands, and for one that is taken back.
STANDS = frozenset(
    {
        "", "approved", "accepted", "confirmed", "completed", "pending", "paid", "sale", "lead", "rebill", "hold",
        "success", "new", "a", "p", "1", "2", "5",
    }
)  # fmt: skip
TAKEN_BACK: Mapping[str, str] = {
    "rejected": "cancelled", "declined": "cancelled", "cancelled": "cancelled", "canceled": "cancelled",
    "invalid": "cancelled", "trash": "cancelled", "d": "cancelled", "3": "cancelled", "refunded": "item_returned",
    "refund": "item_returned", "reversed": "item_returned", "returned": "item_returned", "chargeback": "chargeback",
}  # fmt: skip

#: Awin's list of the order's parts may be longer than any other value.
_LONGEST = {"parts": 4_000}

_YES, _NO = frozenset({"1", "true", "yes", "on"}), frozenset({"", "0", "false", "no", "off"})


@dataclass(frozen=True, slots=True)
class Postback:
    """What a postback says. `source` is an order as `portal.intake.orders.read_order` reads it."""

    source: dict[str, Any]
    status: str
    is_test: bool
    reading: Reading
    #: The partner's code where neither a click nor a coupon names the partner.
    affiliate: str = ""

    @property
    def takes_back(self) -> str:
        """Why the order is taken back; empty when it stands."""
        return TAKEN_BACK.get(self.status, "")

    @property
    def ignored(self) -> tuple[str, ...]:
        """The names nobody asked for, as they may be shown."""
        return tuple(sorted(printable(name) for name in self.reading.ignored)[:20])


def read_postback(values: Mapping[str, str]) -> Postback:
    """Read the parameters, whatever network's names they have.

    Raises InputRefused: a macro that nobody filled in, a value of more than 255 characters (nothing is
    ever cut), one field under two names with two values, a status nobody knows.
    """
    reading = read_dialect(values)
    _check_values(values, reading)
    fields = reading.fields
    status = fields.get("status", "").strip().lower()
    if status not in STANDS and status not in TAKEN_BACK:
        raise refuse("status", f"status is {printable(status)}. Send approved, pending, rejected or refunded.")
    event = fields.get("event", "")
    if reading.names.get("event") != "event":
        event = event_of(event) if event.strip() else "lead" if status == "lead" else ""
    amount = fields.get("amount") or total_of(reading) or None
    if amount is None and event.strip().lower() not in {"", "sale"}:
        amount = "0"
    customer = {
        "id": fields.get("customer_id", ""),
        "email": fields.get("customer_email", ""),
        "status": customer_status_of(fields.get("customer_status", "")),
        "country": fields.get("country", ""),
    }
    if "@" not in customer["email"]:
        # Some networks send the address hashed already: it is as good as a number of the customer.
        customer |= {"id": customer["id"] or customer["email"], "email": ""}
    source = {
        "order_id": fields.get("order_id"),
        "amount": amount,
        "currency": fields.get("currency"),
        "event": event.strip() or None,
        "click_id": fields.get("click_id", "").strip() or None,
        "coupon": fields.get("coupon"),
        "customer": {name: value for name, value in customer.items() if value},
        **{name: fields.get(name) for name in ("tax", "shipping", "discount")},
        "items": reading.items,
        "occurred_at": _instant(fields.get("occurred_at", "")),
        "metadata": {"channel": fields["channel"]} if fields.get("channel") else {},
    }
    return Postback(source, status, _flag(fields.get("test", "")), reading, fields.get("affiliate", "").strip())


def _check_values(values: Mapping[str, str], reading: Reading) -> None:
    ours_of = {theirs: ours for ours, theirs in reading.names.items()}
    for name, value in values.items():
        ours = ours_of.get(name)
        if ours is None and name in reading.ignored:
            continue
        shown = printable(name)
        most = _LONGEST.get(ours or "", LONGEST_VALUE)
        if len(value) > most:
            raise refuse(
                shown,
                f"{shown} has {len(value)} characters; {most} is the most. Nothing is cut.",
                code="field_too_long",
            )
        macro = unfilled_macro(value)
        if macro:
            raise refuse(
                shown,
                f"{shown} is {printable(macro)}: the sending system did not fill this macro in. "
                "Use the name that system knows; the macro translator in Setup says which.",
                code="macro_not_filled",
            )
        if not is_plain(value) and ours is not None:
            raise refuse(shown, f"{shown} contains control characters. Send plain text.")
    if reading.doubled:
        shown = printable(reading.doubled[0])
        raise refuse(shown, f"{shown} came under several names with different values. Send one.", code="field_doubled")


def _flag(text: str) -> bool:
    plain = text.strip().lower()
    if plain not in _YES | _NO:
        raise refuse("test", f"test is {printable(plain)}. Send 1 for a test order, or leave it out.")
    return plain in _YES


def _instant(text: str) -> str | None:
    """When it happened; impact's NOW is the moment it arrives."""
    return None if text.strip().upper() in {"", "NOW"} else text
