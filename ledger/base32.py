"""UUIDs as 26 Crockford base32 signs, lower case: the part of a public id after its prefix.

Pure and quick, because the click door writes one with every redirect. The alphabet has
no i, l, o and u; on the way in, what a person misreads is put right (I and L are 1, O is 0).
"""

from uuid import UUID

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
LENGTH = 26

# Two signs at a time: ten bits of the number index this table.
PAIRS = tuple(high + low for high in ALPHABET for low in ALPHABET)

# int() reads base 32 with the digits 0-9a-v, so Crockford's signs are moved onto those.
_DIGITS = "0123456789abcdefghijklmnopqrstuv"
_READ = str.maketrans(ALPHABET + ALPHABET[10:].upper() + "iIlLoO", _DIGITS + _DIGITS[10:] + "111100")
_SIGNS = frozenset(ALPHABET + ALPHABET[10:].upper() + "iIlLoO")


def encode(key: UUID) -> str:
    """The 26 signs of a UUID; texts sort as the UUIDs do."""
    number = key.int
    return "".join([PAIRS[(number >> shift) & 1023] for shift in range(120, -1, -10)])


def decode(text: str) -> UUID:
    """The UUID that 26 signs stand for, in either case. Raises ValueError for any other text."""
    return UUID(int=number_of(text))


def number_of(text: str) -> int:
    """The 128 bits that 26 signs stand for, in either case. Raises ValueError for any other text."""
    if len(text) != LENGTH or not _SIGNS.issuperset(text):
        raise ValueError(f"{text[:40]!r} is not {LENGTH} base32 signs")
    number = int(text.translate(_READ), 32)
    if number >> 128:
        raise ValueError(f"{text!r} is larger than any id")
    return number
