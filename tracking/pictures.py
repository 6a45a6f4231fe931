"""Pictures told by their content: kind and size from the first bytes, never from a name or a sender's word.

PNG: ISO/IEC 15948 §11.2.2; GIF89a §18; JPEG: ITU-T T.81 B.2.2; WebP: RFC 9649 §2.5–2.7. SVG is none of
these: it can hold script, so that nothing of its kind is taken.
"""

from dataclasses import dataclass

from tracking.errors import CreativeRefused

LARGEST = 1024 * 1024
#: Longest side in pixels.
LONGEST_SIDE = 4_000

#: The ending of a file of each kind.
SUFFIXES = {"image/png": "png", "image/jpeg": "jpg", "image/gif": "gif", "image/webp": "webp"}

# Start-of-frame marks of JPEG; C4, C8 and CC in this range are others.
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


@dataclass(frozen=True, slots=True)
class Picture:
    """What a picture is, and its content."""

    content_type: str
    width: int
    height: int
    content: bytes


def read_picture(content: bytes) -> Picture:
    """A picture that may be served. Raises CreativeRefused: picture_too_large, picture_kind, picture_size."""
    if len(content) > LARGEST:
        raise CreativeRefused("The picture is larger than 1 MB.", code="picture_too_large", field="picture")
    found = _kind_and_size(content)
    if found is None:
        raise CreativeRefused(
            "This is no picture that sites can show. Add a PNG, JPEG, GIF or WebP.",
            code="picture_kind", field="picture",
        )  # fmt: skip
    content_type, width, height = found
    if not (0 < width <= LONGEST_SIDE and 0 < height <= LONGEST_SIDE):
        raise CreativeRefused(
            f"A picture is 1 to {LONGEST_SIDE} pixels wide and high.", code="picture_size", field="picture"
        )
    return Picture(content_type, width, height, content)


def _kind_and_size(content: bytes) -> tuple[str, int, int] | None:
    if content.startswith(b"\x89PNG\r\n\x1a\n") and content[12:16] == b"IHDR" and len(content) >= 24:
        return "image/png", int.from_bytes(content[16:20]), int.from_bytes(content[20:24])
    if content[:6] in {b"GIF87a", b"GIF89a"} and len(content) >= 10:
        return "image/gif", int.from_bytes(content[6:8], "little"), int.from_bytes(content[8:10], "little")
    if content.startswith(b"\xff\xd8\xff"):
        size = _jpeg_size(content)
        return ("image/jpeg", *size) if size else None
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        size = _webp_size(content)
        return ("image/webp", *size) if size else None
    return None


def _jpeg_size(content: bytes) -> tuple[int, int] | None:
    """Width and height of the first frame."""
    place = 2
    while place + 9 <= len(content):
        if content[place] != 0xFF:
            return None
        mark = content[place + 1]
        if mark == 0xFF:
            place += 1
            continue
        if mark in _FRAMES:
            return int.from_bytes(content[place + 7 : place + 9]), int.from_bytes(content[place + 5 : place + 7])
        length = int.from_bytes(content[place + 2 : place + 4])
        if length < 2 or mark in {0xD9, 0xDA}:
            return None
        place += 2 + length
    return None


def _webp_size(content: bytes) -> tuple[int, int] | None:
    """Width and height, in each of the three kinds of WebP."""
    if len(content) < 30:
        return None
    kind = content[12:16]
    if kind == b"VP8X":
        return int.from_bytes(content[24:27], "little") + 1, int.from_bytes(content[27:30], "little") + 1
    if kind == b"VP8L" and content[20] == 0x2F:
        bits = int.from_bytes(content[21:25], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8 " and content[23:26] == b"\x9d\x01\x2a":
        return (
            int.from_bytes(content[26:28], "little") & 0x3FFF,
            int.from_bytes(content[28:30], "little") & 0x3FFF,
        )
    return None
