"""Merchants' webhooks and a partner's tracker in the demo: they call the demo shop's ear, one of which is deaf."""

from datetime import timedelta

from django.conf import settings

from affiliates.endpoints import add_endpoint
from ledger.journal import events_about
from portal.calling.events import MERCHANT_EVENTS, POSTBACK_EVENTS
from portal.demo.cast import PARTNER_EMAIL, SHOPS
from portal.demo.play import Stage
from portal.outbound.calls import queue_calls
from tracking.receipts.roots import root_log

_LATELY = timedelta(days=14)
_MOST = 25


def play_calls(stage: Stage) -> None:
    """Set endpoints up and write the calls of the last two weeks down; the worker makes them as soon as it runs.

    The log of clicks and decisions is rooted up to this hour, so that receipts are there to look at.
    """
    network, shop = stage.network, SHOPS[0]
    merchant = network.merchants[shop.slug]
    ear = f"{settings.BASE_URL}/shop/{shop.slug}/ear/"
    at = stage.now - _LATELY
    add_endpoint(
        kind="webhook", name="Warehouse", url=ear, events=list(MERCHANT_EVENTS), merchant=merchant, by=None, at=at
    )
    add_endpoint(
        kind="webhook", name="Old CRM", url=f"{ear}?deaf=1", events=["conversion.recorded", "conversion.refunded"],
        merchant=merchant, by=None, at=at,
    )  # fmt: skip
    partner = network.users.get(PARTNER_EMAIL)
    affiliate = next(
        (one for one in network.affiliates.values() if partner and partner.grants.filter(affiliate=one)), None
    )
    if affiliate is not None:
        add_endpoint(
            kind="postback", name="My tracker", url=f"{ear}?cid={{affiliate_click_id}}&sub={{sub1}}&payout={{amount}}",
            events=list(POSTBACK_EVENTS), method="GET", affiliate=affiliate, by=partner, at=at,
        )  # fmt: skip
    owners = [merchant.public_id, *([affiliate.public_id] if affiliate else [])]
    for event in events_about(*owners).filter(name__in=MERCHANT_EVENTS, at__gte=at)[:_MOST]:
        queue_calls(event)
    root_log(at=stage.now, since=stage.now - timedelta(days=14))
