"""What is added to a page's address on the way: UTM parameters and the shop's own mark (feature B14).

A program has a template, `{"utm_source": "{affiliate}", "utm_medium": "affiliate", "source": "aw"}`;
a link may say its own `utm_…` values instead ("" leaves one out), never the shop's other marks. What
stands in the address already is never overridden. Pure: the click door uses it on every click.
"""

import re
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import quote, unquote_plus

from ledger.errors import Refusal
from tracking.destinations import CLICK_ID_LENGTH, CLICK_ID_PARAMETER, LONGEST_ADDRESS, Destination
from tracking.parameters import SUB_IDS

MOST_PARAMETERS = 20
LONGEST_VALUE = 200
UTM_NAMES = ("utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content", "utm_id")
#: Known when the link is made.
LINK_MACROS = ("affiliate", "program", "link")
#: Known when somebody clicks.
CLICK_MACROS = (*SUB_IDS, "source_id", "affiliate_click_id")

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,39}")
_MACRO = re.compile(r"\{([^{}]*)\}")
_UNSEEN = re.compile("[\x00-\x1f\x7f]")


class UtmRefused(Refusal):
    """A parameter cannot be kept; `field` is its path, such as `utm.utm_source`. Code: utm_invalid."""

    code = "utm_invalid"


class _Part(NamedTuple):
    """A value split at its macros: texts and macro names in turn, a text first."""

    name: str
    pieces: tuple[str, ...]


class Utm:
    """A link's parameters, ready to append. Immutable, safe to share between threads."""

    __slots__ = ("_parts", "needs_parameters")

    def __init__(self, parts: tuple[_Part, ...]) -> None:
        self._parts = parts
        #: Whether a click's own parameters are asked for; if not, the answer is the same for every click.
        self.needs_parameters = any(len(part.pieces) > 1 for part in parts)

    def apply(self, destination: Destination, params: Mapping[str, object] | None = None) -> Destination:
        """The destination with the parameters it does not have yet; too long an address stays as it was.

        `params` is what `read_parameters` made of the click's query. A parameter whose value comes
        out empty is left out.
        """
        head, mark, query = destination.before.partition("?")
        fields = [field for field in query.split("&") if field != f"{CLICK_ID_PARAMETER}="] if mark else []
        taken = {unquote_plus(field.partition("=")[0]) for field in fields}
        added = [
            f"{quote(part.name, safe='')}={quote(value, safe='')}"
            for part in self._parts
            if part.name not in taken and (value := _filled(part.pieces, params or {}))
        ]
        if not added:
            return destination
        kept = "&".join([*fields, *added])
        before = f"{head}?{kept}&{CLICK_ID_PARAMETER}="
        if len(before) + CLICK_ID_LENGTH + len(destination.after) > LONGEST_ADDRESS:
            return destination
        return Destination(
            url=f"{head}?{kept}{destination.after}", host=destination.host, before=before, after=destination.after
        )


def compile_utm(
    template: Mapping[str, str] | None, own: Mapping[str, str] | None = None, *, affiliate: str, program: str, link: str
) -> Utm | None:
    """The program's template and the link's own values made one; None when nothing is to be added.

    `affiliate` is the public id, `program` the slug, `link` the code: what the macros of these
    names stand for.
    """
    values = merged(template or {}, own or {})
    known = {"affiliate": affiliate, "program": program, "link": link}
    parts = []
    for name, value in values.items():
        if not isinstance(value, str) or not value:
            continue
        pieces = [""]
        for number, piece in enumerate(_MACRO.split(value)):
            if number % 2 == 0:
                pieces[-1] += piece
            elif piece in known:
                pieces[-1] += known[piece]
            elif piece in CLICK_MACROS:
                pieces += [piece, ""]
            else:
                pieces[-1] += f"{{{piece}}}"
        parts.append(_Part(name, tuple(pieces)))
    return Utm(tuple(parts)) if parts else None


def merged(template: Mapping[str, str], own: Mapping[str, str]) -> dict[str, str]:
    """The template with a link's own `utm_…` values in it; an empty one takes the parameter out."""
    values = {**template, **{name: value for name, value in own.items() if name in UTM_NAMES}}
    return {name: value for name, value in values.items() if value}


def read_utm(value: object, *, field: str = "utm", names: tuple[str, ...] | None = None) -> dict[str, str]:
    """Parameters somebody wrote, checked. Raises UtmRefused with the path of what is wrong.

    `names` restricts what may be set (a link's own: UTM_NAMES); None lets the shop choose any.
    """
    if not isinstance(value, Mapping):
        raise UtmRefused("Parameters are an object of names and values.", field=field)
    if len(value) > MOST_PARAMETERS:
        raise UtmRefused(f"At most {MOST_PARAMETERS} parameters.", field=field)
    found: dict[str, str] = {}
    for name, text in value.items():
        path = f"{field}.{str(name)[:40]}"
        if not isinstance(name, str) or not _NAME.fullmatch(name) or name == CLICK_ID_PARAMETER:
            raise UtmRefused("A parameter's name is a letter, then letters, digits, - _ or . (40 at most).", field=path)
        if names is not None and name not in names:
            raise UtmRefused(f"Only {', '.join(names)} can be set here.", field=path)
        if not isinstance(text, str) or len(text) > LONGEST_VALUE or _UNSEEN.search(text):
            raise UtmRefused(f"A value is a text of at most {LONGEST_VALUE} characters.", field=path)
        for macro in _MACRO.findall(text):
            if macro not in LINK_MACROS and macro not in CLICK_MACROS:
                raise UtmRefused(
                    f"{{{macro[:40]}}} is no macro. Use {{affiliate}}, {{program}}, {{link}}, "
                    "{sub1} to {sub10}, {source_id} or {affiliate_click_id}.",
                    field=path,
                )
        found[name] = text.strip()
    return found


def _filled(pieces: tuple[str, ...], params: Mapping[str, object]) -> str:
    if len(pieces) == 1:
        return pieces[0]
    return "".join(
        piece if number % 2 == 0 else str(params.get(piece) or "") for number, piece in enumerate(pieces)
    ).strip()
