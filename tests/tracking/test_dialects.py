"""Other networks' postbacks, read as they were meant at home (C2, C16, C17)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracking.dialects import ALIASES, CLICK_ALIASES, NETWORKS, event_of, network_of, read_dialect, total_of

CLICK = "clk_0000000000000000000000000a"

#: What each network's documentation has its senders call, and what it means.
SENDERS = [
    ("tune", {"transaction_id": CLICK, "amount": "9.99", "adv_sub": "O-1"}, {"order_id": "O-1", "amount": "9.99"}),
    ("tune", {"transaction_id": CLICK, "adv_sub": "O-1", "goal_id": "3"}, {"order_id": "O-1", "event": "3"}),
    ("everflow", {"nid": "1", "transaction_id": CLICK, "amount": "5", "adv1": "O-1"}, {"order_id": "O-1", "amount": "5"}),
    ("everflow", {"_ef_transaction_id": CLICK, "order_id": "O-1", "adv1": "x"}, {"order_id": "O-1"}),
    ("cake", {"o": "12", "r": CLICK, "t": "O-1"}, {"order_id": "O-1"}),
    ("affise", {"clickid": CLICK, "action_id": "O-1", "sum": "7.5", "status": "1", "goal": "lead"}, {"order_id": "O-1", "amount": "7.5", "event": "lead", "status": "1"}),
    ("voluum", {"cid": CLICK, "payout": "3.00", "txid": "O-1", "currency": "EUR", "et": "up"}, {"order_id": "O-1", "amount": "3.00", "currency": "EUR", "event": "up"}),
    ("keitaro", {"subid": CLICK, "payout": "3.00", "status": "rebill", "tid": "O-1"}, {"order_id": "O-1", "amount": "3.00", "status": "rebill"}),
    ("binom", {"cnv_id": CLICK, "payout": "3.00", "cnv_status": "approved"}, {"amount": "3.00", "status": "approved"}),
    ("awin", {"tt": "ss", "tv": "2", "merchant": "9", "amount": "80.00", "ch": "aw", "vc": "MAYA10", "cr": "GBP", "ref": "O-1", "testmode": "1", "cks": CLICK, "parts": "CD:80.00"},
     {"order_id": "O-1", "amount": "80.00", "currency": "GBP", "coupon": "MAYA10", "test": "1", "channel": "aw"}),
    ("cj", {"CID": "77", "TYPE": "1", "METHOD": "S2S", "CJEVENT": CLICK, "eventTime": "2026-11-03T14:02:00Z", "OID": "O-1", "CURRENCY": "USD", "COUPON": "C", "CUST_STATUS": "Return"},
     {"order_id": "O-1", "currency": "USD", "coupon": "C", "customer_status": "Return", "occurred_at": "2026-11-03T14:02:00Z"}),
    ("impact", {"CampaignId": "1", "EventTypeCode": "SALE", "ClickId": CLICK, "OrderId": "O-1", "OrderPromoCode": "C", "CustomerId": "c-1", "CustomerStatus": "New", "Currency": "USD"},
     {"order_id": "O-1", "coupon": "C", "customer_id": "c-1", "customer_status": "New", "event": "SALE", "currency": "USD"}),
    ("pap", {"AccountId": "default1", "TotalCost": "120.50", "OrderID": "O-1", "PAPVisitorId": CLICK}, {"order_id": "O-1", "amount": "120.50"}),
    ("pap", {"t": "120.50", "o": "O-1", "p": "P-1", "visitorid": CLICK, "s": "D", "cr": "USD", "cp": "C"}, {"order_id": "O-1", "amount": "120.50", "status": "D", "currency": "USD", "coupon": "C"}),
    ("tapfiliate", {"referral_code": "maya", "amount": "12", "external_id": "O-1", "click_id": CLICK}, {"order_id": "O-1", "amount": "12", "affiliate": "maya"}),
]  # fmt: skip


@pytest.mark.parametrize(("network", "sent", "meant"), SENDERS)
def test_a_networks_sender_is_understood_as_it_is(network, sent, meant):
    reading = read_dialect(sent)

    assert reading.network is not None
    assert reading.network.code == network
    assert {name: reading.fields.get(name) for name in meant} == meant
    assert reading.fields["click_id"] == CLICK
    assert reading.doubled == ()


@pytest.mark.parametrize("alias", CLICK_ALIASES)
def test_every_name_of_the_click_is_the_click_when_it_stands_alone(alias):
    assert read_dialect({alias: CLICK, "order_id": "1"}).fields == {"click_id": CLICK, "order_id": "1"}
    assert read_dialect({alias.upper(): CLICK, "order_id": "1"}).names["click_id"] == alias.upper()


@pytest.mark.parametrize("weak", ["transaction_id", "tid", "txid", "r"])
def test_a_weak_name_is_the_order_where_another_name_for_the_click_is_there(weak):
    reading = read_dialect({"clickid": CLICK, weak: "O-1", "amount": "1"})

    assert (reading.fields["click_id"], reading.fields["order_id"]) == (CLICK, "O-1")


def test_two_names_for_the_click_with_two_values_are_told_apart_by_nobody():
    assert read_dialect({"cks": "a", "subid": "b", "order_id": "1"}).doubled == ("click_id",)
    assert read_dialect({"cks": "a", "click_id": "a", "order_id": "1"}).doubled == ()


def test_our_own_name_wins_and_what_lost_is_named():
    reading = read_dialect({"amount": "62.00", "payout": "3.00", "foo": "bar", "order_id": "1"})

    assert (reading.fields["amount"], reading.ignored) == ("62.00", ("payout", "foo"))


def test_the_lines_of_an_order_in_three_dialects():
    awin = read_dialect({"cks": CLICK, "parts": "CD:10.00|DVD:20.00"})
    cj = read_dialect({"CJEVENT": CLICK, "ITEM1": "A", "AMT1": "10.00", "QTY1": "2", "DCNT1": "1.00", "ITEM2": "B", "AMT2": "5.00", "QTY2": "1", "DISCOUNT": "4.00"})  # fmt: skip
    impact = read_dialect({"ClickId": CLICK, "OrderId": "1", "EventTypeCode": "x", "ItemSku[1]": "A", "ItemCategory[1]": "c", "ItemQuantity[1]": "2", "ItemSubTotal[1]": "19.00"})  # fmt: skip

    assert [(item["category"], item["amount"]) for item in awin.items] == [("CD", "10.00"), ("DVD", "20.00")]
    assert [(item["sku"], item["quantity"], item["amount"]) for item in cj.items] == [
        ("A", 2, "19.00"),
        ("B", 1, "5.00"),
    ]
    assert impact.items == [{"sku": "A", "category": "c", "quantity": 2, "amount": "19.00"}]
    assert [total_of(one) for one in (awin, cj, impact)] == ["30.00", "20.00", "19.00"]
    assert cj.ignored == impact.ignored == ()


def test_purchases_by_other_names_are_sales():
    assert [event_of(one) for one in ("Purchase", "0", "lead", "trial")] == ["sale", "sale", "lead", "trial"]


def test_no_name_stands_for_two_fields():
    names = [name for ours, all_names in ALIASES.items() for name in all_names]

    assert len(names) == len(set(names))
    assert all(name == name.lower() for name in names)
    for network in NETWORKS:
        own = [name for all_names in network.postback.values() for name in all_names]
        assert len(own) == len(set(own)), network.code


_names = st.sampled_from(sorted({name for names in ALIASES.values() for name in names} | {"item1", "amt1", "qty1", "dcnt1", "x"}))  # fmt: skip


@given(st.dictionaries(_names, st.text(max_size=30)))
def test_nothing_is_invented_and_nothing_disappears(values):
    """Every value given is said under one of our names, is a line's, is empty, or is named as not needed."""
    reading = read_dialect(values)

    assert set(reading.fields.values()) <= set(values.values())
    assert set(reading.names.values()) <= values.keys()
    said = {value.strip() for value in reading.fields.values()}
    for name, value in values.items():
        assert name in reading.ignored or value.strip() in said or not value.strip() or name in {"item1", "amt1", "qty1", "dcnt1"}  # fmt: skip
    network_of(frozenset(values))
