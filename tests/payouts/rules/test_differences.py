"""What a new document changes, and what a merchant should look at before publishing it."""

import time
from typing import Any

from payouts.rules.checks import findings
from payouts.rules.clauses import Rules
from payouts.rules.differences import differences
from payouts.rules.documents import read_document


def rules(*lines: dict[str, Any], **parts: Any) -> Rules:
    return read_document({"lines": list(lines)} | parts, currency="USD")


def line(name: str, **row: Any) -> dict[str, Any]:
    return {"name": name, "event": name.lower(), "pay": {"percent": "0.1"}} | row


def tier(name: str) -> dict[str, Any]:
    return {"all": [{"field": "partner.tier", "op": "is", "value": name}]}


A, B, C, D = (line(name) for name in ("A", "B", "C", "D"))


def test_equal_rules_have_no_difference():
    assert differences(rules(A, B), rules(A, B)) == []


def test_what_was_added_removed_and_changed():
    found = differences(rules(A, B, C), rules(A, line("B", pay={"percent": "0.2", "flat": "1"}), D))

    assert [(one.kind, one.name, one.path, one.before, one.after) for one in found if one.kind == "changed"] == [
        ("changed", "B", "pay.percent", "0.1", "0.2"),
        ("changed", "B", "pay.flat", None, "1"),
    ]
    assert [(one.kind, one.name, one.place_before, one.place_after) for one in found if one.kind != "changed"] == [
        ("added", "D", None, 3),
        ("removed", "C", 3, None),
    ]


def test_a_line_that_was_moved_is_moved_and_the_others_stayed():
    assert [
        (one.kind, one.name, one.place_before, one.place_after)
        for one in differences(rules(A, B, C, D), rules(D, A, B, C))
    ] == [("moved", "D", 4, 1)]
    assert differences(rules(A, B, C), rules(A, C)) == differences(rules(A, B, C), rules(A, C))
    assert [one.kind for one in differences(rules(A, B, C), rules(A, C))] == ["removed"]


def test_conditions_change_as_a_whole():
    found = differences(rules(line("A", when=tier("gold"))), rules(line("A", when=tier("silver"))))

    assert [(one.path, one.before, one.after) for one in found] == [("when", tier("gold"), tier("silver"))]


def test_campaigns_and_caps_are_compared_too():
    boost = {"name": "Friday", "add": "0.05"}

    assert [(one.kind, one.part, one.name) for one in differences(rules(A), rules(A, boosts=[boost]))] == [
        ("added", "boosts", "Friday")
    ]


def found_in(*lines: dict[str, Any], **parts: Any) -> list[tuple[str, str, str]]:
    return [(one.kind, one.path, one.other) for one in findings(rules(*lines, **parts))]


def sale(**row: Any) -> dict[str, Any]:
    return {"name": "Sale", "pay": {"percent": "0.1"}} | row


def large() -> dict[str, Any]:
    return {"all": [{"field": "order.amount", "op": "at_least", "value": "100"}]}


def test_lines_that_fit_the_same_orders_are_told():
    assert found_in(sale(when=tier("gold")), sale(when=large()), sale()) == [("overlap", "lines.1", "lines.0")]


def test_a_particular_line_above_a_general_one_is_how_rules_are_written():
    assert found_in(sale(when=tier("gold")), sale(when=tier("silver")), sale()) == []


def test_orders_that_may_fit_nothing_are_told():
    assert found_in(sale(when=tier("gold"))) == [("no_fallback", "lines", "")]


def test_a_branch_that_can_never_hold_is_told():
    never = {"field": "order.amount", "op": "below", "value": "50"}
    when = {"all": [{"any": [never, *tier("gold")["all"]]}, *large()["all"]]}

    assert [one[0] for one in found_in(sale(when=when), sale())] == ["idle_branch"]


def test_campaigns_that_compete_or_do_nothing_are_told():
    first = {"name": "A", "add": "0.1", "from": "2026-11-01T00:00:00Z", "until": "2026-11-10T00:00:00Z"}
    second = {"name": "B", "add": "0.95", "from": "2026-11-09T00:00:00Z"}
    third = {"name": "C", "add": "0.1", "event": "lead"}

    assert found_in(sale(), boosts=[first, second, third]) == [
        ("boosts_compete", "boosts.1", "boosts.0"),
        ("boost_over", "boosts.1", "lines.0"),
        ("boost_idle", "boosts.2", ""),
    ]


def test_days_that_never_meet_do_not_compete():
    days = [{"name": day, "times": "2", "days": {"weekdays": [day]}} for day in ("monday", "tuesday")]

    assert found_in(sale(), boosts=days) == []


def test_a_cap_of_nothing_is_told():
    cap = {"name": "C", "of": "partner", "per": "day", "limit": {"orders": 0}, "beyond": "nothing"}

    assert found_in(sale(), caps=[cap]) == [("cap_of_nothing", "caps.0", "")]


def test_five_hundred_lines_are_read_and_checked_while_somebody_waits():
    lines = [
        sale(name=f"L{n}", when={"all": [{"field": "partner.id", "op": "is", "value": f"aff_{n}"}, *large()["all"]]})
        for n in range(499)
    ]
    start = time.process_time()

    found = findings(rules(*lines, sale()))

    assert found == []
    assert time.process_time() - start < 4
