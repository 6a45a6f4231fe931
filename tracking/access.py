"""What a door may get of clicks, links and conversions: by whose they are. Anything else is NotVisible."""

from affiliates.errors import NotVisible
from affiliates.models import Affiliate, Merchant
from tracking.click_ids import click_key
from tracking.models import Click, Conversion, InboxRequest, Link


def open_link_of(affiliate: Affiliate, code: str) -> Link:
    """One of an affiliate's links. Raises NotVisible."""
    link = Link.objects.select_related("program__merchant", "enrolment").filter(affiliate=affiliate, code=code).first()
    if link is None:
        raise NotVisible("link")
    return link


def open_conversion_in(merchant: Merchant, public_id: str) -> Conversion:
    """One of a merchant's conversions. Raises NotVisible."""
    try:
        conversion: Conversion = Conversion.objects.by_public_id(public_id)
    except Conversion.DoesNotExist:
        raise NotVisible("conversion") from None
    if conversion.merchant_id != merchant.pk:
        raise NotVisible("conversion")
    return conversion


def open_conversion_by_order(
    merchant: Merchant, order_ref: str, *, event: str = "sale", is_test: bool = False
) -> Conversion:
    """One of a merchant's conversions by its own order number. Raises NotVisible."""
    found = Conversion.objects.filter(merchant=merchant, order_ref=order_ref, event=event, is_test=is_test).first()
    if found is None:
        raise NotVisible("conversion")
    return found


def open_click_in(merchant: Merchant, click_id: str) -> Click:
    """A click on one of a merchant's programs. Raises NotVisible."""
    try:
        click = Click.objects.filter(pk=click_key(click_id)).first()
    except ValueError:
        click = None
    if click is None or not merchant.programs.filter(pk=click.program_id).exists():
        raise NotVisible("click")
    return click


def open_click_of(affiliate: Affiliate, click_id: str) -> Click:
    """A click on one of an affiliate's links. Raises NotVisible."""
    try:
        click = Click.objects.filter(pk=click_key(click_id), affiliate_id=affiliate.pk).first()
    except ValueError:
        click = None
    if click is None:
        raise NotVisible("click")
    return click


def open_inbox_request_in(merchant: Merchant, public_id: str) -> InboxRequest:
    """One request of a merchant's inbox. Raises NotVisible."""
    try:
        request: InboxRequest = InboxRequest.objects.by_public_id(public_id)
    except InboxRequest.DoesNotExist:
        raise NotVisible("request") from None
    if request.merchant_id != merchant.pk:
        raise NotVisible("request")
    return request
