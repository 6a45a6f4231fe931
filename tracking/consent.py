"""What a visitor agreed to, read off a click's parameters and headers (feature C15). Pure.

Four signals: `cons=1|0`; the IAB's `gdpr` and `gdpr_consent` (TCF, version 2; its first purpose is
"store and access information on a device"); `gpc=1` and the header `Sec-GPC: 1` (Global Privacy
Control). The strictest of what was said decides. When nothing was said the program decides.
"""

import base64
import binascii
import re
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from tracking.parameters import Unreadable, decoded

GRANTED, DENIED, UNKNOWN, NOT_NEEDED = "granted", "denied", "unknown", "not_needed"

_YES = frozenset({"1", "true", "yes", "y", "granted"})
_NO = frozenset({"0", "false", "no", "n", "denied"})
_TCF_VERSION = 2
# Bits of a TCF string before the purposes: version, created, updated, CMP and its version, screen,
# language, vendor list, policy, two flags, special features.
_BITS_BEFORE_PURPOSES = 6 + 36 + 36 + 12 + 12 + 6 + 12 + 12 + 6 + 1 + 1 + 12
_PURPOSES = 24
_LONGEST_STRING = 10_000
_FIELDS = re.compile(r"(?:^|&)(cons|gdpr|gdpr_consent|gpc)=([^&]*)")


class Consent(NamedTuple):
    """The state, one of GRANTED, DENIED, UNKNOWN, NOT_NEEDED, and what could not be understood."""

    state: str
    problem: str = ""


_REFUSED = Consent(DENIED)
_NOTHING_SAID = {True: Consent(UNKNOWN), False: Consent(NOT_NEEDED)}


def allows_cookies(state: str) -> bool:
    """Whether something may be kept on the visitor's device."""
    return state in (GRANTED, NOT_NEEDED)


def read_consent(query: str, sec_gpc: str | None, *, is_required: bool) -> Consent:
    """The consent of one request; `query` is still percent-encoded.

    Nothing said: UNKNOWN where the program requires consent, else NOT_NEEDED. What cannot be
    understood never grants anything.
    """
    if sec_gpc == "1":
        return _REFUSED
    fields = _FIELDS.findall(query) if "cons" in query or "gdpr" in query or "gpc" in query else None
    if not fields:
        return _NOTHING_SAID[is_required]
    return _consent_of(tuple(fields), is_required)


@lru_cache(maxsize=2_000)
def _consent_of(fields: tuple[tuple[str, str], ...], is_required: bool) -> Consent:
    """The consent that these parameters say; most clicks say one of a few things."""
    said = _said(fields)
    if said.get("gpc", "").strip().lower() in _YES:
        return Consent(DENIED)
    states, problem = [], ""
    if "cons" in said:
        state = _yes_or_no(said["cons"])
        states.append(state)
        problem = "cons:unreadable" if state == UNKNOWN else ""
    tcf = _tcf(said)
    if tcf is not None:
        states.append(tcf.state)
        problem = problem or tcf.problem
    for state in (DENIED, UNKNOWN, GRANTED, NOT_NEEDED):
        if state in states:
            return Consent(state, problem)
    return Consent(UNKNOWN if is_required else NOT_NEEDED, problem)


def device_storage_allowed(text: str) -> bool:
    """Whether a TCF string allows its first purpose. Raises ValueError when it is no TCF 2 string."""
    core = text.partition(".")[0]
    try:
        content = base64.b64decode(core + "=" * (-len(core) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError("no base64") from error
    bits = len(content) * 8
    if bits < _BITS_BEFORE_PURPOSES + _PURPOSES or content[0] >> 2 != _TCF_VERSION:
        raise ValueError("no TCF 2 string")
    index = _BITS_BEFORE_PURPOSES
    return bool(content[index // 8] >> (7 - index % 8) & 1)


def _said(fields: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The consent parameters as text, the first of each name."""
    said: dict[str, str] = {}
    for name, value in fields:
        if name not in said:
            try:
                said[name] = decoded(value)
            except Unreadable:
                said[name] = "?"
    return said


def _yes_or_no(text: str) -> str:
    text = text.strip().lower()
    if text in _YES:
        return GRANTED
    return DENIED if text in _NO else UNKNOWN


def _tcf(said: dict[str, str]) -> Consent | None:
    """What `gdpr` and `gdpr_consent` say together; None when they say nothing."""
    applies, text = said.get("gdpr", "").strip(), said.get("gdpr_consent", "").strip()
    if applies == "0":
        return Consent(NOT_NEEDED)
    if not applies and not text:
        return None
    # A macro that nobody filled in is no consent: gdpr_consent=${GDPR_CONSENT_123}.
    if not text or "$" in text or "{" in text:
        return Consent(UNKNOWN)
    try:
        allowed = len(text) <= _LONGEST_STRING and device_storage_allowed(text)
    except ValueError:
        return Consent(UNKNOWN, "gdpr_consent:unreadable")
    return Consent(GRANTED if allowed else DENIED)
