"""Random documents and random orders, from a vocabulary small enough that they meet."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from payouts.rules.documents import read_document
from payouts.rules.facts import Click, Customer, Facts, Inviter, Item, Link, Partner
from payouts.rules.problems import RulesRefused

BERLIN = ZoneInfo("Europe/Berlin")
START = datetime(2026, 11, 20, tzinfo=UTC)

WORDS = {
    "order.currency": ["USD"],
    "order.coupon": ["MAYA10", "maya10", "SAVE", "", "A,B"],
    "order.country": ["DE", "US", ""],
    "order.metadata.channel": ["web", "App", "12.5", "7"],
    "item.sku": ["PRO-1", "pro-2", "BASIC", ""],
    "item.category": ["plans", "Books", ""],
    "customer.status": ["new", "returning", "lapsed", ""],
    "customer.country": ["DE", "FR", ""],
    "partner.id": ["p1", "p2", "p3"],
    "partner.tier": ["Gold", "silver", ""],
    "partner.country": ["DE", ""],
    "partner.segments": ["vip", "Blog", "press"],
    "partner.tags": ["a", "b"],
    "link.code": ["x1", "X1"],
    "link.host": ["go.example", ""],
    "link.sub1": ["s", ""],
    "link.sub10": ["t", ""],
    "click.country": ["US", ""],
    "click.device": ["mobile", "desktop", ""],
    "click.os": ["iOS", ""],
    "click.referrer_host": ["blog.example", "news.example", ""],
    "time.weekday": ["monday", "friday", "sunday"],
    "role": ["winner", "assist", "split"],
}
NUMBERS = {
    "order.quantity": (0, 9),
    "order.charge": (1, 5),
    "order.month": (0, 14),
    "item.quantity": (0, 5),
    "customer.orders_before": (0, 6),
    "partner.joined_days": (0, 60),
    "time.hour": (0, 23),
    "time.day_of_month": (1, 31),
}
MONEY = ("order.amount", "order.base", "item.amount")
OF_ITEMS = tuple(name for name in (*WORDS, *NUMBERS, *MONEY) if name.startswith("item."))


def amounts(most: int = 30_000) -> st.SearchStrategy[str]:
    return st.integers(0, most).map(lambda minor: f"{minor // 100}.{minor % 100:02}")


def rates(most: str = "1") -> st.SearchStrategy[str]:
    return st.decimals(0, Decimal(most), places=4).map(lambda rate: f"{rate:f}")


@st.composite
def conditions(draw: Any, *, items: bool) -> dict[str, Any]:
    names = [
        name for name in (*WORDS, *NUMBERS, *MONEY, "order.is_renewal", "time.date") if items or name not in OF_ITEMS
    ]
    name = draw(st.sampled_from(names))
    if name == "order.is_renewal":
        return {"field": name, "op": draw(st.sampled_from(["is", "is_not"])), "value": draw(st.booleans())}
    if name in WORDS:
        value = st.sampled_from([word for word in WORDS[name] if word])
        ops = ["is", "is_not", "any_of", "none_of", "is_set", "is_not_set"]
        if name.split(".")[-1] in {"coupon", "sku", "category", "code", "host", "os", "referrer_host", "channel"}:
            ops += ["contains", "starts_with"]
    elif name in NUMBERS:
        value = st.integers(*NUMBERS[name])
        ops = [
            "is",
            "is_not",
            "any_of",
            "none_of",
            "is_set",
            "is_not_set",
            "above",
            "at_least",
            "below",
            "at_most",
            "between",
        ]
    elif name in MONEY:
        value = amounts()
        ops = ["is", "is_not", "above", "at_least", "below", "at_most", "between"]
    else:
        value = st.integers(0, 12).map(lambda days: (START + timedelta(days=days)).date().isoformat())
        ops = ["is", "is_not", "any_of", "none_of", "above", "at_least", "below", "at_most", "between"]
    op = draw(st.sampled_from(ops))
    if op in {"is_set", "is_not_set"}:
        return {"field": name, "op": op}
    if op in {"any_of", "none_of"}:
        return {"field": name, "op": op, "value": draw(st.lists(value, min_size=1, max_size=3))}
    if op == "between":
        two = draw(st.tuples(value, value))
        key = (lambda one: Decimal(one)) if name in MONEY else (lambda one: one)
        return {"field": name, "op": op, "value": sorted(two, key=key)}
    if name == "order.metadata.channel" and draw(st.integers(0, 3)) == 0:
        return {"field": name, "op": "at_least", "value": draw(st.sampled_from(["7", "8.5", "13"]))}
    one = draw(value)
    return {"field": name, "op": op, "value": one[:2] if op in {"contains", "starts_with"} else one}


def groups(*, items: bool) -> st.SearchStrategy[dict[str, Any]]:
    leaf = conditions(items=items)
    inner = st.builds(
        lambda mode, members: {mode: members}, st.sampled_from(["all", "any"]), st.lists(leaf, min_size=1, max_size=2)
    )
    return st.one_of(
        st.just({}),
        inner,
        st.builds(
            lambda mode, members: {mode: members},
            st.sampled_from(["all", "any"]),
            st.lists(st.one_of(leaf, inner), min_size=1, max_size=3),
        ),
    )


def simple_groups() -> st.SearchStrategy[dict[str, Any]]:
    """What takes some positions of most orders."""
    return st.sampled_from(
        [
            {"all": [{"field": "item.category", "op": "any_of", "value": ["plans"]}]},
            {"all": [{"field": "item.sku", "op": "starts_with", "value": "pro"}]},
            {"all": [{"field": "item.amount", "op": "at_least", "value": "30.00"}]},
            {
                "any": [
                    {"field": "item.category", "op": "is_not_set"},
                    {"field": "item.quantity", "op": "above", "value": 2},
                ]
            },
        ]
    )


@st.composite
def pays(draw: Any) -> dict[str, Any]:
    kind = draw(st.integers(0, 9))
    if kind == 0:
        return {"nothing": True}
    if kind <= 3:
        return {"percent": draw(rates())}
    if kind == 4:
        return {"flat": draw(amounts(2000))}
    return {"percent": draw(rates()), "flat": draw(amounts(2000))}


@st.composite
def lines(draw: Any) -> dict[str, Any]:
    level = draw(st.sampled_from(["order", "item"]))
    row: dict[str, Any] = {
        "name": draw(st.sampled_from(["Pro", "Rest", "Gold"])),
        "event": draw(st.sampled_from(["sale", "sale", "sale", "lead"])),
        "level": level,
        "when": draw(st.one_of(groups(items=True), simple_groups()) if level == "item" else groups(items=True)),
        "pay": draw(pays()),
    }
    if draw(st.integers(0, 3)) == 0:
        by = draw(st.sampled_from(["order.amount", "order.base", "order.quantity"]))
        starts = sorted(draw(st.sets(st.integers(1, 200), max_size=3)))
        row["pay"] = {"bands": {"by": by, "rows": [{"from": str(start), **draw(pays())} for start in [0, *starts]]}}
    if draw(st.booleans()):
        row["base"] = {"minus": draw(st.lists(st.sampled_from(["tax", "shipping", "discount", "fees"]), unique=True))}
    if row["pay"] != {"nothing": True} and draw(st.integers(0, 2)) == 0:
        low, high = sorted(draw(st.tuples(st.integers(0, 900), st.integers(0, 9000))))
        row |= {"minimum": f"{low / 100:.2f}", "maximum": f"{high / 100:.2f}"}
    limit = draw(st.integers(0, 6))
    if limit < 2:
        row["charges"] = {"first": draw(st.integers(1, 4))} if limit else {"months": draw(st.integers(1, 12))}
    return row


@st.composite
def boosts(draw: Any) -> dict[str, Any]:
    row: dict[str, Any] = {
        "name": "Boost",
        "event": draw(st.sampled_from(["sale", "sale", "lead"])),
        "when": draw(groups(items=False)) if draw(st.booleans()) else {},
        "stacks": draw(st.booleans()),
    }
    row |= draw(
        st.one_of(
            st.builds(lambda rate: {"add": rate}, rates("0.5")),
            st.builds(lambda cents: {"times": f"{cents / 100:.2f}"}, st.integers(100, 400)),
            st.builds(lambda flat: {"flat": flat}, amounts(1000)),
        )
    )
    when = draw(st.integers(0, 5))
    if when == 0:
        row |= {"from": "2026-11-23T00:00:00+01:00", "until": "2026-11-26T00:00:00+01:00"}
    elif when == 1:
        row["days"] = {"weekdays": ["monday", "friday"]}
    elif when == 2:
        row["days"] = {"month_days": [24, 25, 31]}
    elif when == 3:
        row["days"] = {"dates": ["11-27", "2026-11-29"]}
    return row


@st.composite
def caps(draw: Any) -> dict[str, Any]:
    limit = draw(
        st.one_of(
            st.builds(lambda text: {"commission": text}, amounts(20_000)),
            st.builds(lambda n: {"orders": n}, st.integers(0, 4)),
        )
    )
    return {
        "name": "Cap",
        "of": draw(st.sampled_from(["partner", "program"])),
        "per": draw(st.sampled_from(["day", "week", "month", "total"])),
        "limit": limit,
        "beyond": draw(st.sampled_from(["review", "nothing"])),
    }


@st.composite
def documents(draw: Any) -> dict[str, Any]:
    document = {
        "lines": draw(st.lists(lines(), min_size=1, max_size=5)),
        "boosts": draw(st.lists(boosts(), max_size=3)),
        "caps": draw(st.lists(caps(), max_size=2)),
        "uplines": draw(
            st.sampled_from(
                [
                    [],
                    [{"level": 1, "of": "commission", "percent": "0.05", "minimum": "0.01"}],
                    [
                        {"level": 1, "of": "sale", "percent": "0.02", "months": 12},
                        {"level": 2, "of": "commission", "percent": "0.1"},
                    ],
                ]
            )
        ),
    }
    return {name: rows for name, rows in document.items() if rows}


@st.composite
def rule_sets(draw: Any) -> Any:
    """A document that is accepted: lines that make no sense where they stand are taken out."""
    document = draw(documents())
    if draw(st.integers(0, 3)):
        document["lines"] = [*document["lines"], {"name": "Rest", "pay": draw(pays())}]
    for _attempt in range(8):
        try:
            return read_document(document, currency="USD")
        except RulesRefused as refusal:
            for path in sorted(
                {problem.path.split(".")[:2][0] + "." + problem.path.split(".")[1] for problem in refusal.problems},
                reverse=True,
            ):
                part, number = path.split(".")
                del document[part][int(number)]
            document.setdefault("lines", [])
            if not document["lines"]:
                document["lines"] = [{"name": "Rest", "pay": {"percent": "0.1", "flat": "1.00"}}]
    return read_document({"lines": [{"name": "Rest", "pay": {"percent": "0.1"}}]}, currency="USD")


@st.composite
def drawn_items(draw: Any) -> tuple[Item, ...]:
    found = []
    for number in range(draw(st.integers(0, 4))):
        amount = draw(st.integers(0, 9000))
        found.append(
            Item(
                key=str(number + 1),
                amount_minor=amount,
                sku=draw(st.sampled_from(WORDS["item.sku"])),
                category=draw(st.sampled_from(WORDS["item.category"])),
                quantity=draw(st.integers(1, 4)),
                refunded_minor=draw(st.one_of(st.just(0), st.just(0), st.integers(0, amount), st.just(amount))),
            )
        )
    return tuple(found)


@st.composite
def orders(draw: Any, currency: str = "USD") -> Facts:
    items = draw(drawn_items())
    amount = draw(st.one_of(st.just(sum(item.amount_minor for item in items)), st.integers(0, 30_000)))
    word = {name: draw(st.sampled_from(words)) for name, words in WORDS.items()}
    some = st.one_of(st.none(), st.integers(0, 14))
    return Facts(
        event=draw(st.sampled_from(["sale", "sale", "sale", "lead", "trial"])),
        currency=currency,
        amount_minor=amount,
        at=(START + timedelta(minutes=draw(st.integers(0, 12 * 1440)))).astimezone(BERLIN),
        tax_minor=draw(st.sampled_from([0, 0, 1900, 333])),
        shipping_minor=draw(st.sampled_from([0, 500])),
        discount_minor=draw(st.sampled_from([0, 1234])),
        fees_minor=draw(st.sampled_from([0, 31])),
        refunded_minor=draw(st.one_of(st.just(0), st.just(0), st.integers(0, amount), st.just(amount))),
        items=items,
        coupon=word["order.coupon"],
        country=word["order.country"],
        metadata=draw(
            st.sampled_from(
                [
                    {},
                    {"channel": "web"},
                    {"channel": "App"},
                    {"channel": 12.5},
                    {"channel": "7"},
                    {"channel": {"deep": 1}},
                    {"channel": True},
                ]
            )
        ),
        is_renewal=draw(st.booleans()),
        charge=draw(st.one_of(st.none(), st.integers(1, 5))),
        month=draw(some),
        customer=Customer(word["customer.status"], word["customer.country"], draw(some)),
        partner=Partner(
            id=word["partner.id"],
            tier=word["partner.tier"],
            segments=tuple(draw(st.sets(st.sampled_from(WORDS["partner.segments"])))),
            tags=tuple(draw(st.sets(st.sampled_from(WORDS["partner.tags"])))),
            country=word["partner.country"],
            joined_days=draw(some),
            rate_cut=draw(st.sampled_from([Decimal(0), Decimal(0), Decimal("0.25"), Decimal("0.3333"), Decimal(1)])),
            rate_cut_reason="late reports",
        ),
        link=Link(word["link.code"], word["link.host"], (word["link.sub1"], *[""] * 8, word["link.sub10"])),
        click=Click(word["click.country"], word["click.device"], word["click.os"], word["click.referrer_host"]),
        role=word["role"],
        inviters=draw(
            st.sampled_from(
                [(), (Inviter("p8", 3),), (Inviter("p8", 13), Inviter("p9", 1)), (Inviter("p1"), Inviter("p9"))]
            )
        ),
    )
