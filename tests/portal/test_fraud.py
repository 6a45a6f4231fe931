"""Findings on screens, in mails, webhooks and the API: each side reads and does what is its own (F1-F17)."""

import json
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from affiliates.endpoints import add_endpoint
from affiliates.keys import issue_key
from affiliates.models import Call, OutgoingMail, RoleGrant
from affiliates.teams import grant_role
from ledger.journal import deliver_waiting_events
from payouts import runs
from payouts.commissions import approve_due_commissions
from payouts.fraud import answering
from payouts.models import Commission
from portal.fraud_words import RULES, sentence_for
from portal.outbound.letters import letter_of
from tests.factories.fraud import find
from tests.factories.world import make_sale, make_user, make_world
from tests.portal.partner import client_of, plain_figures, text_of
from tracking.fraud.policies import RULES as LOOKED_FOR
from tracking.models import FraudPolicy

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture
def world():
    return make_world(timezone.now())


@pytest.fixture
def finding(world):
    now = timezone.now()
    return find(world, make_sale(world, at=now - DAY, order_ref="O1").conversion, at=now)


@pytest.fixture
def partner(world) -> Client:
    return client_of(world.partner)


@pytest.fixture
def merchant(world) -> Client:
    return client_of(world.owner)


def person_with(role) -> Client:
    user = make_user("staff")
    grant_role(user, role, at=timezone.now())
    return client_of(user)


@pytest.fixture
def staff() -> Client:
    return person_with(RoleGrant.Role.NETWORK_STAFF)


def mails() -> dict[str, OutgoingMail]:
    deliver_waiting_events(at=timezone.now() + DAY)
    return {mail.kind: mail for mail in OutgoingMail.objects.order_by("pk")}


# ── Words ────────────────────────────────────────────────────────────────────────────────


def test_every_rule_is_worded_for_everybody():
    assert set(RULES) == set(LOOKED_FOR)
    for rule in RULES:
        for reader in ("partner", "merchant", "staff"):
            assert "{" not in sentence_for(reader, rule, {"count": 12, "of": 40})


def test_the_partner_reads_what_looks_unusual_and_not_where_the_line_is(partner, finding):
    shown = text_of(partner.get(f"/partner/holds/{finding.public_id}/"))

    assert "Many of your orders came unusually soon after the click: 1 of 40." in shown
    assert "$20.00 is kept back" in shown
    assert "20 seconds" not in shown
    assert "3%" not in shown


# ── Screens ──────────────────────────────────────────────────────────────────────────────


def test_the_merchant_reads_every_test_with_its_chance_and_the_line(world, merchant, finding):
    listed = merchant.get(f"/merchant/{world.merchant.slug}/fraud/")
    page = merchant.get(f"/merchant/{world.merchant.slug}/fraud/{finding.public_id}/")
    shown = text_of(page)

    assert "1 of 40 orders came within 20 seconds of the click and 1 within 60; usual here are 1% and 12%." in text_of(
        listed
    )
    assert "1 in 3.3 million" in shown
    assert "at most 2 in 100 are found by luck" in shown
    assert "multiplied by this partner's 9 tests and had to be 0.002 at most" in shown
    assert "Order O1" in shown
    assert plain_figures(page) == []
    assert plain_figures(listed) == []


def test_the_list_is_filtered_in_its_address_and_exported_as_seen(world, merchant, finding):
    base = f"/merchant/{world.merchant.slug}/fraud/"

    assert "No finding fits" in text_of(merchant.get(f"{base}?rule=F11"))
    assert "No finding fits" in text_of(merchant.get(f"{base}?view=confirmed&q={world.affiliate.name}"))
    assert world.affiliate.name in text_of(merchant.get(f"{base}?view=live&program={world.program.slug}"))
    rows = b"".join(merchant.get(f"{base}export.csv?rule=F1").streaming_content).decode().splitlines()
    assert len(rows) == 2
    assert finding.public_id in rows[1]
    assert len(b"".join(merchant.get(f"{base}export.csv?rule=F2").streaming_content).decode().splitlines()) == 1


def test_a_page_of_findings_asks_as_often_for_three_as_for_one(world, merchant, finding, django_assert_max_num_queries):
    now = timezone.now()
    for rule in ("F2", "F8"):
        find(world, make_sale(world, at=now - DAY).conversion, at=now, rule=rule)
    with django_assert_max_num_queries(25):
        merchant.get(f"/merchant/{world.merchant.slug}/fraud/")
    with django_assert_max_num_queries(25):
        merchant.get(f"/merchant/{world.merchant.slug}/fraud/{finding.public_id}/")


def test_another_merchants_and_another_partners_finding_is_not_there(world, finding):
    other = make_world(timezone.now())

    assert client_of(other.owner).get(f"/merchant/{other.merchant.slug}/fraud/{finding.public_id}/").status_code == 404
    assert (
        client_of(other.owner).post(f"/merchant/{other.merchant.slug}/fraud/{finding.public_id}/release/").status_code
        == 404
    )
    assert client_of(other.partner).get(f"/partner/holds/{finding.public_id}/").status_code == 404
    assert (
        client_of(other.partner).post(f"/partner/holds/{finding.public_id}/appeal/", {"text": "x"}).status_code == 404
    )
    assert finding.refreshed().state == "held"


def test_what_was_only_to_be_looked_at_is_not_told_to_the_partner(world, partner):
    now = timezone.now()
    seen = find(world, make_sale(world, at=now - DAY).conversion, at=now, action="review")

    assert partner.get(f"/partner/holds/{seen.public_id}/").status_code == 404
    assert "Nothing is kept back" in text_of(partner.get("/partner/holds/"))


def test_an_analyst_reads_and_does_not_decide(world, finding):
    user = make_user("analyst")
    grant_role(user, RoleGrant.Role.MERCHANT_ANALYST, merchant=world.merchant, at=timezone.now())
    base = f"/merchant/{world.merchant.slug}/fraud/{finding.public_id}/"

    assert client_of(user).get(base).status_code == 200
    assert client_of(user).post(f"{base}release/").status_code == 403
    assert finding.refreshed().state == "held"


def test_hold_appeal_release_by_network(world, partner, merchant, staff, finding):
    appealed = partner.post(
        f"/partner/holds/{finding.public_id}/appeal/", {"text": "A newsletter with a basket link."}, follow=True
    )
    listed = text_of(staff.get("/network/fraud/?view=asked"))
    page = text_of(staff.get(f"/network/fraud/{finding.public_id}/"))
    staff.post(f"/network/fraud/{finding.public_id}/release/", {"text": "That explains it."})

    assert "You said how it came about" in text_of(appealed)
    assert world.affiliate.name in listed
    assert "A newsletter with a basket link." in page
    assert finding.refreshed().state == "released"
    assert "That explains it." in text_of(partner.get(f"/partner/holds/{finding.public_id}/"))
    approve_due_commissions(at=timezone.now() + 40 * DAY)
    assert Commission.objects.get().status == "approved"


def test_the_merchant_asks_and_the_network_confirms(world, partner, merchant, staff, finding):
    base = f"/merchant/{world.merchant.slug}/fraud/{finding.public_id}/"
    without_words = merchant.post(f"{base}ask/", {"text": ""})
    merchant.post(f"{base}ask/", {"text": "One card for forty orders."})
    assert merchant.get(f"{base}confirm/", follow=True).status_code == 404

    staff.post(f"/network/fraud/{finding.public_id}/confirm/", {"text": "The same card."})

    assert without_words.status_code == 400
    assert Commission.objects.get().status == "reversed"
    earning = Commission.objects.get()
    explained = text_of(partner.get(f"/partner/earnings/{earning.public_id}/"))
    assert "The network confirmed that the order did not come about as the terms allow." in explained
    assert "Confirmed as fraud" in explained
    second = staff.post(f"/network/fraud/{finding.public_id}/release/", {"text": ""})
    assert second.status_code == 400
    assert "Somebody was quicker" in text_of(second)


def test_the_explain_page_and_why_not_me_and_the_list_of_earnings_say_that_it_is_held(world, partner, finding):
    earning = Commission.objects.get()

    explained = text_of(partner.get(f"/partner/earnings/{earning.public_id}/"))
    listed = text_of(partner.get("/partner/earnings/?state=held"))
    asked = partner.post(
        "/partner/earnings/missing/",
        {"program": world.program.slug, "order_ref": "O1", "ordered_on": (timezone.now() - DAY).date(), "amount": ""},
        follow=True,
    )

    assert "Kept back while something about the order is checked" in explained
    assert "Being checked" in listed
    assert "Yours, and being checked" in text_of(asked)


# ── The rules ────────────────────────────────────────────────────────────────────────────


def rules_form(**changed):
    from portal.merchant.fraud_forms import FraudRulesForm  # noqa: PLC0415 - one helper needs it
    from tracking.fraud.policies import DEFAULTS  # noqa: PLC0415

    form = FraudRulesForm(rules=DEFAULTS, answer_days=14)
    said = {name: form[name].value() for name in form.fields}
    said = {name: "on" if value is True else value for name, value in said.items() if value is not False}
    return {**said, **changed}


def test_a_threshold_is_tried_before_it_is_saved_and_nothing_is_kept_by_trying(world, merchant):
    url = f"/merchant/{world.merchant.slug}/fraud/rules/{world.program.slug}/"

    tried = merchant.post(url, rules_form(F1_threshold="30", **{"try": "1"}))

    assert tried.status_code == 200
    assert "in your own last 90 days" in text_of(tried)
    assert "would have hit 0 honest sales" in text_of(tried)
    assert not FraudPolicy.objects.exists()


def test_saved_rules_hold_from_then_on_and_nonsense_names_its_field(world, merchant):
    url = f"/merchant/{world.merchant.slug}/fraud/rules/{world.program.slug}/"

    refused = merchant.post(url, rules_form(F1_threshold="9000"))
    merchant.post(url, rules_form(F1_threshold="30", F8_action="review", answer_days="7"))

    assert refused.status_code == 400
    assert FraudPolicy.objects.get().rules == {
        "F1": {"on": True, "threshold": 30.0, "action": "hold"},
        "F8": {"on": True, "threshold": 1.0, "action": "review"},
    }
    assert FraudPolicy.objects.get().answer_days == 7


# ── Mails, webhooks, the API ─────────────────────────────────────────────────────────────


def test_the_partner_hears_of_every_step_and_the_network_of_the_appeal(world, staff, finding):
    assert {"fraud.held.partner", "fraud.found.merchant"} <= set(mails())
    answering.appeal_finding(finding, "A newsletter.", by=world.partner, at=timezone.now())
    assert {"fraud.appealed.network", "fraud.appealed.merchant"} <= set(mails())
    answering.release_finding(finding, "Fine.", side="network", by=world.owner, at=timezone.now())

    written = mails()
    said = letter_of("fraud.appeal_granted.partner", written["fraud.appeal_granted.partner"].facts)
    assert said.subject == "Your appeal was right: $20.00 goes on"
    assert "They wrote: “Fine.”" in said.sentences


def test_a_hold_that_ended_by_itself_says_so_in_its_mail(world, finding):
    answering.release_overdue_findings(at=timezone.now() + 15 * DAY)

    said = letter_of("fraud.released.partner", mails()["fraud.released.partner"].facts)
    assert "Nobody answered by the promised date, so it was let go by itself." in said.sentences


def test_a_webhook_hears_of_a_finding_with_its_numbers(world):
    add_endpoint(
        kind="webhook", name="hook", url="https://shop.example/hook", events=["fraud.found"], by=None,
        at=timezone.now(), merchant=world.merchant,
    )  # fmt: skip
    now = timezone.now()
    found = find(world, make_sale(world, at=now - DAY).conversion, at=now)
    deliver_waiting_events(at=now + DAY)

    said = json.loads(Call.objects.get().body)
    assert said["type"] == "fraud.found"
    assert said["data"]["finding"]["id"] == found.public_id
    assert said["data"]["finding"]["numbers"]["count"] == 1


def test_a_merchants_key_reads_its_own_findings_and_nobody_elses(world, finding):
    _key, secret = issue_key(merchant=world.merchant, kind="sk_live", name="shop", by=world.owner, at=timezone.now())
    other = make_world(timezone.now())
    _key, foreign = issue_key(merchant=other.merchant, kind="sk_live", name="shop", by=other.owner, at=timezone.now())
    client = Client()

    listed = client.get("/api/v1/fraud/findings?state=held&rule=F1", headers={"Authorization": f"Bearer {secret}"})
    one = client.get(f"/api/v1/fraud/findings/{finding.public_id}", headers={"Authorization": f"Bearer {secret}"})
    none = client.get("/api/v1/fraud/findings", headers={"Authorization": f"Bearer {foreign}"})
    hidden = client.get(f"/api/v1/fraud/findings/{finding.public_id}", headers={"Authorization": f"Bearer {foreign}"})

    assert [row["id"] for row in listed.json()["data"]] == [finding.public_id]
    assert one.json()["held"] == "20.00"
    assert one.json()["conversions"]
    assert none.json()["data"] == []
    assert hidden.status_code == 404


# ── Finance ──────────────────────────────────────────────────────────────────────────────


def test_finance_sees_a_suspected_line_and_accepts_it(world):
    now = timezone.now()
    sale = make_sale(world, at=now - 45 * DAY)
    approve_due_commissions(at=now - 5 * DAY)
    maker = make_user("maker")
    grant_role(maker, RoleGrant.Role.FINANCE_MAKER, at=now)
    run = runs.prepare_run("r1", starts_at=now - 60 * DAY, ends_at=now - DAY, by=maker, at=now)
    find(world, sale.conversion, at=now)
    payout, client = run.payouts.get(), client_of(maker)

    page = text_of(client.get(f"/finance/runs/{run.public_id}/"))
    refused = client.post(f"/finance/runs/{run.public_id}/submit/", follow=True)
    client.post(f"/finance/payouts/{payout.public_id}/accept/", {"note": "Known to us."})
    client.post(f"/finance/runs/{run.public_id}/submit/")

    assert "Under suspicion" in page
    assert "A finding about commissions in this run stands" in text_of(refused)
    assert "Known to us." in text_of(client.get(f"/finance/payouts/{payout.public_id}/"))
    assert run.refreshed().status == "submitted"
