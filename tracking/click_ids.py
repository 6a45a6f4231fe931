"""Click ids: UUIDv7 inside, `clk_` and 26 base32 signs outside.

The millisecond of the click is all that an id tells; the other 74 bits are random, so that
nobody can guess one (fault 31) and no two doors have to agree on anything.
"""

import os
import time
from datetime import UTC, datetime
from uuid import UUID

from ledger.base32 import PAIRS, decode

PREFIX = "clk_"

_VERSION_AND_VARIANT = 0x7 << 76 | 0b10 << 62
_RANDOM_BITS = (1 << 80) - 1 - (0xF << 76) - (0b11 << 62)
_POOL_BYTES = 10 * 400


class TimedIds:
    """Makes UUIDv7 in 26 base32 signs quickly, after a prefix. Belongs to one thread: its pool of
    random bytes is not locked.
    """

    __slots__ = ("_at", "_head", "_next", "_pool", "_prefix")

    def __init__(self, prefix: str = PREFIX) -> None:
        self._prefix = prefix
        self._pool = b""
        self._next = 0
        self._at = -1
        self._head = ""

    def new(self, milliseconds: int | None = None) -> str:
        """A fresh id for this millisecond since 1970, now when None."""
        if milliseconds is None:
            milliseconds = time.time_ns() // 1_000_000
        if milliseconds != self._at:
            self._at = milliseconds
            self._head = self._prefix + _ten_signs(milliseconds)
        start = self._next
        if start >= len(self._pool):
            self._pool = os.urandom(_POOL_BYTES)
            start = 0
        self._next = start + 10
        tail = int.from_bytes(self._pool[start : start + 10]) & _RANDOM_BITS | _VERSION_AND_VARIANT
        return (
            f"{self._head}{PAIRS[tail >> 70]}{PAIRS[tail >> 60 & 1023]}{PAIRS[tail >> 50 & 1023]}"
            f"{PAIRS[tail >> 40 & 1023]}{PAIRS[tail >> 30 & 1023]}{PAIRS[tail >> 20 & 1023]}"
            f"{PAIRS[tail >> 10 & 1023]}{PAIRS[tail & 1023]}"
        )


def _ten_signs(milliseconds: int) -> str:
    """The 48 bits of a time, padded to 50, in base32."""
    return "".join([PAIRS[(milliseconds >> shift) & 1023] for shift in (40, 30, 20, 10, 0)])


def new_click_id(at: datetime) -> str:
    """A public click id made at an instant, for clicks that are played back with their own dates."""
    return TimedIds().new(round(at.timestamp() * 1000))


def click_key(text: str) -> UUID:
    """The key behind a click id, given as `clk_…`, as its 26 signs or as a plain UUID.

    Raises ValueError when the text is none of these.
    """
    plain = text.strip()
    if len(plain) in {32, 36}:
        return UUID(plain)
    return decode(plain.removeprefix(PREFIX))


def clicked_at_of(key: UUID) -> datetime:
    """The instant a click id was made, to the millisecond. Raises ValueError past the year 9999."""
    return datetime.fromtimestamp((key.int >> 80) / 1000, tz=UTC)


def smallest_key(at: datetime) -> UUID:
    """The smallest key of an instant: clicks at or after it have this key or a larger one."""
    return UUID(int=int(at.timestamp() * 1000) << 80)
