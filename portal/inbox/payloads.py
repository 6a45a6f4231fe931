"""A kept request as people read it: JSON laid out without changing a character of its values, anything else as text."""

import re
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

if TYPE_CHECKING:
    # For annotations only: doors hold verbs, never nouns.
    from tracking.models import InboxRequest

_LONGEST = 20_000

#: A text, a sign of JSON, blanks, or anything else up to one of these.
_PIECE = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|\s+|[^\s"{}\[\],:]+|"', re.DOTALL)


def shown_payload(request: "InboxRequest") -> str:
    """The body of a request, cut where it gets too long for a page."""
    text = bytes(request.body).decode("utf-8", "backslashreplace")
    if text.lstrip()[:1] in {"{", "["}:
        text = lay_out(text)
    elif request.door == "postback":
        text = text.replace("&", "\n&")
    text = "".join(sign if sign >= " " or sign in "\n\t" else "\N{REPLACEMENT CHARACTER}" for sign in text)
    if len(text) <= _LONGEST:
        return text
    return f"{text[:_LONGEST]}\n" + _("… and %(count)s more characters") % {"count": len(text) - _LONGEST}


def lay_out(text: str) -> str:
    """JSON with one member a line; what is no JSON keeps its words, and loses nothing but blanks between them."""
    lines: list[str] = []
    depth = 0
    for piece in _PIECE.findall(text):
        if piece.isspace():
            continue
        if piece in "}]":
            depth = max(0, depth - 1)
            lines.append(f"\n{'  ' * min(depth, 20)}{piece}")
        elif piece in "{[":
            depth += 1
            lines.append(f"{piece}\n{'  ' * min(depth, 20)}")
        elif piece == ",":
            lines.append(f",\n{'  ' * min(depth, 20)}")
        else:
            lines.append(": " if piece == ":" else piece)
    laid = "".join(lines)
    return re.sub(r"([{\[])\n\s*\n?\s*([}\]])", r"\1\2", laid)
