"""Macros: found where nobody filled them in, said in our words, and linted (X11)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracking.dialects import NETWORKS
from tracking.macros import OWN_MACROS, Finding, Kind, lint, macros_in, own_macro, translate, unfilled_macro

BASES = {"postback_base": "https://net.example/postback", "link_base": "https://go.example/r/CODE"}


@pytest.mark.parametrize(
    "text",
    [
        "{clickid}", "${clickid}", "{{clickid}}", "{{ clickid }}", "#reqid#", "!!!awc!!!", "[[clickid]]", "%%clickid%%",
        "__CLICKID__", "%7Bclickid%7D", "%7bclickid%7d", "%23reqid%23", "A-{order_id}", "{aff_sub.1}",
    ],
)  # fmt: skip
def test_a_placeholder_is_found_in_every_style(text):
    assert unfilled_macro(text)


@pytest.mark.parametrize(
    "text",
    [
        "", "1042", "#1042", "#1042 #1043", "{3F2504E0-4F89-41D3-9A0C-0305E82C3301}", "{a5504e0f4f8941d39a0c0305e82c3301}",
        "100%", "50%25", "clk_0000000000000000000000000a", "a_b__c__d", "order [1]", "!!!", "{}", "{1}", "##", "Wow!!! Great!!!",
    ],
)  # fmt: skip
def test_what_only_looks_like_a_placeholder_is_none(text):
    assert unfilled_macro(text) == ""


def test_a_foreign_postback_is_ours_with_every_part_explained():
    found = translate(
        "https://x.go2cloud.org/aff_lsr?transaction_id={cid}&amount={total}&adv_sub={order}&security_token=s3cret",
        **BASES,
    )

    assert (found.kind, found.network.code) == (Kind.ORDER, "tune")
    assert found.url == "https://net.example/postback?click_id={cid}&order_id={order}&amount={total}&key=sk_live_…"
    assert [(row.name, row.ours) for row in found.parameters] == [
        ("transaction_id", "click_id"), ("amount", "amount"), ("adv_sub", "order_id"), ("security_token", ""),
    ]  # fmt: skip
    assert {note.finding for note in found.notes} == {Finding.SECRET_DROPPED, Finding.NO_CURRENCY}
    assert "s3cret" not in repr(found)
    assert found.is_sound


def test_the_signs_of_cake_are_no_fragment():
    found = translate("https://t.example/p.ashx?o=12&r=#reqid#&t=#order#", **BASES)

    assert found.network.code == "cake"
    assert found.url == "https://net.example/postback?click_id=#reqid#&order_id=#order#&amount={amount}&key=sk_live_…"
    assert not found.is_sound  # no amount


def test_a_foreign_link_is_ours():
    found = translate(
        "https://www.awin1.com/cread.php?awinmid=1&awinaffid=2&clickref=blog&clickref2=top&ued=https%3A%2F%2Fshop.example%2Fa%3Fb%3D1",
        **BASES,
    )

    assert (found.kind, found.network.code) == (Kind.LINK, "awin")
    assert found.url == "https://go.example/r/CODE?sub1=blog&sub2=top&url=https://shop.example/a%3Fb%3D1"


def test_a_partners_postback_keeps_its_names_and_gets_our_macros():
    found = translate("https://trk.example/pb?cid={aff_sub}&sum={payout}&tx={transaction_id}", **BASES)

    assert (found.kind, found.network.code) == (Kind.PARTNER, "tune")
    assert found.url == "https://trk.example/pb?cid={sub1}&sum={commission}&tx={click_id}"
    assert lint(found.url) == ()


@pytest.mark.parametrize(
    ("address", "finding"),
    [
        ("https://t.example/?c={sub1}&x={nonsense_macro}", Finding.UNKNOWN_MACRO),
        ("https://t.example/?c={sub1", Finding.ODD_BRACKETS),
        ("http://t.example/?c={sub1}", Finding.NOT_HTTPS),
        ("https://t.example/?amount={amount}", Finding.NO_CLICK_ID),
        ("https://t.example/?c={sub1}&c={sub2}", Finding.DOUBLED),
        (f"https://t.example/?c={{sub1}}&d={'x' * 256}", Finding.VALUE_TOO_LONG),
        ("t.example", Finding.UNREADABLE),
        (f"https://t.example/{'x' * 5000}", Finding.TOO_LONG),
    ],
)
def test_the_linter_names_what_is_wrong(address, finding):
    assert finding in {note.finding for note in lint(address)}


@pytest.mark.parametrize(
    "address", ["https://n.example/postback?x=1", "https://n.example/postback?click_id=1&order_id=2&amount=3"]
)
def test_what_a_shops_postback_lacks_or_fixes_is_named(address):
    found = {note.finding for note in translate(address, **BASES, kind=Kind.ORDER).notes}

    assert found >= (
        {Finding.NO_CLICK_ID, Finding.NO_ORDER_ID, Finding.NO_AMOUNT} if "x=1" in address else {Finding.FIXED_VALUE}
    )


def test_every_networks_macros_lead_to_ours():
    for network in NETWORKS:
        assert {ours for ours in network.macros.values() if ours} <= set(OWN_MACROS), network.code
        for theirs, ours in network.macros.items():
            assert own_macro(theirs.upper(), network) == ours


def test_a_macro_about_which_networks_disagree_is_not_guessed():
    assert own_macro("tid") in {"", "order_id"}
    assert own_macro("never_heard_of") == ""


_styles = st.sampled_from(["{%s}", "{{%s}}", "#%s#", "!!!%s!!!", "[[%s]]", "%%%%%s%%%%"])
_words = st.from_regex(r"[a-z][a-z0-9_]{0,10}", fullmatch=True)


@given(_styles, _words, st.from_regex(r"[A-Za-z0-9 -]{0,6}", fullmatch=True))
def test_every_placeholder_is_found_wherever_it_stands(style, word, around):
    text = f"{around}{style % word}{around}"

    assert [macro.name for macro in macros_in(text)] == [word]
    assert unfilled_macro(text)


@given(st.text(max_size=300) | st.from_regex(r"https?://[a-z.]{1,12}/\?([a-z_]{1,8}=[^&]{0,12}&){0,5}", fullmatch=True))
def test_whatever_is_pasted_is_answered(text):
    for kind in (None, *Kind):
        found = translate(text, **BASES, kind=kind)
        assert found.url or any(note.is_error for note in found.notes) or found.kind == Kind.LINK
