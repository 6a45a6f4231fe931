"""Act one: people, merchants, programs, affiliates, their places and links, each at its own time."""

import random
import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from allauth.account.models import EmailAddress
from django.conf import settings
from django.contrib.auth.models import Group

from affiliates import enrolments, keys, lifecycle, members, people, programs, teams
from ledger.money import Money
from payouts import methods
from payouts.rules import versions
from portal.demo import standin
from portal.demo.cast import PARTNER_EMAIL, PARTNERS, PASSWORD, SHOPS, STAFF, Partner, Shop
from tracking import links
from tracking.program_settings import change_tracking

if TYPE_CHECKING:
    from affiliates.models import Affiliate, Enrolment, Merchant, Program, User
    from tracking.models import Link


@dataclass(slots=True)
class Place:
    """An affiliate's place in a program with its links, and how strongly it promotes."""

    partner: Partner
    shop: Shop
    enrolment: "Enrolment"
    links: "list[Link]"
    strength: float
    since: datetime


@dataclass(slots=True)
class Network:
    """Everybody and everything that act one made."""

    users: "dict[str, User]" = field(default_factory=dict)
    merchants: "dict[str, Merchant]" = field(default_factory=dict)
    programs: "dict[str, Program]" = field(default_factory=dict)
    affiliates: "dict[str, Affiliate]" = field(default_factory=dict)
    places: list[Place] = field(default_factory=list)
    secrets: dict[str, dict[str, str]] = field(default_factory=dict)


def set_up(network: Network, *, start: datetime) -> None:
    """The network before anybody joins: staff, merchants, programs with terms, rules and keys."""
    for shop in SHOPS:
        merchant = members.create_merchant(
            shop.slug, name=shop.name, currency=shop.currency, country=shop.country, time_zone=shop.time_zone,
            website=f"https://{shop.slug}.example", at=start,
        )  # fmt: skip
        network.merchants[shop.slug] = merchant
    for role, email, name, slug in STAFF:
        user = _person(email, name, at=start, password=PASSWORD, is_editor=role == "editor")
        teams.grant_role(user, role, merchant=network.merchants.get(slug), at=start)
        network.users[email] = user
    for shop in SHOPS:
        _open_shop(network, shop, start=start)


def _open_shop(network: Network, shop: Shop, *, start: datetime) -> None:
    merchant = network.merchants[shop.slug]
    page = f"{settings.BASE_URL}/shop/{shop.slug}/"
    program = programs.draft_program(
        merchant, shop.slug, name=shop.program, summary=shop.summary, landing_url=page,
        allowed_hosts=[f"{shop.slug}.example", urlsplit(page).netloc],
        approval="manual" if shop.slug == "kaze" else "auto", at=start,
    )  # fmt: skip
    programs.revise_terms(
        program, starts_at=start, at=start, window_days=shop.window_days, hold_days=shop.hold_days,
        text=_terms_text(shop),
    )  # fmt: skip
    versions.publish_rules(program, _lines(shop, shop.first_rate), starts_at=start, at=start, note="Opening rates")
    network.programs[shop.slug] = programs.open_program(program, at=start)
    # The stand-in shops ask nobody; a real program starts with consent required.
    change_tracking(program, by=None, at=start, consent="not_required")
    secrets = {}
    for kind in ("sk_live", "sk_test"):
        _key, secret = keys.issue_key(kind, name="Shop server", merchant=merchant, at=start)
        secrets[kind] = secret
    network.secrets[shop.slug] = secrets


def raise_rates(network: Network, *, at: datetime) -> None:
    """Half a year in, two merchants publish a second version of their rules."""
    for shop in SHOPS:
        if shop.later_rate != shop.first_rate:
            versions.publish_rules(
                network.programs[shop.slug], _lines(shop, shop.later_rate), starts_at=at + timedelta(days=14), at=at,
                note="A better rate for everybody",
            )  # fmt: skip


def join(network: Network, partner: Partner, *, at: datetime, chance: random.Random, count: int) -> None:
    """One affiliate signs up, adds its channel, joins programs, makes links and sets up its payouts."""
    email = PARTNER_EMAIL if count == 0 else f"{_slug(partner)}@demo.example"
    # The others sign in by e-mail code, as most partners do.
    user = _person(email, partner.name, at=at, password=PASSWORD if count < 3 else None)
    affiliate = members.sign_up_affiliate(user, name=partner.name, country=partner.country, at=at)
    members.add_channel(affiliate, kind=partner.kind, name=partner.name, url=partner.channel, at=at)
    network.users[email] = user
    network.affiliates[partner.name] = affiliate
    for shop in _shops_for(partner, chance):
        _take_place(network, partner, affiliate, shop, at=at, chance=chance)
    if partner.fate not in {"no_method", "declined", "waiting", "new"}:
        set_up_payouts(affiliate, user, at=at, number=count)


def set_up_payouts(affiliate: "Affiliate", user: "User", *, at: datetime, number: int) -> None:
    """Go through the stand-in's onboarding."""
    methods.start_onboarding(
        affiliate, refresh_url=f"{settings.BASE_URL}/partner/settings/payout/",
        return_url=f"{settings.BASE_URL}/partner/settings/payout/", by=user, at=at,
    )  # fmt: skip
    method = methods.method_of(affiliate)
    if method is not None:
        standin.complete_onboarding(method.account, bank=f"{4000 + number:04d}")
        methods.refresh_method(method, at=at)


def freeze(network: Network, *, at: datetime) -> None:
    """Two members are frozen in the last quarter."""
    staff = network.users["network@demo.example"]
    for partner in PARTNERS:
        if partner.fate == "frozen":
            lifecycle.freeze_affiliate(
                network.affiliates[partner.name], reason="Own orders through own links; under review.", by=staff, at=at
            )


def _take_place(
    network: Network, partner: Partner, affiliate: "Affiliate", shop: Shop, *, at: datetime, chance: random.Random
) -> None:
    program = network.programs[shop.slug]
    enrolment = enrolments.join_program(
        affiliate,
        program,
        message=f"I write about {shop.products[0].lower()}s and the like on {partner.channel}.",
        at=at,
    )
    owner = network.users[{"acme": "merchant@demo.example"}.get(shop.slug, f"{shop.slug}@demo.example")]
    decided = at + timedelta(hours=chance.randint(1, 30))
    if enrolment.status == "applied" and partner.fate == "declined":
        enrolments.decline_enrolment(enrolment, reason="content", by=owner, at=decided)
    elif enrolment.status == "applied" and partner.fate != "waiting":
        enrolment = enrolments.approve_enrolment(enrolment, by=owner, at=decided)
    if enrolment.status != "approved":
        return
    made = [links.create_link(enrolment, at=decided)]
    page = program.landing_url
    for number, product in enumerate(shop.products[: chance.randint(0, 3)], start=1):
        target = f"{page}?product={number}"
        made.append(
            links.create_link(enrolment, destination=target, label=product, at=decided + timedelta(hours=number))
        )
    network.places.append(
        Place(
            partner, shop, enrolment, made, partner.strength**0.8 * chance.uniform(0.6, 1.3) * shop.weight**0.5, decided
        )
    )


def _shops_for(partner: Partner, chance: random.Random) -> list[Shop]:
    """Where a partner fits: its country's shop first, a second one now and then."""
    home = {
        "JP": "kaze",
        "TW": "kaze",
        "DE": "lumen",
        "AT": "lumen",
        "CH": "lumen",
        "FR": "lumen",
        "IT": "lumen",
        "PT": "lumen",
        "IE": "lumen",
    }
    by_slug = {shop.slug: shop for shop in SHOPS}
    first = by_slug[home.get(partner.country, "acme")]
    if partner.fate in {"waiting", "declined"}:
        return [by_slug["kaze"]]
    others = [shop for shop in SHOPS if shop is not first]
    return [first, chance.choice(others)] if chance.random() < 0.45 else [first]


def _lines(shop: Shop, rate: str) -> list[versions.LineDraft]:
    lead = {"USD": "2.50", "EUR": "1.50", "JPY": "200"}[shop.currency]
    return [
        versions.LineDraft("Every order", "percent", rate=Decimal(rate)),
        versions.LineDraft("Newsletter sign-up", "flat", event="lead", flat=Money.parse(lead, shop.currency)),
    ]


def _person(email: str, name: str, *, at: datetime, password: str | None, is_editor: bool = False) -> "User":
    user = people.add_person(email, name=name, password=password, at=at, is_editor=is_editor)
    if is_editor:
        user.groups.add(Group.objects.get_or_create(name="Editors")[0])
    EmailAddress.objects.get_or_create(user=user, email=user.email, defaults={"verified": True, "primary": True})
    return user


def _slug(partner: Partner) -> str:
    return re.sub(r"[^a-z0-9]+", "-", urlsplit(partner.channel).hostname or "partner").removesuffix("-example")


def _terms_text(shop: Shop) -> str:
    return (
        f"{shop.name} pays for orders that follow a click on your link within {shop.window_days} days. "
        f"Commissions are approved after {shop.hold_days} days, once the order can no longer be returned. "
        "Not paid: cancelled and returned orders, your own orders, bids on our name in search engines. "
        "Say near the link that you earn from it."
    )
