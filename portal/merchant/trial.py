"""A test order from a person's screen: on the same way as a real one, with a row in the inbox and a verdict."""

import secrets
import time
from dataclasses import replace
from datetime import datetime
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from payouts.sales import record_sale
from portal.intake.arrivals import bring_clicks_in
from portal.intake.door import Intake, Outcome, close, settle
from portal.intake.orders import read_order
from portal.intake.postbacks import read_postback
from portal.intake.verdicts import verdict_of_sale
from portal.requests import MerchantRequest
from tracking import inbox

if TYPE_CHECKING:
    # For annotations only: doors hold verbs, never nouns.
    from tracking.models import InboxRequest

DOOR = "setup"


def send_test_order(
    request: MerchantRequest, *, amount: str, click_id: str, coupon: str, at: datetime
) -> "InboxRequest":
    """Report a test order as the shop's postback would; its row, with the verdict."""
    values = {
        "order_id": f"TEST-{secrets.token_hex(4).upper()}",
        "amount": amount,
        "currency": request.merchant.currency,
        "click_id": click_id,
        "coupon": coupon,
        "test": "1",
    }
    query = urlencode({name: value for name, value in values.items() if value})
    started = time.perf_counter()
    row = inbox.receive(
        DOOR,
        method="GET",
        path=f"/postback?{query}",
        content_type="",
        body=query.encode(),
        ip=None,
        at=at,
        merchant=request.merchant,
        is_test=True,
    )
    intake = Intake(request, row, b"", at, owner=request.merchant, started=started)

    def handle(_intake: Intake) -> Outcome:
        said = read_postback({name: value for name, value in values.items() if value})
        order = read_order(said.source, is_test=True, at=at, default_currency=request.merchant.currency)
        if order.facts.click_id is not None:
            bring_clicks_in([order.facts.click_id], at=at)
        sale = record_sale(request.merchant, replace(order.facts, source="manual"), at=at)
        verdict, reason, row_verdict = verdict_of_sale(sale)
        status = HTTPStatus.CREATED if sale.is_new else HTTPStatus.OK
        return Outcome(status, {"verdict": verdict}, row_verdict, reason=reason, conversion=sale.conversion)

    outcome = settle(intake, handle)
    close(intake, outcome)
    return row if outcome.status < HTTPStatus.INTERNAL_SERVER_ERROR else row.refreshed()
