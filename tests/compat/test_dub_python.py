"""Dub's own published Python client, pointed at us by one base URL."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from dub import Dub
from dub.models import errors

from payouts.models import Commission
from tests.compat.conftest import Shop
from tracking.models import Conversion, InboxRequest

# The client's own paging uses a library with words that Python is giving up.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.fixture
def client(shop: Shop) -> Dub:
    return Dub(token=shop.token, server_url=shop.base)


def test_a_lead_and_a_sale_become_a_commission(shop: Shop, client: Dub):
    click = shop.click()

    lead = client.track.lead(
        request={
            "click_id": click.public_id,
            "event_name": "Sign up",
            "customer_external_id": "u1",
            "customer_email": "kim@example.com",
        }
    )
    sale = client.track.sale(
        request={"customer_external_id": "u1", "amount": 6200, "currency": "usd", "invoice_id": "in_1"}
    )

    assert (lead.click.id, lead.link.partner_id) == (click.public_id, shop.world.affiliate.public_id)
    assert (lead.customer.external_id, lead.customer.email) == ("u1", "kim@example.com")
    assert (sale.event_name, sale.sale.amount, sale.sale.invoice_id) == ("Purchase", 6200, "in_1")
    commission = Commission.objects.get(conversion__order_ref="in_1")
    assert (commission.amount_minor, commission.affiliate_id) == (1240, shop.world.affiliate.pk)


def test_the_same_lead_and_sale_count_once_even_at_the_same_time(shop: Shop, client: Dub):
    click = shop.click()
    lead = {"click_id": click.public_id, "event_name": "Sign up", "customer_external_id": "u1"}
    client.track.lead(request=lead)
    again = client.track.lead(request=lead)

    def sell(_number: int) -> int:
        with Dub(token=shop.token, server_url=shop.base) as own:
            return int(
                own.track.sale(request={"customer_external_id": "u1", "amount": 100, "invoice_id": "in_2"}).sale.amount
            )

    with ThreadPoolExecutor(4) as crowd:
        answered = list(crowd.map(sell, range(4)))

    assert again.link is None
    assert answered == [100, 100, 100, 100]
    assert Conversion.objects.filter(order_ref="in_2").count() == 1
    assert Conversion.objects.filter(event="lead").count() == 1


def test_a_deferred_lead_is_recorded_by_a_later_call_without_a_click(shop: Shop, client: Dub):
    click = shop.click()
    client.track.lead(
        request={"click_id": click.public_id, "event_name": "Sign up", "customer_external_id": "u1", "mode": "deferred"}
    )
    assert not Conversion.objects.exists()

    client.track.lead(request={"click_id": "", "event_name": "Sign up", "customer_external_id": "u1"})

    assert Conversion.objects.get().click_id == click.pk


def test_a_direct_sale_and_a_sale_of_nobodys(shop: Shop, client: Dub):
    click = shop.click()

    direct = client.track.sale(request={"customer_external_id": "new", "amount": 500, "click_id": click.public_id})
    nobody = client.track.sale(request={"customer_external_id": "stranger", "amount": 900, "invoice_id": "in_9"})

    assert direct.customer.external_id == "new"
    assert (nobody.customer, nobody.sale) == (None, None)
    assert Conversion.objects.get(order_ref="in_9").verdict == "unattributed"


def test_every_refusal_is_a_typed_error_and_a_row_in_the_inbox(shop: Shop, client: Dub):
    with pytest.raises(errors.NotFound):
        client.track.lead(request={"click_id": "clk_unknown", "event_name": "x", "customer_external_id": "u"})
    with pytest.raises(errors.BadRequest):
        client.track.lead(request={"click_id": "", "event_name": "x", "customer_external_id": "u"})
    with pytest.raises(errors.UnprocessableEntity):
        client.track.sale(request={"customer_external_id": "u", "amount": 5, "currency": "xxx"})
    with pytest.raises(errors.Unauthorized):
        Dub(token="dub_wrong", server_url=shop.base).track.sale(request={"customer_external_id": "u", "amount": 5})
    with pytest.raises(errors.NotFound):
        client.links.get(request={"link_id": "link_nope"})

    assert InboxRequest.objects.filter(door="dub", verdict="rejected").count() == 4


def test_links_are_made_listed_changed_and_retired(shop: Shop, client: Dub):
    partner = shop.world.affiliate.public_id
    made = client.links.create(
        request={
            "url": "https://shop.example/a",
            "key": "spring",
            "external_id": "ext-1",
            "partner_id": partner,
            "title": "Spring",
        }
    )
    changed = client.links.update(link_id="ext_ext-1", request_body={"url": "https://shop.example/b"})
    upserted = client.links.upsert(
        request={"url": "https://shop.example/c", "external_id": "ext-1", "partner_id": partner}
    )
    listed = client.links.list(request={"search": "spring"})
    bulk = client.links.create_many(
        request=[
            {"url": "https://shop.example/d", "partner_id": partner},
            {"url": "https://evil.example/", "partner_id": partner},
        ]
    )
    count = client.links.count(request={})
    found = client.links.get(request={"external_id": "ext_ext-1"})
    gone = client.links.delete(link_id=made.id)

    assert (made.key, made.external_id, made.partner_id, made.title) == ("spring", "ext-1", partner, "Spring")
    assert (changed.url, upserted.id, upserted.url) == ("https://shop.example/b", made.id, "https://shop.example/c")
    assert [one.id for one in listed.result] == [made.id]
    assert (getattr(bulk[0], "url", None), hasattr(bulk[1], "error") or "error" in bulk[1]) == (
        "https://shop.example/d",
        True,
    )
    assert count >= 3
    assert found.id == made.id
    assert gone.id == made.id


def test_many_links_are_walked_through_by_page(shop: Shop, client: Dub):
    partner = shop.world.affiliate.public_id
    for number in range(7):
        client.links.create(request={"url": f"https://shop.example/{number}", "partner_id": partner})

    seen, page = [], client.links.list(request={"page_size": 3})
    while page is not None and page.result:
        seen += [one.id for one in page.result]
        page = page.next()

    assert len(seen) == len(set(seen)) == 8


def test_partners_are_brought_listed_linked_and_stopped(shop: Shop, client: Dub):
    made = client.partners.create(request={"email": "new@partner.example", "name": "New Partner", "tenant_id": "t-1"})
    again = client.partners.create(request={"email": "new@partner.example"})
    link = client.partners.create_link(request={"tenant_id": "t-1", "url": "https://shop.example/z"})
    upserted = client.partners.upsert_link(request={"partner_id": made.id, "url": "https://shop.example/z"})
    links = client.partners.retrieve_links(request={"tenant_id": "t-1"})
    listed = client.partners.list(request={})
    figures = client.partners.analytics(request={"partner_id": made.id, "group_by": "timeseries"})
    stopped = client.partners.deactivate(request={"partner_id": made.id})

    assert (made.email, made.tenant_id, made.status) == ("new@partner.example", "t-1", "approved")
    assert again.id == made.id
    assert upserted.id == link.id
    assert link.id in {one.id for one in links}
    assert {one.id for one in listed} >= {made.id, shop.world.affiliate.public_id}
    assert figures
    assert stopped.partner_id == made.id


def test_commissions_payouts_and_customers_are_listed_and_a_commission_taken_back(shop: Shop, client: Dub):
    click = shop.click()
    client.track.lead(
        request={
            "click_id": click.public_id,
            "event_name": "Sign up",
            "customer_external_id": "u1",
            "customer_name": "Kim",
        }
    )
    client.track.sale(request={"customer_external_id": "u1", "amount": 5000, "invoice_id": "in_1"})

    commissions = client.commissions.list(request={})
    (row,) = [one for one in commissions.result if one.type == "sale"]
    customers = client.customers.list(request={"include_expanded_fields": True})
    changed = client.customers.update(request={"id": "ext_u1", "request_body": {"country": "DE"}})
    taken = client.commissions.update(request={"id": row.id, "request_body": {"status": "refunded"}})
    reported = client.commissions.create(
        request={
            "type": "sale",
            "partner_id": shop.world.affiliate.public_id,
            "customer_id": "u2",
            "sale": {"amount": 700, "invoice_id": "in_7"},
        }
    )

    assert (row.amount, row.earnings, row.status, row.customer.external_id) == (5000, 1000, "pending", "u1")
    assert [one.external_id for one in customers.result] == ["u1"]
    assert changed.country == "DE"
    assert (taken.status, taken.earnings) == ("refunded", 0)
    assert reported.success
    assert client.payouts.list(request={}) == []


@pytest.mark.parametrize(
    "group",
    ["count", "timeseries", "countries", "devices", "browsers", "os", "referers", "top_links", "top_urls", "trigger"],
)
def test_analytics_are_read_in_every_group_the_client_knows(shop: Shop, client: Dub, group: str):
    click = shop.click()
    client.track.sale(request={"customer_external_id": "u1", "amount": 5000, "click_id": click.public_id})

    found = client.analytics.retrieve(request={"group_by": group, "interval": "7d", "event": "composite"})

    if group == "count":
        assert (found.sales, found.sale_amount) == (1, 5000)
    else:
        assert found is not None


@pytest.mark.parametrize("kind", ["clicks", "leads", "sales"])
def test_events_of_all_three_kinds_parse(shop: Shop, client: Dub, kind: str):
    click = shop.click()
    client.track.lead(request={"click_id": click.public_id, "event_name": "Sign up", "customer_external_id": "u1"})
    client.track.sale(request={"customer_external_id": "u1", "amount": 5000})

    rows = client.events.list(request={"event": kind, "interval": "7d"})

    assert len(rows) == 1
    assert rows[0].click.id == click.public_id


def test_the_rest_of_the_surface_answers_in_its_own_words(shop: Shop, client: Dub):
    picture = client.qr_codes.get(request={"url": "https://shop.example/"})
    domains = client.domains.list(request={})
    assert picture
    assert domains.result[0].primary
    assert client.tags.list(request={}) == []
    assert client.folders.list(request={}) == []
    with pytest.raises(errors.Forbidden):
        client.tags.create(request={"name": "x"})


def test_a_program_is_chosen_by_a_path_and_a_trailing_slash_does_no_harm(shop: Shop):
    for base in (f"{shop.base}/", f"{shop.base}/p/{shop.world.program.slug}"):
        with Dub(token=shop.token, server_url=base) as client:
            assert client.links.count(request={}) == 1
    with Dub(token=shop.token, server_url=f"{shop.base}/p/nobodys") as client, pytest.raises(errors.NotFound):
        client.links.count(request={})
