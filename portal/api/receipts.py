"""Receipts by the API: proof that clicks and decisions are in the published log (X5)."""

from typing import TYPE_CHECKING

from django.http import JsonResponse

from affiliates.errors import NotVisible
from tracking.access import open_click_in, open_click_of
from tracking.receipts.proofs import decisions_on, receipt_for_click, receipt_for_event

if TYPE_CHECKING:
    # For annotations only: doors hold verbs, never nouns.
    from affiliates.models import ApiKey


def get_click_receipt(key: "ApiKey", click_id: str) -> JsonResponse:
    """The receipt of one of the key's clicks. Raises NotVisible, also while its hour has no root yet."""
    if key.merchant is not None:
        click = open_click_in(key.merchant, click_id)
    elif key.affiliate is not None:
        click = open_click_of(key.affiliate, click_id)
    else:
        raise NotVisible("click")
    receipt = receipt_for_click(click)
    if receipt is None:
        raise NotVisible("receipt")
    return JsonResponse(receipt.as_data())


def list_conversion_receipts(key: "ApiKey", conversion_id: str) -> JsonResponse:
    """The receipts of what was decided on an order, as far as it is about the key's owner. Raises NotVisible."""
    owner = key.merchant or key.affiliate
    events = decisions_on(conversion_id, reader_id=owner.public_id) if owner else []
    if not events:
        raise NotVisible("conversion")
    found = [receipt_for_event(event) for event in events]
    return JsonResponse({"data": [receipt.as_data() for receipt in found if receipt]})
