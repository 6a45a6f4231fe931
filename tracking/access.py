"""What a door may get of clicks, links and conversions: by whose they are. Anything else is NotVisible."""

from typing import Any

from django.db.models import QuerySet

from affiliates.errors import NotVisible
from affiliates.models import Affiliate, Merchant
from tracking.click_ids import click_key
from tracking.models import Click, Conversion, InboxRequest, LandingPage, Link, OrderUpload, Refund, TrackingDomain


def open_link_of(affiliate: Affiliate, code: str) -> Link:
    """One of an affiliate's links, by its code or another one that leads to it. Raises NotVisible."""
    return _link(Link.objects.filter(affiliate=affiliate), code)


def open_link_in(merchant: Merchant, code: str) -> Link:
    """One of the links to a merchant's programs, by its code or another one that leads to it. Raises NotVisible."""
    return _link(Link.objects.filter(program__merchant=merchant), code)


def open_domain_in(merchant: Merchant, public_id: str) -> TrackingDomain:
    """One of a merchant's own link hosts. Raises NotVisible."""
    domain: TrackingDomain | None = _by_public_id(
        TrackingDomain.objects.filter(merchant=merchant).select_related("merchant"), public_id
    )
    if domain is None:
        raise NotVisible("domain")
    return domain


def open_landing_page_in(merchant: Merchant, public_id: str) -> LandingPage:
    """One of the pages that a merchant offers. Raises NotVisible."""
    pages = LandingPage.objects.filter(program__merchant=merchant).select_related("program", "enrolment__affiliate")
    page: LandingPage | None = _by_public_id(pages, public_id)
    if page is None:
        raise NotVisible("page")
    return page


def _link(links: QuerySet[Link], code: str) -> Link:
    """By its code, another code that leads to it, or its id."""
    found = links.select_related("program__merchant", "enrolment__program__merchant", "affiliate")
    link = found.filter(code=code).first() or found.filter(aliases__code=code.lower()).first()
    if link is None:
        link = _by_public_id(found, code)
    if link is None:
        raise NotVisible("link")
    return link


def _by_public_id(rows: QuerySet[Any], public_id: str) -> Any:
    try:
        return rows.filter(pk=rows.model.key_of(public_id)).first()
    except ValueError:
        return None


def open_conversion_in(merchant: Merchant, public_id: str) -> Conversion:
    """One of a merchant's conversions. Raises NotVisible."""
    try:
        conversion: Conversion = Conversion.objects.by_public_id(public_id)
    except Conversion.DoesNotExist:
        raise NotVisible("conversion") from None
    if conversion.merchant_id != merchant.pk:
        raise NotVisible("conversion")
    return conversion


def open_refund_of(conversion: Conversion, public_id: str) -> Refund:
    """A refund of an order the caller has opened. Raises NotVisible."""
    try:
        return Refund.objects.get(conversion=conversion, pk=Refund.key_of(public_id))
    except (Refund.DoesNotExist, ValueError) as error:
        raise NotVisible("refund") from error


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


def open_any_inbox_request(public_id: str) -> InboxRequest:
    """Any request, whosever it is and nobody's too, for network staff. Raises NotVisible."""
    try:
        request: InboxRequest = InboxRequest.objects.by_public_id(public_id)
    except InboxRequest.DoesNotExist:
        raise NotVisible("request") from None
    return request


def open_upload_in(merchant: Merchant, public_id: str) -> OrderUpload:
    """One of a merchant's files of orders. Raises NotVisible."""
    try:
        upload: OrderUpload = OrderUpload.objects.by_public_id(public_id)
    except OrderUpload.DoesNotExist:
        raise NotVisible("upload") from None
    if upload.merchant_id != merchant.pk:
        raise NotVisible("upload")
    return upload


def open_inbox_request_in(merchant: Merchant, public_id: str) -> InboxRequest:
    """One request of a merchant's inbox. Raises NotVisible."""
    try:
        request: InboxRequest = InboxRequest.objects.by_public_id(public_id)
    except InboxRequest.DoesNotExist:
        raise NotVisible("request") from None
    if request.merchant_id != merchant.pk:
        raise NotVisible("request")
    return request
