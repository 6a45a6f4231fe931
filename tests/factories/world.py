"""A small network for tests, made through the real verbs."""

import itertools
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.db import connection

from affiliates import enrolments, members, programs, teams
from affiliates.models import Affiliate, Enrolment, Merchant, Program, RoleGrant, User
from ledger.ids import new_uuid7
from ledger.money import Money
from payouts import sales
from payouts.models import PayoutMethod
from payouts.rules import versions
from tracking import links
from tracking.conversions import OrderFacts
from tracking.models import Click, Link

_counter = itertools.count(1)


@dataclass(slots=True)
class World:
    """One merchant with an open program at 20 %, one affiliate in it with a link and a payout method."""

    merchant: Merchant
    program: Program
    affiliate: Affiliate
    partner: User
    owner: User
    enrolment: Enrolment
    link: Link
    at: datetime


def make_user(name: str = "") -> User:
    """A person with a fresh address."""
    number = next(_counter)
    return User.objects.create_user(f"{name or 'person'}{number}@example.com", "a-long-password", name=name.title())


def make_world(
    at: datetime,
    *,
    currency: str = "USD",
    rate: str = "0.20",
    hold_days: int = 30,
    window_days: int = 30,
    basis: str = "net",
    approval: str = "auto",
) -> World:
    """The smallest network in which a click can become money, a year before `at`."""
    start = at - timedelta(days=365)
    number = next(_counter)
    owner = make_user("owner")
    merchant = members.create_merchant(f"shop{number}", name=f"Shop {number}", currency=currency, at=start)
    teams.grant_role(owner, RoleGrant.Role.MERCHANT_OWNER, merchant=merchant, at=start)
    program = programs.draft_program(
        merchant,
        f"program{number}",
        name=f"Program {number}",
        landing_url="https://shop.example/",
        allowed_hosts=["shop.example"],
        approval=approval,
        at=start,
    )
    programs.revise_terms(program, starts_at=start, at=start, hold_days=hold_days, window_days=window_days, basis=basis)
    versions.publish_rules(
        program, [versions.LineDraft("Every sale", "percent", rate=Decimal(rate))], starts_at=start, at=start
    )
    program = programs.open_program(program, at=start)
    partner = make_user("partner")
    affiliate = members.sign_up_affiliate(partner, name=f"Partner {number}", country="US", at=start)
    enrolment = enrolments.join_program(affiliate, program, at=start)
    if approval == "manual":
        enrolment = enrolments.approve_enrolment(enrolment, by=owner, at=start)
    link = links.create_link(enrolment, at=start)
    make_payout_method(affiliate, at=start)
    return World(merchant, program, affiliate, partner, owner, enrolment, link, at)


def make_payout_method(affiliate: Affiliate, *, at: datetime) -> PayoutMethod:
    """A verified account, as after onboarding."""
    number = next(_counter)
    return PayoutMethod.objects.create(
        affiliate=affiliate,
        account=f"acct_{number:016d}",
        fingerprint=f"fp{number}",
        country="US",
        status=PayoutMethod.Status.VERIFIED,
        added_at=at,
        verified_at=at,
        usable_from=at,
    )


def make_click(link: Link, *, at: datetime, visitor=None, is_counted: bool = True) -> Click:
    """A click as the drain writes it."""
    click = Click(
        id=new_uuid7(at),
        link_id=link.pk,
        enrolment_id=link.enrolment_id,
        program_id=link.program_id,
        affiliate_id=link.affiliate_id,
        clicked_at=at,
        visitor_id=visitor,
        destination=link.destination,
        referrer="",
        user_agent="",
        ip=None,
        language="",
        country="",
        params={},
        is_counted=is_counted,
        uncounted_reason="" if is_counted else "bot",
        recorded_at=at,
    )
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO tracking_click (id, link_id, enrolment_id, program_id, affiliate_id, clicked_at, visitor_id,"
            " destination, is_counted, uncounted_reason) VALUES (%s,%s,%s,%s,%s,%s,%s,%s,%s,%s)",
            [
                click.pk,
                link.pk,
                link.enrolment_id,
                link.program_id,
                link.affiliate_id,
                at,
                visitor,
                link.destination,
                is_counted,
                click.uncounted_reason,
            ],
        )
    return click


def facts(
    order_ref: str, amount: str, *, at: datetime, currency: str = "USD", click: Click | None = None, **more
) -> OrderFacts:
    """An order as a shop reports it."""
    return OrderFacts(
        order_ref=order_ref,
        amount=Money.parse(amount, currency),
        occurred_at=at,
        click_id=click.pk if click else None,
        **more,
    )


def make_sale(world: World, amount: str = "100.00", *, at: datetime, order_ref: str = "", **more) -> sales.Sale:
    """A click and, ten minutes later, its order."""
    click = make_click(world.link, at=at - timedelta(minutes=10))
    ref = order_ref or f"order-{next(_counter)}"
    return sales.record_sale(
        world.merchant, facts(ref, amount, at=at, currency=world.merchant.currency, click=click, **more), at=at
    )
