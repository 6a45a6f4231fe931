"""What a tracked link's query says: our own parameters, and the names other networks use.

Nothing is cut silently: a value that cannot be kept is left out and named in `problems`
as `parameter:code`, so that its sender can find out.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import quote, unquote_to_bytes

LONGEST_VALUE = 255
LONGEST_QUERY = 8_000
MOST_FIELDS = 100
DEEP_LINK = "url"
SUB_IDS = tuple(f"sub{number}" for number in range(1, 11))
#: The banner, text link or deal that was followed (tracking/models/creative.py), by its id.
CREATIVE = "creative"
OURS = frozenset({*SUB_IDS, "source_id", "affiliate_click_id", CREATIVE})

# Lower-case foreign name -> ours (TUNE, CAKE, Awin, impact, Scaleo, Affise, CJ, Rakuten,
# ShareASale, TradeDoubler, eBay, ClickBank, Skimlinks, Amazon, Partnerize, Keitaro, Voluum, PAP).
ALIASES = {
    **{f"aff_sub{number}": f"sub{number}" for number in range(1, 6)},
    **{f"s{number}": f"sub{number}" for number in range(1, 6)},
    **{f"clickref{number}": f"sub{number}" for number in range(2, 7)},
    **{f"subid{number}": f"sub{number}" for number in range(1, 11)},
    **{f"sub_id{number}": f"sub{number}" for number in range(1, 11)},
    **{f"sub_id_{number}": f"sub{number}" for number in range(1, 11)},
    **{f"aff_param{number}": f"sub{number + 5}" for number in range(1, 6)},
    **{f"data{number}": f"sub{number}" for number in range(1, 6)},
    **dict.fromkeys(
        ("aff_sub", "clickref", "subid", "sub_id", "sid", "u1", "afftrack", "epi", "customid"),
        "sub1",
    ),
    **dict.fromkeys(("tid", "xcust", "ascsubtag", "pubref"), "sub1"),
    "epi2": "sub2",
    **dict.fromkeys(("source", "sharedid", "chan"), "source_id"),
    **dict.fromkeys(("aff_click_id", "externalid", "ref_id"), "affiliate_click_id"),
}
# Ad networks' own click ids, kept because a program may forbid paid search on its brand.
AD_CLICK_IDS = frozenset({"gclid", "wbraid", "gbraid", "msclkid", "fbclid", "ttclid", "twclid", "yclid"})
# Where another network's links carry the page to go to.
DEEP_LINK_ALIASES = frozenset({"ued", "murl", "u", "deep_link", "redirect", "mpre", "wgtarget", "urllink"})

_UNKEEPABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff]")
_WEB_ADDRESS = re.compile(r"https?:", re.IGNORECASE)


class Unreadable(ValueError):
    """A value that cannot be kept as it came; the message is the problem's code."""


def fields_of(query: str) -> list[tuple[str, str]]:
    """The query's names and values, still percent-encoded, at most MOST_FIELDS of them."""
    fields = []
    for field in query.split("&", MOST_FIELDS)[:MOST_FIELDS]:
        name, _, value = field.partition("=")
        if name:
            fields.append((name, value))
    return fields


def decoded(text: str) -> str:
    """A query value as text. Raises Unreadable: not_utf8, control_character."""
    if "%" in text or "+" in text or not text.isascii():
        try:
            text = unquote_to_bytes(text.replace("+", " ")).decode()
        except UnicodeError:
            raise Unreadable("not_utf8") from None
    if _UNKEEPABLE.search(text):
        raise Unreadable("control_character")
    return text


def deep_link_of(query: str) -> str | None:
    """The page a link asks for, or None. `url` speaks first, then the foreign names.

    What cannot be read is returned as it stands and will be refused as a destination.
    """
    foreign = None
    for name, value in fields_of(query):
        if name != DEEP_LINK and name not in DEEP_LINK_ALIASES:
            continue
        try:
            address = decoded(value)
        except Unreadable:
            address = value
        if name == DEEP_LINK:
            return address
        # `u` and `redirect` mean many things; only a web address is taken for a destination.
        if foreign is None and _WEB_ADDRESS.match(address):
            foreign = address
    return foreign


def preset_fields(presets: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """A link's own parameters as (name, field of a query); what is no parameter of ours is left out."""
    return tuple(
        (name, f"{name}={quote(value, safe='')}")
        for name, value in presets.items()
        if name in OURS and isinstance(value, str) and value
    )


def with_presets(query: str, presets: Sequence[tuple[str, str]]) -> str:
    """The query with those of a link's own parameters that it does not say, under whatever network's name.

    What the address carries always goes before; an empty value says nothing.
    """
    if not presets:
        return query
    said = read_parameters(query) if query else {}
    # In front, where the limit on a query's fields does not cut them off.
    fields = [field for name, field in presets if name not in said]
    return "&".join([*fields, query] if query else fields)


def read_parameters(query: str, problems: Iterable[str] = ()) -> dict[str, Any]:
    """The `params` of a click: sub1…sub10, source_id, affiliate_click_id, `foreign` with the
    names as they came, and `problems`. Keys without a value are absent.
    """
    params: dict[str, Any] = {}
    foreign: dict[str, str] = {}
    borrowed: dict[str, str] = {}
    noted = list(problems)
    if query.count("&") >= MOST_FIELDS:
        noted.append("query:too_many_fields")
    for name, value in fields_of(query):
        if not value:
            continue
        known = name if name in OURS else ALIASES.get(name.lower())
        if known is None and name.lower() not in AD_CLICK_IDS:
            continue
        try:
            text = decoded(value)
            if len(text) > LONGEST_VALUE:
                raise Unreadable("too_long")  # noqa: TRY301
        except Unreadable as problem:
            noted.append(f"{name[:40]}:{problem}")
            continue
        if known == name:
            params.setdefault(known, text)
            continue
        foreign.setdefault(name, text)
        if known is not None:
            borrowed.setdefault(known, text)
    # Our own names win over foreign ones, wherever they stand.
    params = {**borrowed, **params}
    if foreign:
        params["foreign"] = foreign
    if noted:
        params["problems"] = noted
    return params
