"""Routing rules: read strictly, compiled forgivingly, shares exact (B11, B12, B17)."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracking.routing import DEVICES, RoutingRefused, compile_routing, read_routing

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
HOSTS = ["shop.example"]


def url(path: str) -> str:
    return f"https://shop.example/{path}"


def to(path: str, **when):
    return {"when": when, "do": "redirect", "url": url(path)}


def chosen(rules, country="", device="desktop", at=NOW, draw=0.5, referrer=""):
    routing = compile_routing(rules, allowed_hosts=HOSTS)
    choice = routing.choose(country, device, at, draw, referrer=referrer) if routing else None
    if choice is None:
        return "usual"
    return choice.destination.url.rpartition("/")[2] if choice.destination else choice.action


def test_the_first_rule_that_fits_decides_and_nothing_fits_means_the_usual_way():
    rules = [to("de", country=["DE"]), to("phone", device=["mobile"]), {"when": {"country": ["KP"]}, "do": "block"}]

    assert chosen(rules, "DE", "mobile") == "de"
    assert chosen(rules, "FR", "mobile") == "phone"
    assert chosen(rules, "KP") == "block"
    assert chosen(rules, "FR") == "usual"
    assert chosen([*rules, to("rest")], "FR") == "rest"


def test_a_country_nobody_knows_fits_no_country_rule():
    assert chosen([to("de", country=["DE"])], "") == "usual"


def test_dates_are_half_open():
    rules = [to("sale", **{"from": NOW.isoformat(), "until": (NOW + timedelta(hours=1)).isoformat()})]

    moments = (NOW - timedelta(microseconds=1), NOW, NOW + timedelta(minutes=59), NOW + timedelta(hours=1))
    assert [chosen(rules, at=at) for at in moments] == ["usual", "sale", "sale", "usual"]


def test_a_site_and_all_below_it_can_be_left_out():
    rules = [{"when": {"referrer": ["coupons.example"]}, "do": "block"}]

    assert chosen(rules, referrer="https://www.coupons.example/x?y") == "block"
    assert chosen(rules, referrer="https://me:pw@coupons.example:8443/") == "block"
    assert chosen(rules, referrer="https://notcoupons.example/") == "usual"
    assert chosen(rules, referrer="https://blog.example/?coupons.example") == "usual"
    assert chosen(rules, referrer="") == "usual"


@given(st.lists(st.integers(1, 100), min_size=1, max_size=5).filter(lambda shares: sum(shares) <= 100))
def test_neighbours_divide_the_visitors_exactly_by_their_shares(shares):
    rules = [to(str(number), share=share) for number, share in enumerate(shares)]

    found = [chosen(rules, draw=step / 100 + 0.005) for step in range(100)]

    assert [found.count(str(number)) for number in range(len(shares))] == shares
    assert found.count("usual") == 100 - sum(shares)


@given(st.integers(1, 99), st.integers(1, 100))
def test_who_gets_past_a_group_is_drawn_anew(first, second):
    rules = [to("a", country=["DE"], share=first), to("b", share=second)]
    steps = 20_000

    found = [chosen_fast(rules, step / steps) for step in range(0, steps, 10)]

    past = len(found) - found.count("a")
    assert found.count("b") == pytest.approx(past * second / 100, abs=20)


_compiled: dict[str, object] = {}


def chosen_fast(rules, draw):
    key = repr(rules)
    routing = _compiled.setdefault(key, compile_routing(rules, allowed_hosts=HOSTS))
    choice = routing.choose("DE", "desktop", NOW, draw)
    return choice.destination.url.rpartition("/")[2] if choice else "usual"


RULES = st.builds(
    lambda country, device, share, referrer, page: {
        "when": {
            **({"country": country} if country else {}),
            **({"device": device} if device else {}),
            **({"referrer": referrer} if referrer else {}),
            "share": share,
        },
        **({"do": "redirect", "url": url(page)} if page else {"do": "block"}),
    },
    st.lists(st.sampled_from(["DE", "AT", "US"]), max_size=2, unique=True),
    st.lists(st.sampled_from(DEVICES), max_size=2, unique=True),
    st.integers(1, 99),
    st.lists(st.sampled_from(["a.example", "b.example"]), max_size=1),
    st.sampled_from(["", "x", "y"]),
)


@given(st.lists(RULES, max_size=6))
def test_what_is_read_and_stored_reads_back_the_same(rules):
    read = read_routing(rules, allowed_hosts=HOSTS)
    stored = [rule.as_json() for rule in read]

    assert read_routing(stored, allowed_hosts=HOSTS) == read


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(max_size=9),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["when", "do", "url", "country", "share", "from", "device", "x"]), inner, max_size=4
            )
        ),
        max_leaves=12,
    )
)
def test_nonsense_is_refused_by_its_path_and_never_harms_a_click(nonsense):
    with suppress(RoutingRefused):
        read_routing(nonsense, allowed_hosts=HOSTS)
    routing = compile_routing(nonsense, str(nonsense), allowed_hosts=HOSTS)
    if routing is not None:
        routing.choose("DE", "mobile", NOW, 0.999, referrer="http://[")


@pytest.mark.parametrize(
    ("rule", "field", "code"),
    [
        ({"do": "explode"}, "routing.0.do", "routing_invalid"),
        ({"do": ["redirect"]}, "routing.0.do", "routing_invalid"),
        ({"do": {}}, "routing.0.do", "routing_invalid"),
        ({"do": "block", "url": []}, "routing.0.url", "routing_invalid"),
        ({"do": "redirect"}, "routing.0.url", "routing_invalid"),
        ({"do": "redirect", "url": "https://evil.example/"}, "routing.0.url", "routing_url"),
        ({"do": "block", "url": "https://shop.example/"}, "routing.0.url", "routing_invalid"),
        (to("a", country=["Germany"]), "routing.0.when.country", "routing_invalid"),
        (to("a", device=["fridge"]), "routing.0.when.device", "routing_invalid"),
        (to("a", share=0), "routing.0.when.share", "routing_invalid"),
        (to("a", share=True), "routing.0.when.share", "routing_invalid"),
        (to("a", weather="rain"), "routing.0.when.weather", "routing_invalid"),
        (to("a", **{"from": "2026-11-27T00:00:00"}), "routing.0.when.from", "routing_invalid"),
        (to("a", **{"from": "2026-11-28T00:00:00Z", "until": "2026-11-27T00:00:00Z"}), "routing.0.when.until", "routing_invalid"),
    ],
)  # fmt: skip
def test_a_rule_that_cannot_be_is_refused_at_its_place(rule, field, code):
    with pytest.raises(RoutingRefused) as refused:
        read_routing([rule], allowed_hosts=HOSTS)

    assert (refused.value.field, refused.value.code) == (field, code)


def test_nothing_may_stand_below_a_rule_for_everybody():
    with pytest.raises(RoutingRefused, match="has to be the last"):
        read_routing([to("all"), to("de", country=["DE"])], allowed_hosts=HOSTS)
    with pytest.raises(RoutingRefused, match="At most 50"):
        read_routing([to("a", share=1)] * 51, allowed_hosts=HOSTS)


def test_the_programs_rules_come_first_and_pages_no_longer_allowed_drop_out():
    program = [{"do": "redirect", "url": "https://old.example/"}, to("program", country=["DE"])]
    routing = compile_routing(program, [to("own")], allowed_hosts=HOSTS)

    assert routing.choose("DE", "desktop", NOW, 0.0).destination.url == url("program")
    assert routing.choose("US", "desktop", NOW, 0.0).destination.url == url("own")
    assert (routing.needs_country, routing.needs_device, routing.needs_referrer) == (True, False, False)
    assert compile_routing("[]", []) is None
