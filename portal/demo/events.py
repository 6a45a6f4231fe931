"""What a shop's connection gets wrong in a week, and a file of orders: so that the inbox has something to show."""

import json
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from portal.api.replays import record_again
from portal.intake.bodies import read_json_object
from portal.intake.door import Outcome
from portal.intake.orders import read_order
from portal.intake.replay import Kept, handled
from portal.intake.uploads import record_rows, take_file, try_rows
from tracking import inbox, uploads
from tracking.imports import Reading

if TYPE_CHECKING:
    # For annotations only: doors hold verbs, never nouns.
    from affiliates.models import Merchant, User

#: (hours ago, body): what came, and was refused or set aside.
_ARRIVED = (
    (2, b'{"order_id": "A20981", "amount": "62.005", "currency": "USD"}'),
    (5, b'{"order_id": "A20975", "amount": 129.0, "currency": "USD"}'),
    (9, b'{"order_id": "A20969", "amount": "49.00", "currency": "USD", "occurred_at": "2026-03-01 10:00"}'),
    (26, b'{"order_id": "A20944", "amount": "89.00", "currency": "USD", "customer": {"email": "kim@"}}'),
    (27, b'{"order_id": "A20943", "amount": "89.00", "currency": "US Dollar"}'),
    (30, b'{"order_id": "A20940", "amount": "35.00"'),
    (52, b"order_id=A20911&amount=120.00&currency=USD"),
    (75, b""),
    (98, b'{"order_id": "A20860", "amount": "54.00", "currency": "USD", "click_id": "not-a-click"}'),
    (121, '{"order_id": "A20833", "amount": "75.00", "note": "für Jürgen"}'.encode("latin-1")),
)

_FILE = (
    "order_id,amount,currency,occurred_at,status,coupon,note\n"
    "PHONE-301,129.00,USD,{one},paid,,telephone order\n"
    "PHONE-302,249.00,USD,{one},paid,MAYA10,telephone order\n"
    "PHONE-303,64.50,USD,{two},paid,,fair\n"
    "PHONE-304,64.505,USD,{two},paid,,fair\n"
    "PHONE-303,64.50,USD,{two},paid,,fair\n"
    "PHONE-301,,USD,{one},refunded,,goods came back\n"
    "PHONE-305,18.00,USD,{two},laid away,,\n"
)


def play_events(merchant: "Merchant", *, by: "User", at: datetime) -> None:
    """A week's refused requests, and one file of telephone orders recorded yesterday."""
    for hours, body in _ARRIVED:
        _arrive(merchant, body, at=at - timedelta(hours=hours))
    day = at - timedelta(days=1)
    content = _FILE.format(
        one=f"{day - timedelta(days=2):%Y-%m-%d}", two=f"{day - timedelta(days=1):%Y-%m-%d}"
    ).encode()
    received = take_file(
        merchant, name="telephone-orders.csv", content=content, content_type="text/csv",
        path=f"/merchant/{merchant.slug}/uploads/send/", ip="192.0.2.10", by=by, at=day,
    )  # fmt: skip
    if received.upload is None or not received.is_new:
        return
    reading = replace(Reading.from_json(received.upload.reading), currency=merchant.currency)
    upload = uploads.name_columns(received.upload, reading, received.upload.mapping, at=day)
    try_rows(upload, at=day)
    upload = uploads.start_recording(upload.refreshed(), by=by, at=day + timedelta(minutes=3))
    record_rows(upload, now=lambda: day + timedelta(minutes=4))


def _arrive(merchant: "Merchant", body: bytes, *, at: datetime) -> None:
    row = inbox.receive(
        "api", method="POST", path="/api/v1/conversions", content_type="application/json", body=body, ip="192.0.2.10",
        at=at, merchant=merchant, headers={"User-Agent": "acme-shop/4.2", "Content-Type": "application/json"},
    )  # fmt: skip

    def handle(kept: Kept) -> Outcome:
        order = read_order(read_json_object(kept.body), is_test=False, at=at)
        return record_again(order, kept)

    outcome = handled(Kept(row, merchant, False, body, at), handle)
    inbox.close(
        row,
        inbox.Verdict(
            outcome.verdict, int(outcome.status), outcome.reason, outcome.field, outcome.detail, outcome.conversion
        ),
        latency_ms=6 + len(json.dumps(outcome.detail)) % 19,
    )
