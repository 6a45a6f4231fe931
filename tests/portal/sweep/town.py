"""Two twin tenants with one of everything, and one of every kind of person."""

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.test import Client

from affiliates import calls, coupons, endpoints, keys
from affiliates.models import Affiliate, Merchant, RoleGrant, User
from affiliates.shops import connect_shop
from affiliates.teams import grant_role
from ledger.models import Account, Entry
from ledger.money import Money
from payouts import commissions
from payouts.claims import asking, opening, papers
from payouts.models import Commission, Payout, PayoutRun, RuleVersion
from portal.intake.uploads import take_file
from tests.factories.fraud import find
from tests.factories.paying import pay, prepare
from tests.factories.pictures import make_png
from tests.factories.world import World, make_click, make_sale, make_user, make_world
from tracking import domains
from tracking.creatives import CreativeDraft, add_creative
from tracking.deals import DealDraft, add_deal
from tracking.models import InboxRequest, OrderUpload, ReplayJob
from tracking.program_settings import offer_page

_R = RoleGrant.Role


@dataclass(slots=True)
class Tenant:
    """A merchant and its partner, with one of everything."""

    world: World
    ids: dict[str, str]
    secrets: dict[str, str]
    #: Texts that nobody of another tenant may ever read.
    canaries: frozenset[str]


@dataclass(slots=True)
class Person:
    """Somebody with a browser of their own."""

    name: str
    client: Client
    user: User | None = None
    roles: dict[Merchant | Affiliate | None, set[str]] = field(default_factory=dict)

    def roles_in(self, scope: Merchant | Affiliate | None) -> set[str]:
        """The person's roles in a merchant, an affiliate, or the network."""
        return self.roles.get(scope, set())


@dataclass(slots=True)
class Town:
    """Both tenants and everybody."""

    a: Tenant
    b: Tenant
    people: dict[str, Person]
    shared: dict[str, str]


def build_town(at: datetime) -> Town:
    """Everything the sweep opens."""
    worlds = [make_world(at, approval="manual") for _ in "ab"]
    for letter, world in zip("ab", worlds, strict=True):
        Affiliate.objects.filter(pk=world.affiliate.pk).update(name=f"Canary{letter.upper()} Reviews")
        world.affiliate.refresh_from_db()
        make_sale(world, "700.00", at=at - timedelta(days=40), order_ref=f"canary-{letter}-paid")
    commissions.approve_due_commissions(at=at - timedelta(days=5))
    paid = pay(at - timedelta(days=2))
    for letter, world in zip("ab", worlds, strict=True):
        make_sale(world, "300.00", at=at - timedelta(days=39), order_ref=f"canary-{letter}-open")
    commissions.approve_due_commissions(at=at - timedelta(days=1))
    run = prepare(at - timedelta(hours=3))
    a, b = (_tenant(world, letter, paid=paid, at=at) for letter, world in zip("ab", worlds, strict=True))
    shared = {
        "run_id": run.public_id,
        "entry_id": Entry.objects.order_by("id").first().public_id,
        "office_job_id": _job(worlds[0], None, "office", at=at).public_id,
        "account_id": Account.objects.order_by("id").first().public_id,
    }
    return Town(a, b, _people(worlds, at=at), shared)


def _tenant(world: World, letter: str, *, paid: PayoutRun, at: datetime) -> Tenant:
    key, live = keys.issue_key("sk_live", name=f"canary-{letter} server", merchant=world.merchant, at=at)
    _key, partner = keys.issue_key("pk", name=f"canary-{letter} blog", affiliate=world.affiliate, at=at)
    click = make_click(world.link, at=at - timedelta(hours=2))
    Client().post(
        "/api/v1/conversions",
        json.dumps(
            {"order_id": f"canary-{letter}-api", "amount": "80.00", "currency": "USD", "click_id": click.public_id}
        ),
        content_type="application/json",
        headers={"authorization": f"Bearer {live}"},
    )
    commission = Commission.objects.get(conversion__order_ref=f"canary-{letter}-open")
    payout = Payout.objects.get(run=paid, affiliate=world.affiliate)
    ids = {
        "merchant_slug": world.merchant.slug,
        "program_slug": world.program.slug,
        "slug": world.program.slug,
        "code": world.link.code,
        "commission_id": commission.public_id,
        "conversion_id": commission.conversion.public_id,
        "payout_id": payout.public_id,
        "statement_id": payout.statement.public_id,
        "enrolment_id": world.enrolment.public_id,
        "rule_id": RuleVersion.objects.get(program=world.program).public_id,
        "request_id": InboxRequest.objects.filter(merchant=world.merchant, door="api").get().public_id,
        "key_id": key.public_id,
        "shop_id": connect_shop(world.merchant, "woocommerce", label=f"canary-{letter} shop", by=None, at=at)[
            0
        ].public_id,
        "job_id": _job(world, world.merchant, letter, at=at).public_id,
        "upload_id": _upload(world, letter, at=at).public_id,
        "affiliate_id": world.affiliate.public_id,
        "click_id": click.public_id,
        "coupon_id": coupons.issue_coupon(
            world.program, f"CANARY-{letter}-CODE", enrolment=world.enrolment, at=at
        ).public_id,
        "domain_id": domains.add_domain(world.merchant, f"go.canary-{letter}.example", by=None, at=at).public_id,
        "page_id": offer_page(
            world.program, name=f"canary-{letter} page", url="https://shop.example/spring", by=None, at=at
        ).public_id,
    }
    ids |= _assets(world, letter, at=at)
    ids |= _claim(world, letter, at=at)
    ids |= _endpoints(world, letter, at=at)
    checked = make_sale(world, at=at, order_ref=f"canary-{letter}-checked").conversion
    ids["finding_id"] = find(world, checked, at=at).public_id
    names = {f"canary-{letter}-", f"Canary{letter.upper()} Reviews", world.partner.email, world.owner.email}
    secret = set(ids.values()) - {world.merchant.slug, world.program.slug}
    return Tenant(world, ids, {"sk": live, "pk": partner}, frozenset(names | secret))


def _assets(world: World, letter: str, *, at: datetime) -> dict[str, str]:
    """A banner and a deal that is the partner's alone."""
    banner = CreativeDraft(
        name=f"canary-{letter}-banner", kind="image", text="Tents", picture=make_png(300, 250), starts_at=at
    )
    deal = DealDraft(title=f"canary-{letter}-deal", starts_at=at, places=[world.enrolment])
    return {
        "creative_id": add_creative(world.program, banner, by=None, at=at).public_id,
        "deal_id": add_deal(world.program, deal, by=None, at=at).public_id,
    }


def _endpoints(world: World, letter: str, *, at: datetime) -> dict[str, str]:
    """A merchant's webhook and a partner's postback, each with a call."""
    found = {}
    for kind, owner, place, told in (
        ("webhook", {"merchant": world.merchant}, "endpoint_id", "call_id"),
        ("postback", {"affiliate": world.affiliate}, "postback_id", "told_id"),
    ):
        endpoint = endpoints.add_endpoint(
            kind=kind, name=f"canary-{letter}-{kind}", url=f"https://canary-{letter}-{kind}.example/hook",
            events=["commission.accrued"], by=None, at=at, **owner,
        )  # fmt: skip
        call = calls.queue_call(
            endpoint, calls.Said(f"evt_{letter}{kind}", "commission.accrued", f"comm_{letter}", at, endpoint.url), at=at
        )
        assert call is not None
        found |= {place: endpoint.public_id, told: call.public_id}
    return found


def _claim(world: World, letter: str, *, at: datetime) -> dict[str, str]:
    day = (at - timedelta(days=1)).date()
    ref = f"canary-{letter}-missing"
    asked = asking.ask_about_order(world.enrolment, ref, ordered_on=day, by=world.partner, at=at)
    draft = opening.ClaimDraft(
        ref,
        day,
        Money.parse("10.00", "USD"),
        text=f"canary-{letter}-words",
        papers=[papers.Paper("proof.png", b"\x89PNG\r\n\x1a\n" + letter.encode())],
    )
    claim = opening.claim_order(world.enrolment, draft, question=asked.question, by=world.partner, at=at)
    return {
        "question_id": asked.question.public_id,
        "claim_id": claim.public_id,
        "paper_id": claim.files.get().public_id,
    }


def _job(world: World, merchant: Merchant | None, letter: str, *, at: datetime) -> ReplayJob:
    question = {"text": f"canary-{letter}-none"}
    return ReplayJob.objects.create(merchant=merchant, by=world.owner, started_at=at, question=question)


def _upload(world: World, letter: str, *, at: datetime) -> OrderUpload:
    content = f"order_id,amount,currency\ncanary-{letter}-file,5.00,USD\n".encode()
    received = take_file(
        world.merchant, name=f"canary-{letter}-orders.csv", content=content, content_type="text/csv", path="/sweep",
        ip=None, by=world.owner, at=at,
    )  # fmt: skip
    assert received.upload is not None
    return received.upload


def _people(worlds: list[World], *, at: datetime) -> dict[str, Person]:
    one, two = worlds
    people = {"anonymous": Person("anonymous", Client())}

    def add(
        name: str, user: User, scope: Merchant | Affiliate | None = None, role: str = "", *, is_new: bool = True
    ) -> None:
        if role and is_new:
            scopes = {"merchant": scope} if isinstance(scope, Merchant) else {}
            grant_role(user, role, at=at, **scopes)
        client = Client(raise_request_exception=False)
        client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
        people[name] = Person(name, client, user, {scope: {role}} if role else {})

    add("partner a", one.partner, one.affiliate, _R.PARTNER, is_new=False)
    add("partner b", two.partner, two.affiliate, _R.PARTNER, is_new=False)
    add("owner a", one.owner, one.merchant, _R.MERCHANT_OWNER, is_new=False)
    add("owner b", two.owner, two.merchant, _R.MERCHANT_OWNER, is_new=False)
    add("manager a", make_user("manager"), one.merchant, _R.MERCHANT_MANAGER)
    add("analyst a", make_user("analyst"), one.merchant, _R.MERCHANT_ANALYST)
    add("maker", make_user("maker"), None, _R.FINANCE_MAKER)
    add("checker", make_user("checker"), None, _R.FINANCE_CHECKER)
    add("staff", make_user("staff"), None, _R.NETWORK_STAFF)
    add("editor", make_user("editor"), None, _R.EDITOR)
    add("nobody", make_user("nobody"))
    return people
