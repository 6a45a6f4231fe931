"""Macros: placeholders in addresses that a system fills in before it calls them.

Three things are done with them: finding those that nobody filled in, saying another network's
address in our own words, and naming what is wrong with an address before anybody sends to it.
Ours are written in curly brackets. Nothing here reads a database or HTTP.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from tracking.dialects import (
    ALIASES,
    CLICK_ALIASES,
    NETWORKS,
    OWN_FIELDS,
    WEAK_CLICK_ALIASES,
    Network,
    network_of,
    read_dialect,
)
from tracking.parameters import ALIASES as LINK_ALIASES
from tracking.parameters import DEEP_LINK_ALIASES, LONGEST_VALUE
from tracking.parameters import OURS as LINK_OURS

#: Our macros for partners' own postbacks.
OWN_MACROS = (
    "click_id", "affiliate_click_id", *(f"sub{number}" for number in range(1, 11)), "source_id", "order_id", "amount",
    "commission", "currency", "event", "status", "reason", "coupon", "country", "program_id", "affiliate_id",
    "conversion_id", "timestamp",
)  # fmt: skip

LONGEST_ADDRESS = 4_000

_MACRO = re.compile(
    r"""!!!(?P<bang>[A-Za-z_][\w.-]*)!!!            # Awin
      | \[\[\s*(?P<double>[A-Za-z_][\w.-]*)\s*\]\]
      | \$?\{\{?\s*(?P<curly>[A-Za-z_][\w.:-]*)\s*\}?\}
      | \#(?P<hash>[A-Za-z_][\w.-]*)\#              # CAKE
      | %%(?P<percent>[A-Za-z_]\w*)%%
      | (?<!\w)__(?P<under>[A-Z][A-Z0-9_]*?)__(?!\w)
    """,
    re.VERBOSE | re.ASCII,
)
_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{32}", re.IGNORECASE)
_SECRETS = frozenset({"security_token", "verification_token", "secure", "token", "api_key", "secret", "password"})


@dataclass(frozen=True, slots=True)
class Macro:
    """A placeholder in a text: as it stands there, its name, and how it is written."""

    text: str
    name: str
    style: str
    start: int


def macros_in(text: str) -> list[Macro]:
    """The placeholders in a text, in order. A GUID in curly brackets is none."""
    found = []
    for match in _MACRO.finditer(text):
        style = match.lastgroup or "curly"
        name = match[style]
        if not _GUID.fullmatch(name):
            found.append(Macro(match[0], name, style, match.start()))
    return found


def unfilled_macro(value: str) -> str:
    """The first placeholder that a sender left in a value, percent-encoded ones too; empty when there is none."""
    for text in (value, unquote(value)) if "%" in value else (value,):
        found = macros_in(text)
        if found:
            return found[0].text
    return ""


class Kind(StrEnum):
    """What an address is for."""

    ORDER = "order"  # a shop's system tells a network of an order
    LINK = "link"  # a partner's tracked link
    PARTNER = "partner"  # a network tells a partner's system of an order


class Finding(StrEnum):
    """What is wrong or worth knowing; worded by the doors."""

    UNREADABLE = "unreadable"
    TOO_LONG = "too_long"
    NOT_HTTPS = "not_https"
    NO_CLICK_ID = "no_click_id"
    NO_ORDER_ID = "no_order_id"
    NO_AMOUNT = "no_amount"
    NO_CURRENCY = "no_currency"
    FIXED_VALUE = "fixed_value"
    DOUBLED = "doubled"
    UNKNOWN_MACRO = "unknown_macro"
    UNKNOWN_PARAMETER = "unknown_parameter"
    SECRET_DROPPED = "secret_dropped"  # noqa: S105 - the name of a finding
    VALUE_TOO_LONG = "value_too_long"
    EMPTY_VALUE = "empty_value"
    ODD_BRACKETS = "odd_brackets"


#: Findings that will make the address fail; the others are to be known.
ERRORS = frozenset(
    {
        Finding.UNREADABLE, Finding.TOO_LONG, Finding.NO_ORDER_ID, Finding.NO_CLICK_ID, Finding.NO_AMOUNT,
        Finding.DOUBLED, Finding.UNKNOWN_MACRO, Finding.VALUE_TOO_LONG, Finding.ODD_BRACKETS,
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a foreign address and what became of it; `ours` is empty when it is not needed here."""

    name: str
    value: str
    ours: str
    our_value: str


@dataclass(frozen=True, slots=True)
class Note:
    """One finding of the linter: about which parameter, and what stands there."""

    finding: Finding
    subject: str = ""
    detail: str = ""

    @property
    def is_error(self) -> bool:
        """Whether the address will not work with it."""
        return self.finding in ERRORS


@dataclass(frozen=True, slots=True)
class Translation:
    """A foreign address in our words."""

    kind: Kind
    network: Network | None
    url: str
    parameters: tuple[Parameter, ...]
    notes: tuple[Note, ...]

    @property
    def is_sound(self) -> bool:
        """Whether nothing in it will fail."""
        return not any(note.is_error for note in self.notes)


def translate(address: str, *, postback_base: str, link_base: str, kind: Kind | None = None) -> Translation:
    """Another network's address as ours, with each parameter explained and everything wrong with it named.

    `postback_base` is our postback's address, `link_base` a tracked link's. Never raises: what cannot be
    read is a finding.
    """
    text = address.strip()
    if len(text) > LONGEST_ADDRESS:
        return Translation(kind or Kind.ORDER, None, "", (), (Note(Finding.TOO_LONG, detail=str(len(text))),))
    try:
        parts = urlsplit(_shielded(text))
        pairs = [(_bare(name), _bare(value)) for name, value in _pairs(parts.query, parts.fragment)]
    except ValueError:
        return Translation(kind or Kind.ORDER, None, "", (), (Note(Finding.UNREADABLE),))
    if parts.scheme.lower() not in {"http", "https"} or not parts.netloc:
        return Translation(kind or Kind.ORDER, None, "", (), (Note(Finding.UNREADABLE),))
    where = _bare(f"{parts.netloc}{parts.path}").lower()
    network = _network_at(where) or network_of(frozenset(name.lower() for name, value in pairs if value))
    kind = kind or _kind_of(where, network, pairs)
    if kind == Kind.PARTNER:
        network = _network_of_macros(pairs) or network
    notes = [] if parts.scheme.lower() == "https" else [Note(Finding.NOT_HTTPS)]
    notes += _lint_values(pairs)
    if kind == Kind.LINK:
        url, rows, more = _as_link(pairs, network, link_base)
    elif kind == Kind.PARTNER:
        url, rows, more = _as_template(text, pairs, network)
    else:
        url, rows, more = _as_postback(pairs, postback_base)
    return Translation(kind, network, url, tuple(rows), tuple(dict.fromkeys([*notes, *more])))


def lint(address: str) -> tuple[Note, ...]:
    """What is wrong with a partner's postback address written in our macros."""
    return translate(address, postback_base="", link_base="", kind=Kind.PARTNER).notes


def own_macro(name: str, network: Network | None = None) -> str:
    """Our macro for another network's, by its name without signs; empty when there is none."""
    low = name.lower()
    if network is not None and low in network.macros:
        return network.macros[low]
    if low in OWN_MACROS:
        return low
    meanings = [one.macros[low] for one in NETWORKS if one.macros.get(low)]
    # Where networks disagree about a name, only its network can tell.
    if meanings and len(set(meanings)) == 1:
        return meanings[0]
    return "click_id" if not meanings and low in CLICK_ALIASES and low not in WEAK_CLICK_ALIASES else ""


def _as_postback(pairs: list[tuple[str, str]], base: str) -> tuple[str, list[Parameter], list[Note]]:
    reading = read_dialect(dict(pairs))
    rows: list[Parameter] = []
    notes: list[Note] = [Note(Finding.DOUBLED, name) for name in reading.doubled]
    ours_of = {theirs: ours for ours, theirs in reading.names.items()}
    ignored = set(reading.ignored)
    query: list[tuple[str, str]] = []
    for name, value in dict(pairs).items():
        ours = ours_of.get(name, "")
        if not ours and not value:
            # An empty parameter still tells which field was meant.
            ours = next((field for field, names in ALIASES.items() if name.lower() in names), "")
            ours = "" if ours in reading.fields else ours
        if name.lower() in _SECRETS or ours in {"key", "sig", "ts"}:
            notes.append(Note(Finding.SECRET_DROPPED, name))
            rows.append(Parameter(name, "…", "", ""))
            continue
        is_line = not ours and name not in ignored and bool(value)
        if not ours and not is_line:
            notes.append(Note(Finding.UNKNOWN_PARAMETER, name))
            rows.append(Parameter(name, value, "", ""))
            continue
        ours = ours or name
        our_value = value or f"{{{ours}}}"
        if not value:
            notes.append(Note(Finding.EMPTY_VALUE, name))
        elif ours in {"click_id", "order_id", "amount"} and not macros_in(value):
            notes.append(Note(Finding.FIXED_VALUE, name, value))
        query.append((ours, our_value))
        rows.append(Parameter(name, value, ours, our_value))
    told = {name for name, _ in query}
    if not {"click_id", "coupon", "affiliate"} & told:
        notes.append(Note(Finding.NO_CLICK_ID))
        query.insert(0, ("click_id", "{click_id}"))
    if "order_id" not in told:
        notes.append(Note(Finding.NO_ORDER_ID))
        query.insert(1, ("order_id", "{order_id}"))
    if "amount" not in told and not reading.items and reading.fields.get("event", "sale") in {"", "sale"}:
        notes.append(Note(Finding.NO_AMOUNT))
        query.append(("amount", "{amount}"))
    if "currency" not in told:
        notes.append(Note(Finding.NO_CURRENCY))
    order = {name: number for number, name in enumerate(OWN_FIELDS)}
    query.sort(key=lambda pair: order.get(pair[0], 90))
    return f"{base}?{_written(query)}&key=sk_live_…", rows, notes


def _as_link(
    pairs: list[tuple[str, str]], network: Network | None, base: str
) -> tuple[str, list[Parameter], list[Note]]:
    rows: list[Parameter] = []
    notes: list[Note] = []
    query: dict[str, str] = {}
    for name, value in pairs:
        low = name.lower()
        if network is not None and low in network.link:
            ours = network.link[low]
        elif name in LINK_OURS or low in {"url", "cons", "gdpr", "gdpr_consent"}:
            ours = low
        else:
            ours = "url" if low in DEEP_LINK_ALIASES and value.startswith("http") else LINK_ALIASES.get(low, "")
        if not ours:
            notes.append(Note(Finding.UNKNOWN_PARAMETER, name))
        elif ours in query and query[ours] != value:
            notes.append(Note(Finding.DOUBLED, ours))
        else:
            query[ours] = value
        rows.append(Parameter(name, value, ours, value if ours else ""))
    text = _written(list(query.items()))
    return f"{base}?{text}" if text else base, rows, notes


def _as_template(
    text: str, pairs: list[tuple[str, str]], network: Network | None
) -> tuple[str, list[Parameter], list[Note]]:
    """A partner's postback: its own parameter names stay, the macros in it become ours."""
    notes: list[Note] = []
    pieces, done = [], 0
    source = unquote(text) if "{" not in text and "%7b" in text.lower() else text
    for macro in macros_in(source):
        ours = own_macro(macro.name, network)
        if not ours:
            notes.append(Note(Finding.UNKNOWN_MACRO, macro.text))
        pieces += [source[done : macro.start], f"{{{ours}}}" if ours else macro.text]
        done = macro.start + len(macro.text)
    url = "".join([*pieces, source[done:]])
    rows = []
    for name, value in pairs:
        our_value = value
        for macro in macros_in(value):
            ours = own_macro(macro.name, network)
            our_value = our_value.replace(macro.text, f"{{{ours}}}" if ours else macro.text)
        rows.append(Parameter(name, value, name, our_value))
    if not any(
        macro.name in {"click_id", "affiliate_click_id"} or macro.name.startswith("sub") for macro in macros_in(url)
    ):
        notes.append(Note(Finding.NO_CLICK_ID))
    return url, rows, notes


def _lint_values(pairs: list[tuple[str, str]]) -> list[Note]:
    notes = []
    seen: dict[str, str] = {}
    for name, value in pairs:
        if seen.setdefault(name, value) != value:
            notes.append(Note(Finding.DOUBLED, name))
        if len(value) > LONGEST_VALUE and name.lower() not in {"url", "parts", *DEEP_LINK_ALIASES}:
            notes.append(Note(Finding.VALUE_TOO_LONG, name, str(len(value))))
        rest = value
        for macro in macros_in(value):
            rest = rest.replace(macro.text, "")
        if any(sign in rest for sign in "{}") and not _GUID.search(rest):
            notes.append(Note(Finding.ODD_BRACKETS, name, value[:60]))
    return notes


def _network_at(where: str) -> Network | None:
    for network in NETWORKS:
        if any(part in where for part in (*network.link_hosts, *network.postback_hosts)):
            return network
    return None


def _network_of_macros(pairs: list[tuple[str, str]]) -> Network | None:
    """The network whose macros these are: the one that knows the most of them."""
    named = {macro.name.lower() for _, value in pairs for macro in macros_in(value)}
    known = [(len(named & network.macros.keys()), -number, network) for number, network in enumerate(NETWORKS)]
    count, _, network = max(known, key=lambda one: one[:2])
    return network if count else None


def _kind_of(where: str, network: Network | None, pairs: list[tuple[str, str]]) -> Kind:
    if network is not None:
        if any(part in where for part in network.link_hosts):
            return Kind.LINK
        if any(part in where for part in network.postback_hosts):
            return Kind.ORDER
    fields = read_dialect(dict(pairs)).fields
    named = {macro.name.lower() for _, value in pairs for macro in macros_in(value)}
    subs = {own_macro(name, network) for name in named}
    if any(ours == "affiliate_click_id" or ours.startswith("sub") for ours in subs):
        return Kind.PARTNER
    if "order_id" in fields or "amount" in fields or "postback" in where:
        return Kind.ORDER
    return Kind.LINK if pairs and not named else Kind.ORDER


def _shielded(text: str) -> str:
    """An address whose macros cannot be taken for its own signs: `#reqid#` is no fragment."""
    done, pieces = 0, []
    for macro in macros_in(text):
        if macro.style not in {"hash", "double"}:
            continue
        pieces += [text[done : macro.start], quote(macro.text, safe="")]
        done = macro.start + len(macro.text)
    return "".join([*pieces, text[done:]])


def _bare(text: str) -> str:
    return text.replace("\x00", "")


def _pairs(query: str, fragment: str) -> list[tuple[str, str]]:
    found = parse_qsl(query, keep_blank_values=True, max_num_fields=100)
    if not found and "=" in fragment:
        found = parse_qsl(fragment.partition("?")[2] or fragment, keep_blank_values=True, max_num_fields=100)
    return found


def _written(pairs: list[tuple[str, str]]) -> str:
    """A query in which macros stand as they are."""
    return "&".join(f"{quote(name, safe='[]')}={_quoted(value)}" for name, value in pairs)


def _quoted(value: str) -> str:
    done, pieces = 0, []
    for macro in macros_in(value):
        pieces += [quote(value[done : macro.start], safe=":/"), macro.text]
        done = macro.start + len(macro.text)
    return "".join([*pieces, quote(value[done:], safe=":/")])
