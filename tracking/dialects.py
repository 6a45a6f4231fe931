"""How other networks' systems write an order into a postback: their names for our fields.

A shop that changes networks keeps its sender; only the address changes. So every name below means
what it meant at home. Nothing here reads a database or HTTP.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from types import MappingProxyType
from typing import Any

type Names = tuple[str, ...]

#: Our own fields of a postback; `docs/postback.md` explains each.
OWN_FIELDS: Names = (
    "click_id", "order_id", "amount", "currency", "event", "coupon", "status", "occurred_at", "tax", "shipping",
    "discount", "customer_id", "customer_email", "customer_status", "country", "affiliate", "refund_amount",
    "reference", "test", "parts", "channel", "key", "ts", "sig", "legacy",
)  # fmt: skip

#: What other networks call the click id. The weak ones mean the order when a strong one is there too.
CLICK_ALIASES: Names = (
    "click_id", "clickid", "transaction_id", "tid", "cid", "cks", "subid", "txid", "r", "irclickid",
    "_ef_transaction_id", "cjevent", "awc", "im_ref", "cnv_id", "sscid", "ransiteid", "reqid", "papvisitorid", "visitorid",
)  # fmt: skip
WEAK_CLICK_ALIASES: Names = ("transaction_id", "tid", "txid", "r")

#: Our field -> the names it goes by, the most telling first. Lower case; case does not matter.
ALIASES: Mapping[str, Names] = MappingProxyType(
    {
        "click_id": CLICK_ALIASES,
        "order_id": (
            "order_id", "orderid", "oid", "order_ref", "order_number", "adv_sub", "action_id", "external_id", "ref", "t",
            "adv1",
        ),
        "amount": ("amount", "sale_amount", "order_amount", "sum", "totalcost", "revenue", "total", "value", "payout"),
        "currency": ("currency", "currency_code", "currencycode", "cur", "cr"),
        "event": (
            "event", "event_name", "goal", "goal_name", "goal_id", "adv_event_id", "event_id", "et", "actioncode",
            "eventtypecode", "cnv_type",
        ),
        "coupon": (
            "coupon", "coupon_code", "couponcode", "promo_code", "promocode", "orderpromocode", "voucher",
            "voucher_code", "discount_code", "vc",
        ),
        "status": ("status", "cnv_status", "conversion_status"),
        "occurred_at": ("occurred_at", "eventtime", "event_time", "eventdate"),
        "tax": ("tax", "ordertax"),
        "shipping": ("shipping", "ordershipping"),
        "discount": ("discount", "orderdiscount"),
        "customer_id": ("customer_id", "customerid", "user_id"),
        "customer_email": ("customer_email", "customeremail", "email"),
        "customer_status": ("customer_status", "customerstatus", "cust_status"),
        "country": ("country", "country_code", "customercountry", "geo"),
        "affiliate": ("affiliate", "referral_code", "affiliateid", "via"),
        "refund_amount": ("refund_amount",),
        "reference": ("reference",),
        "test": ("test", "testmode", "test_mode", "is_test"),
        "parts": ("parts",),
        "channel": ("channel", "ch"),
        "key": ("key",),
        "ts": ("ts",),
        "sig": ("sig",),
        "legacy": ("legacy",),
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Network:
    """A network whose senders we understand: names that tell it, and where its names mean something of their own."""

    code: str
    name: str
    #: Any of these names (all names of one inner tuple) in a postback tells this network.
    marks: tuple[Names, ...]
    #: Our field -> its names, before ALIASES are asked.
    postback: Mapping[str, Names]
    #: Names that mean something else here than in ALIASES.
    foreign: Names = ()
    #: Its macros (without their signs) -> ours.
    macros: Mapping[str, str] = field(default_factory=dict)
    #: Its link's parameters -> ours.
    link: Mapping[str, str] = field(default_factory=dict)
    #: Parts of its addresses: of tracked links, and of postbacks.
    link_hosts: Names = ()
    postback_hosts: Names = ()


def _numbered(prefix: str, ours: str = "sub", *, first: int = 1, last: int = 5) -> dict[str, str]:
    return {f"{prefix}{number}": f"{ours}{number}" for number in range(first, last + 1)}


NETWORKS: tuple[Network, ...] = (
    Network(
        "cj", "CJ", (("cjevent",), ("method", "oid")),
        {"click_id": ("cjevent",), "order_id": ("oid",), "amount": ("amount",)},
        foreign=("cid", "type", "method", "r"),
        link={"sid": "sub1", "url": "url"},
        link_hosts=("dpbolvw.net", "anrdoezrs.net", "tkqlhce.com", "kqzyfj.com", "jdoqocy.com"),
        postback_hosts=("emjcd.com",),
    ),
    Network(
        "awin", "Awin", (("cks",), ("tt", "tv"), ("awc",)),
        {
            "click_id": ("cks", "awc"), "order_id": ("ref",), "currency": ("cr",), "coupon": ("vc",), "channel": ("ch",),
        },
        foreign=("tt", "tv", "merchant", "r"),
        macros={"awc": "click_id"},
        link={
            "clickref": "sub1", **_numbered("clickref", first=2, last=6), "ued": "url", "p": "url", "awinmid": "",
            "awinaffid": "", "mid": "", "id": "", "cons": "cons", "gdpr": "gdpr", "gdpr_consent": "gdpr_consent",
        },
        link_hosts=("awin1.com/cread", "awin1.com/awclick", "awin1.com/pclick", "tidd.ly"),
        postback_hosts=("awin1.com/sread",),
    ),
    Network(
        "everflow", "Everflow", (("_ef_transaction_id",), ("nid",), ("verification_token",)),
        {
            "click_id": ("_ef_transaction_id", "transaction_id"), "order_id": ("order_id", "adv1"),
            "event": ("event_name", "adv_event_id", "event_id"),
        },
        foreign=("nid", "tid", "cid"),
        macros={
            "transaction_id": "click_id", **_numbered("sub"), "source_id": "source_id", "payout_amount": "commission",
            "sale_amount": "amount", "event_id": "event", "event_name": "event", "order_id": "order_id",
            "affiliate_id": "affiliate_id", "offer_id": "program_id", "currency": "currency", "coupon_code": "coupon",
        },
        link={**_numbered("sub"), "source_id": "source_id", "uid": "", "creative_id": ""},
    ),
    Network(
        "tune", "TUNE (HasOffers)", (("adv_sub",), ("security_token",), ("goal_id", "transaction_id")),
        {"click_id": ("transaction_id",), "order_id": ("adv_sub",), "amount": ("amount", "sale_amount")},
        macros={
            "transaction_id": "click_id", "aff_sub": "sub1", **_numbered("aff_sub", first=2), "source": "source_id",
            "sale_amount": "amount", "payout": "commission", "affiliate_id": "affiliate_id", "offer_id": "program_id",
            "country_code": "country", "currency": "currency", "advertiser_id": "", "offer_ref": "",
        },
        link={
            "aff_sub": "sub1", **_numbered("aff_sub", first=2), "source": "source_id", "aff_id": "", "offer_id": "",
            "url_id": "", "aff_click_id": "affiliate_click_id",
        },
        link_hosts=("go2cloud.org/aff_c", "/aff_c"), postback_hosts=("/aff_lsr", "/aff_goal"),
    ),
    Network(
        "cake", "CAKE", (("r", "o"), ("r", "t"), ("reqid",)),
        {"click_id": ("r", "reqid", "click_id"), "order_id": ("t",), "amount": ("amount", "p", "price")},
        foreign=("o", "a", "c"),
        macros={
            "reqid": "click_id", **_numbered("s"), "tid": "order_id", "leadid": "conversion_id", "affid": "affiliate_id",
            "oid": "program_id", "price": "commission", "campid": "program_id", "utcunixtime": "timestamp",
        },
        link={**_numbered("s"), "a": "", "c": "", "r": ""}, postback_hosts=("/p.ashx",),
    ),
    Network(
        "affise", "Affise", (("action_id",), ("clickid", "secure"), ("clickid", "sum"), ("custom_field1",)),
        {"click_id": ("clickid",), "order_id": ("action_id",), "amount": ("sum",), "event": ("goal",)},
        foreign=("secure",),
        macros={
            "clickid": "click_id", **_numbered("sub", last=8), "status": "status", "sum": "commission",
            "currency": "currency", "goal": "event", "offerid": "program_id", "transactionid": "order_id",
            "geo": "country", "promo_code": "coupon", "pid": "affiliate_id",
        },
        link={**_numbered("sub", last=10), "pid": "", "offer_id": "", "ref_id": "affiliate_click_id", "redirect": "url"},
    ),
    Network(
        "binom", "Binom", (("cnv_id",), ("cnv_status",)),
        {"click_id": ("cnv_id", "clickid"), "amount": ("payout",), "status": ("cnv_status",)},
        macros={"clickid": "click_id"}, postback_hosts=("/click.php",),
    ),
    Network(
        "keitaro", "Keitaro", (("subid", "tid"), ("subid", "sub_id_1"), ("sale_status",), ("subid", "return")),
        {"click_id": ("subid",), "order_id": ("tid",), "amount": ("payout",)},
        foreign=("sale_status", "lead_status", "rejected_status", "ignore_status", "return"),
        macros={"subid": "click_id", "revenue": "commission", "payout": "commission", "tid": "order_id",
                **{f"sub_id_{number}": f"sub{number}" for number in range(1, 11)}},
        link={f"sub_id_{number}": f"sub{number}" for number in range(1, 11)},
    ),
    Network(
        "voluum", "Voluum", (("cid", "txid"), ("cid", "payout"), ("cid", "et")),
        {"click_id": ("cid",), "order_id": ("txid",), "amount": ("payout",), "event": ("et",)},
        macros={"externalid": "affiliate_click_id", "clickid": "click_id", "payout": "commission", "txid": "order_id"},
        link={"externalid": "affiliate_click_id"},
    ),
    Network(
        "impact", "impact.com", (("irclickid",), ("eventtypecode",), ("eventtypeid",), ("orderpromocode",), ("im_ref",)),
        {
            "click_id": ("clickid", "irclickid", "im_ref"), "order_id": ("orderid",), "coupon": ("orderpromocode",),
            "event": ("eventtypecode",), "occurred_at": ("eventdate",),
        },
        foreign=("campaignid", "eventtypeid"),
        macros={"clickid": "click_id", "action_id": "conversion_id", "campaign_id": "program_id", "payout": "commission",
                "status": "status", "subid1": "sub1", "subid2": "sub2", "subid3": "sub3", "sharedid": "source_id"},
        link={"subid1": "sub1", "subid2": "sub2", "subid3": "sub3", "sharedid": "source_id", "u": "url"},
        link_hosts=("sjv.io", "pxf.io"), postback_hosts=("api.impact.com",),
    ),
    Network(
        "pap", "Post Affiliate Pro", (("totalcost",), ("accountid",), ("actioncode",), ("papvisitorid",), ("visitorid",),
                                      ("t", "o", "p"), ("t", "o", "cr"), ("t", "o", "cp"), ("t", "o", "s")),
        {
            "click_id": ("papvisitorid", "visitorid", "click_id"), "order_id": ("orderid", "o"), "amount": ("totalcost", "t"),
            "currency": ("currency", "cr"), "coupon": ("coupon", "cp"), "status": ("status", "s"),
            "event": ("actioncode", "ac"), "affiliate": ("affiliateid", "a"),
        },
        foreign=("campaignid", "bannerid", "channelid", "accountid", "productid"),
        macros={"a_aid": "affiliate_id", **_numbered("data", last=5), "totalcost": "amount", "orderid": "order_id"},
        link={"a_aid": "", "a_bid": "", "chan": "source_id", **_numbered("data", last=5)},
        postback_hosts=("/sale.php",),
    ),
    Network(
        "tapfiliate", "Tapfiliate", (("external_id",), ("referral_code",)),
        {"order_id": ("external_id",), "affiliate": ("referral_code",)},
        link={"ref": "", "tap_s": "source_id"}, postback_hosts=("api.tapfiliate.com",),
    ),
    Network(
        "tradedoubler", "TradeDoubler", (("tduid",),), {"click_id": ("tduid",)},
        link={"epi": "sub1", "epi2": "sub2", "url": "url", "p": "", "a": ""}, link_hosts=("clk.tradedoubler.com",),
    ),
    Network(
        "rakuten", "Rakuten", (("ransiteid",),), {"click_id": ("ransiteid",)},
        link={"u1": "sub1", "murl": "url", "u": "url", "id": "", "mid": ""}, link_hosts=("click.linksynergy.com",),
    ),
    Network(
        "scaleo", "Scaleo", (("aff_click_id",),), {},
        macros={"aff_click_id": "affiliate_click_id", **_numbered("sub_id")},
        link={"aff_click_id": "affiliate_click_id", **_numbered("sub_id"), "deep_link": "url", "o": "", "a": "",
              **{f"aff_param{number}": f"sub{number + 5}" for number in range(1, 6)}},
    ),
)  # fmt: skip

_BY_NAME: Mapping[str, str] = MappingProxyType({name: ours for ours, names in ALIASES.items() for name in names})

#: A purchase by the names other networks give it; other events keep their names.
_PURCHASES = frozenset({"purchase", "order", "conversion", "base", "default", "sale", "0", "1"})

_CUSTOMER_STATUSES = {
    "new": "new", "return": "returning", "returning": "returning", "existing": "returning", "repeat": "returning",
    "lapsed": "lapsed",
}  # fmt: skip

_ITEM = re.compile(
    r"(?P<what>item|amt|qty|dcnt|itemsku|itemcategory|itemquantity|itemsubtotal|itemdiscount)\[?(?P<number>\d{1,3})\]?"
)
_PLAIN_NUMBER = re.compile(r"\d{1,12}(\.\d{1,6})?", re.ASCII)


@dataclass(slots=True)
class Reading:
    """A postback in our own words: `fields` by our names, `names` says under which name each came."""

    network: Network | None
    fields: dict[str, str]
    names: dict[str, str]
    items: list[dict[str, Any]]
    ignored: tuple[str, ...]
    #: Names of one field that came with different values where neither can be preferred.
    doubled: tuple[str, ...] = ()


def network_of(names: frozenset[str]) -> Network | None:
    """The network whose sender uses these parameter names (lower case), or None."""
    for network in NETWORKS:
        if any(all(name in names for name in mark) for mark in network.marks):
            return network
    return None


def read_dialect(values: Mapping[str, str]) -> Reading:
    """Say a postback's parameters in our own names. Values are handed on unchanged."""
    given: dict[str, tuple[str, str]] = {}
    doubled: list[str] = []
    for name, value in values.items():
        known = given.setdefault(name.lower(), (name, value))
        if known[1] != value:
            doubled.append(name)
    filled = frozenset(name for name, (_, value) in given.items() if value.strip())
    network = network_of(filled)
    fields: dict[str, str] = {}
    names: dict[str, str] = {}
    used: set[str] = set()
    for ours in ALIASES:
        called = _names_for(ours, network, filled)
        chosen = next((name for name in called if name in filled), "")
        if chosen:
            names[ours], fields[ours] = given[chosen]
            # An alias that says the same as the one chosen was understood too.
            used |= {name for name in called if name in given and given[name][1].strip() == fields[ours].strip()} | {
                chosen
            }
        used |= {name for name in called if name in given and not given[name][1].strip()}
    clicks = {given[name][1].strip() for name in _names_for("click_id", network, filled) if name in filled}
    if len(clicks) > 1:
        doubled.append("click_id")
    items, of_items = _items_of(given, fields.get("parts", ""))
    ignored = tuple(name for low, (name, _) in given.items() if low not in used and low not in of_items)
    return Reading(network, fields, names, items, ignored, tuple(doubled))


def _names_for(ours: str, network: Network | None, filled: frozenset[str]) -> Names:
    """The names that mean one of our fields in this postback, the most telling first; ours always does."""
    special = network.postback.get(ours, ()) if network else ()
    taken = {
        name
        for field_, names in (network.postback.items() if network else ())
        if field_ != ours
        for name in names
    } | set(network.foreign if network else ())  # fmt: skip
    general = [name for name in ALIASES[ours] if name == ours or name not in taken]
    if ours == "click_id" and special:
        # Where a network has a name of its own for the click, the weak names are not the click.
        general = [name for name in general if name not in WEAK_CLICK_ALIASES or name in special]
    if ours == "click_id" and not special and _is_order(filled):
        general = [name for name in general if name not in WEAK_CLICK_ALIASES]
    if ours == "order_id" and _is_order(filled):
        general += [name for name in WEAK_CLICK_ALIASES if name not in taken]
    return tuple(dict.fromkeys((*((ours,) if ours in ALIASES[ours] else ()), *special, *general)))


def _is_order(filled: frozenset[str]) -> bool:
    """Whether a weak name must mean the order: a strong name for the click is there, and no name of the order is."""
    strong = [name for name in CLICK_ALIASES if name not in WEAK_CLICK_ALIASES and name in filled]
    return bool(strong) and not any(name in filled for name in ALIASES["order_id"])


def event_of(text: str) -> str:
    """Our event for what another network calls it; other names than those of a purchase stay as they are."""
    return "sale" if text.strip().lower() in _PURCHASES else text.strip().lower()


def customer_status_of(text: str) -> str:
    """new, returning or lapsed, from other networks' words; unknown words stay as they are."""
    return _CUSTOMER_STATUSES.get(text.strip().lower(), text.strip().lower())


def total_of(reading: Reading) -> str:
    """The order's amount where only its items tell it: the sum of their amounts less the discount; empty when unknown."""
    amounts = [_decimal(str(item["amount"])) for item in reading.items if item.get("amount") is not None]
    if not amounts or None in amounts or len(amounts) < len(reading.items):
        return ""
    total = sum((amount for amount in amounts if amount is not None), Decimal(0))
    discount = _decimal(reading.fields.get("discount", ""))
    if discount is not None and reading.network is not None and reading.network.code in {"cj", "impact"}:
        total -= discount
    return str(max(total, Decimal(0) * total))


def _items_of(given: Mapping[str, tuple[str, str]], parts: str) -> tuple[list[dict[str, Any]], set[str]]:
    """The order's lines: Awin's `GROUP:amount|…`, CJ's ITEMn AMTn QTYn DCNTn, impact's ItemSku[n] and so on."""
    if parts:
        lines = [part.rpartition(":") for part in parts.split("|") if part.strip()]
        return [{"sku": "", "category": group, "quantity": 1, "amount": amount} for group, _, amount in lines], set()
    rows: dict[int, dict[str, str]] = {}
    used = set()
    for name, (_, value) in given.items():
        found = _ITEM.fullmatch(name)
        if found and value.strip():
            rows.setdefault(int(found["number"]), {})[found["what"]] = value.strip()
            used.add(name)
    return [_item(rows[number]) for number in sorted(rows)], used


def _item(row: Mapping[str, str]) -> dict[str, Any]:
    quantity = row.get("qty") or row.get("itemquantity") or "1"
    amount: str | None = row.get("itemsubtotal")
    if amount is None and "amt" in row:
        # CJ's AMTn is the price of one piece; DCNTn is taken from the line.
        each, off = _decimal(row["amt"]), _decimal(row.get("dcnt", "0"))
        pieces = int(quantity) if quantity.isascii() and quantity.isdecimal() else 1
        amount = row["amt"] if each is None or off is None else str(each * pieces - off)
    return {
        "sku": row.get("item") or row.get("itemsku") or "",
        "category": row.get("itemcategory", ""),
        "quantity": int(quantity) if quantity.isascii() and quantity.isdecimal() and len(quantity) < 8 else quantity,
        "amount": amount,
    }


def _decimal(text: str) -> Decimal | None:
    try:
        return Decimal(text.strip()) if _PLAIN_NUMBER.fullmatch(text.strip()) else None
    except InvalidOperation:
        return None
