"""Act two: a year of clicks, orders, refunds, approvals and payout runs, in the order of their dates."""

import heapq
import itertools
import json
import math
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote
from uuid import UUID

from django.conf import settings

from ledger.accounts import balance_of
from ledger.money import Money
from payouts import commissions, deposits, methods, providers, runs, sales, transfers
from payouts.chart import receivable
from portal.demo import assets, attribution, claims, feeds, fraud, links, people, shops, standin
from portal.demo.cast import PARTNERS, Shop
from tracking import inbox
from tracking.click_ids import click_key
from tracking.conversions import OrderFacts
from tracking.spool import Click, SpoolWriter, make_click

if TYPE_CHECKING:
    from tracking.models import Conversion

CLICKS = 60_000
ORDERS = 2_400

_AGENTS = (
    ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 Version/18.1 Mobile/15E148 Safari/604.1", 46),
    ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/142.0.0.0 Safari/537.36", 30),
    ("Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 Chrome/142.0.0.0 Mobile Safari/537.36", 18),
    ("Mozilla/5.0 (Macintosh; Intel Mac OS X 15_1) AppleWebKit/605.1.15 Version/18.1 Safari/605.1.15", 6),
)  # fmt: skip
#: Languages of visitors, and the countries that a file of addresses would say.
_COUNTRIES = {"en-US": "US", "en-GB": "GB", "de-DE": "DE", "ja-JP": "JP", "zh-TW": "TW"}
_BOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"


@dataclass(frozen=True, slots=True)
class Follow:
    """A click that an order may come of."""

    click_id: UUID
    at: datetime
    place: people.Place


@dataclass(slots=True)
class Stage:
    """What is being played: the network, the dice, the calendar, and a line to say how far it is."""

    network: people.Network
    chance: random.Random
    start: datetime
    now: datetime
    say: Callable[[str], None]
    scale: float = 1.0
    follows: list[Follow] = field(default_factory=list)
    sold: "list[Conversion]" = field(default_factory=list)
    suspects: list[fraud.Suspect] = field(default_factory=list)


def month_starts(first: datetime, last: datetime) -> list[datetime]:
    """The first instants of the months after `first` up to `last`, in UTC."""
    found: list[datetime] = []
    year, month = first.year, first.month
    while True:
        year, month = (year + 1, 1) if month == 12 else (year, month + 1)
        at = datetime(year, month, 1, tzinfo=UTC)
        if at > last:
            return found
        found.append(at)


def play_clicks(stage: Stage) -> None:
    """Write the year's clicks into a spool, as a click door does; the drain takes them from there."""
    links.name_links(stage)
    writer = SpoolWriter.claim(Path(settings.CLICK_SPOOL_DIR))
    try:
        writer.append_many(_clicks(stage))
    finally:
        writer.close()


def _clicks(stage: Stage) -> Iterator[Click]:
    chance = stage.chance
    waiting = sorted(stage.network.places, key=lambda place: place.since, reverse=True)
    joined: list[people.Place] = []
    days = max((stage.now - stage.start).days, 1)
    agents = [agent for agent, _weight in _AGENTS]
    agent_weights = [weight for _agent, weight in _AGENTS]
    moments = sorted(_moment(stage, days) for _ in range(int(CLICKS * stage.scale)))
    visitors: dict[int, list[UUID]] = {}
    touches = attribution.Touches.of(stage)
    for planned in moments:
        while waiting and (not joined or waiting[-1].since <= planned):
            joined.append(waiting.pop())
        # Before the first has joined there is nothing to follow: these clicks are its first minutes'.
        moment = max(planned, joined[0].since + timedelta(minutes=5))
        place = chance.choices(joined, [_pull(one, stage, moment) for one in joined])[0]
        link = chance.choice(place.links)
        is_bot = chance.random() < 0.035
        known = visitors.setdefault(id(place.shop), [])
        visitor = (
            chance.choice(known) if known and chance.random() < 0.28 else UUID(int=chance.getrandbits(128), version=4)
        )
        known.append(visitor)
        click = make_click(
            at=moment, link_id=link.pk, enrolment_id=place.enrolment.pk, program_id=link.program_id,
            affiliate_id=link.affiliate_id, destination=link.destination, visitor_id=None if is_bot else visitor,
            referrer=f"{place.partner.channel}/{chance.choice(('review', 'gear', 'best-of', ''))}",
            user_agent=_BOT if is_bot else chance.choices(agents, agent_weights)[0],
            language=(language := chance.choice(tuple(_COUNTRIES))), country=_COUNTRIES[language],
            consent="not_needed" if is_bot else "granted",
            ip=f"203.0.113.{chance.randint(1, 254)}",
            query=f"sub1={quote(chance.choice(('post', 'story', 'newsletter', 'sidebar')))}",
            uncounted_reason="bot" if is_bot else "",
        )  # fmt: skip
        if not is_bot:
            stage.follows.append(Follow(click_key(click.id), moment, place))
        yield from touches.banners(click, place, joined, moment)
        yield click
    yield from fraud.clicks_of_suspects(stage)


def play_year(stage: Stage, *, until_run: Callable[[datetime], bool] = lambda _: True) -> None:
    """Play orders, refunds, approvals and runs up to now, each at its own time."""
    queue: list[tuple[datetime, int, Callable[[datetime], None]]] = []
    tick = itertools.count()

    def plan(at: datetime, what: Callable[[datetime], None]) -> None:
        if at <= stage.now:
            heapq.heappush(queue, (at, next(tick), what))

    for facts, place in _orders(stage):
        plan(facts.occurred_at + timedelta(seconds=2), partial(_sell, stage, facts, place, plan))
    day = stage.start.replace(hour=2, minute=0, second=0, microsecond=0) + timedelta(days=1)
    while day <= stage.now:
        plan(day, _approve)
        day += timedelta(days=1)
    for first in month_starts(stage.start + timedelta(days=28), stage.now):
        if until_run(first):
            # Money leaves on the network's pay day; early in a month the last run is brought forward.
            pay_day = first + timedelta(days=settings.PAYOUT_DAY - 1, hours=6)
            plan(min(pay_day, max(stage.now - timedelta(hours=4), first)), partial(_run, stage, first))
    half = stage.start + (stage.now - stage.start) / 2
    plan(half, lambda at: people.raise_rates(stage.network, at=at))
    plan(half, lambda at: attribution.set_up_attribution(stage.network, at=at))
    plan(stage.now - timedelta(days=70), lambda at: people.freeze(stage.network, at=at))
    total, done = len(queue), 0
    while queue:
        at, _n, what = heapq.heappop(queue)
        what(at)
        done += 1
        if done % 400 == 0:
            stage.say(f"  {at:%Y-%m-%d}  {done} of about {max(total, done)} events")
    claims.play_claims(stage)
    shops.play_shops(stage)
    links.play_links(stage)
    feeds.play_feeds(stage)
    assets.play_assets(stage)
    fraud.play_fraud(stage)


def _sell(stage: Stage, facts: OrderFacts, place: people.Place, plan: Callable[..., None], at: datetime) -> None:
    merchant = stage.network.merchants[place.shop.slug]
    body = {
        "order_id": facts.order_ref,
        "event": facts.event,
        "amount": facts.amount.major,
        "currency": facts.amount.currency,
    }
    request = inbox.receive(
        "api", method="POST", path="/api/v1/conversions", content_type="application/json",
        body=json.dumps(body).encode(), ip="192.0.2.10", at=at, merchant=merchant,
    )  # fmt: skip
    sale = sales.record_sale(merchant, facts, at=at)
    verdict = inbox.Verdict("accepted", 201, reason=sale.conversion.reason, conversion=sale.conversion)
    inbox.close(request, verdict, latency_ms=stage.chance.randint(8, 60))
    stage.sold.append(sale.conversion)
    if sale.commissions and stage.chance.random() < 0.075 and facts.event == "sale":
        share = 1.0 if stage.chance.random() < 0.7 else stage.chance.choice((0.25, 0.5))
        days = stage.chance.choice((2, 4, 6, 9, 12, 18, 24, 47))
        plan(at + timedelta(days=days, hours=3), partial(_refund, sale.conversion, share))


def _refund(conversion: "Conversion", share: float, at: datetime) -> None:
    amount = None if share == 1.0 else Money(int(conversion.amount_minor * share), conversion.currency)
    if amount is None or amount:
        sales.refund_sale(conversion, amount=amount, reference="return-1", reason="item_returned", at=at)


def _approve(at: datetime) -> None:
    while commissions.approve_due_commissions(at=at):
        pass


def prepare_month(stage: Stage, first: datetime, *, at: datetime) -> Any:
    """Prepare the run of the month that ended at `first`; merchants pay what they owe into their deposits."""
    last = (first - timedelta(days=1)).replace(day=1)
    for merchant in stage.network.merchants.values():
        owed = balance_of(receivable(merchant), merchant.currency)
        if owed.minor > 0:
            deposits.fund_merchant(merchant, owed, reference=f"{last:%Y-%m}", at=at)
            standin.top_up(owed.minor, merchant.currency)
    maker = stage.network.users["finance@demo.example"]
    return runs.prepare_run(f"{last:%Y-%m}", starts_at=last, ends_at=first, by=maker, at=at)


def _run(stage: Stage, first: datetime, at: datetime) -> None:
    standin.set_clock(at)
    users = stage.network.users
    _restrict(stage, first)
    run = prepare_month(stage, first, at=at)
    runs.submit_run(run, by=users["finance@demo.example"], at=at + timedelta(hours=1))
    runs.approve_run(run, by=users["checker@demo.example"], at=at + timedelta(hours=2))
    run = runs.start_run(run, by=users["finance@demo.example"], at=at + timedelta(hours=3))
    clock = (at + timedelta(hours=3, seconds=5 * n) for n in itertools.count())
    sender = providers.stripe_sender(clock=lambda: next(clock))
    transfers.send_run(run, sender)
    transfers.reconcile(run, sender)
    runs.close_finished_run(run, at=next(clock))
    stage.say(f"  run {run.label}: {run.payouts.count()} payouts")


def _restrict(stage: Stage, first: datetime) -> None:
    """One member's account is restricted for two months and then in order again."""
    months_ago = (stage.now.year - first.year) * 12 + stage.now.month - first.month
    for partner in PARTNERS:
        if partner.fate == "restricted" and months_ago in {4, 2}:
            method = methods.method_of(stage.network.affiliates[partner.name])
            if method is not None:
                change = (
                    {"transfers": "restricted", "reason": "requirements_past_due"}
                    if months_ago == 4
                    else {"transfers": "active"}
                )
                standin.control(f"accounts/{method.account}", change)
                methods.refresh_method(method, at=first)


def _orders(stage: Stage) -> Iterator[tuple[OrderFacts, people.Place]]:
    chance = stage.chance
    wanted = int(ORDERS * stage.scale)
    touches = attribution.Touches.of(stage)
    chosen = chance.sample(stage.follows, min(wanted, len(stage.follows)))
    for number, follow in enumerate(sorted(chosen, key=lambda one: one.at), start=1):
        delay = timedelta(minutes=min(chance.lognormvariate(4.2, 2.0), 60 * 24 * 60))
        when = follow.at + delay
        if when > stage.now - timedelta(minutes=30):
            when = max(follow.at + timedelta(minutes=2), stage.now - timedelta(minutes=chance.randint(31, 600)))
        shop = follow.place.shop
        is_lead = chance.random() < 0.08
        amount = Money(0, shop.currency) if is_lead else _price(shop, chance)
        customer = f"c-{chance.randint(1, wanted)}"
        yield (
            OrderFacts(
                order_ref=f"{shop.slug[0].upper()}{10_000 + number}", amount=amount, occurred_at=when,
                event="lead" if is_lead else "sale", click_id=follow.click_id if chance.random() > 0.03 else None,
                customer_ref=customer, customer_status=chance.choice(("new", "new", "returning")),
                coupon="" if is_lead else touches.code_for(follow.place, when),
                items=[] if is_lead else [{"sku": f"{shop.slug}-{chance.randint(1, 5)}", "quantity": 1, "amount": amount.major}],
            ),
            follow.place,
        )  # fmt: skip


def _price(shop: Shop, chance: random.Random) -> Money:
    major = shop.typical * chance.lognormvariate(0, 0.55)
    return Money(max(int(major if shop.currency == "JPY" else major * 100), 100), shop.currency)


def _moment(stage: Stage, days: int) -> datetime:
    """A moment of the year: growing traffic, quieter at night, a peak in the weeks before Christmas."""
    while True:
        day = int(days * stage.chance.betavariate(1.35, 1.0))
        at = stage.start + timedelta(days=day, seconds=stage.chance.randint(0, 86_399))
        busy = 0.55 + 0.45 * math.sin((at.hour - 8) / 24 * 2 * math.pi) * 0.5 + (0.25 if at.month in {11, 12} else 0)
        if at < stage.now and stage.chance.random() < busy:
            return at


def _pull(place: people.Place, stage: Stage, at: datetime) -> float:
    """How much of the traffic is a place's: declining members fade to a tenth."""
    passed: float = (at - stage.start) / (stage.now - stage.start)
    return place.strength * (1 - 0.9 * passed if place.partner.fate == "declining" else 1)
