"""Orders by plain chance, of the same vocabulary as tests/payouts/rules/drawn.py, by the thousand."""

import random
from datetime import timedelta
from decimal import Decimal

from payouts.rules.facts import Click, Customer, Facts, Inviter, Item, Link, Partner
from tests.payouts.rules.drawn import BERLIN, START, WORDS


def made_order(chance: random.Random) -> Facts:
    """One order."""
    pick = chance.choice
    items = tuple(
        Item(
            key=str(number),
            amount_minor=(amount := chance.randrange(9000)),
            sku=pick(WORDS["item.sku"]),
            category=pick(WORDS["item.category"]),
            quantity=chance.randint(1, 4),
            refunded_minor=pick([0, 0, 0, amount, chance.randint(0, amount)]),
        )
        for number in range(chance.randrange(4))
    )
    amount = pick([sum(item.amount_minor for item in items), chance.randrange(30_000)])
    word = {name: pick(words) for name, words in WORDS.items()}
    return Facts(
        event=pick(["sale", "sale", "sale", "lead", "trial"]),
        currency="USD",
        amount_minor=amount,
        at=(START + timedelta(minutes=chance.randrange(12 * 1440))).astimezone(BERLIN),
        tax_minor=pick([0, 1900, 333]),
        shipping_minor=pick([0, 500]),
        discount_minor=pick([0, 1234]),
        fees_minor=pick([0, 31]),
        refunded_minor=pick([0, 0, 0, amount, chance.randint(0, amount)]),
        items=items,
        coupon=word["order.coupon"],
        country=word["order.country"],
        metadata=pick([{}, {"channel": "web"}, {"channel": 12.5}, {"channel": "7"}]),
        is_renewal=pick([True, False]),
        charge=pick([None, 1, 2, 3, 4, 5]),
        month=pick([None, 0, 3, 11, 12]),
        customer=Customer(word["customer.status"], word["customer.country"], pick([None, 0, 1, 5])),
        partner=Partner(
            word["partner.id"],
            word["partner.tier"],
            tuple(one for one in WORDS["partner.segments"] if chance.random() < 0.4),
            tuple(one for one in WORDS["partner.tags"] if chance.random() < 0.4),
            word["partner.country"],
            pick([None, 3, 40]),
            pick([Decimal(0), Decimal(0), Decimal("0.3333")]),
        ),
        link=Link(word["link.code"], word["link.host"], (word["link.sub1"], *[""] * 8, word["link.sub10"])),
        click=Click(word["click.country"], word["click.device"], word["click.os"], word["click.referrer_host"]),
        role=word["role"],
        inviters=pick([(), (Inviter("p8", 3),), (Inviter("p1"), Inviter("p9"))]),
    )
