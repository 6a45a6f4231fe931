"""Small PNG pictures drawn in code: bands of colour that meet in a hill, as a banner of the demo has."""

import struct
import zlib


def draw_banner(width: int, height: int, sky: tuple[int, int, int], hill: tuple[int, int, int]) -> bytes:
    """A landscape of two colours, each a little darker towards the ground. RGB of 8 bits, no filter."""
    rows = bytearray()
    for y in range(height):
        rows.append(0)
        shade = 1 - 0.25 * y / height
        for x in range(width):
            # Two ridges: a parabola from the left and one from the right.
            left = height * (0.35 + 1.3 * (x / width - 0.3) ** 2)
            right = height * (0.55 + 1.1 * (x / width - 0.8) ** 2)
            base, more = (hill, 0.72) if y > right else (hill, 1.0) if y > left else (sky, 1.0)
            rows.extend(int(part * shade * more) for part in base)
    return png_of(width, height, bytes(rows))


def png_of(width: int, height: int, rows: bytes) -> bytes:
    """A PNG of rows that each begin with their filter's number (ISO/IEC 15948)."""
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"".join(
        (b"\x89PNG\r\n\x1a\n", _chunk(b"IHDR", head), _chunk(b"IDAT", zlib.compress(rows, 6)), _chunk(b"IEND", b""))
    )


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
