"""Pictures by their content, HTML by its tags (B4): whatever comes, a refusal or something that may be served."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.factories.pictures import make_png
from tracking.errors import CreativeRefused
from tracking.pictures import read_picture
from tracking.snippets import LINK, read_html

JPEG = b"\xff\xd8\xff\xe0\x00\x04ab\xff\xc0\x00\x11\x08" + struct.pack(">HH", 90, 728) + b"\x03" * 12
GIF = b"GIF89a" + struct.pack("<HH", 468, 60) + b"\0" * 8
LOSSLESS = b"RIFF\0\0\0\0WEBPVP8L\0\0\0\0\x2f" + struct.pack("<I", (320 - 1) | (50 - 1) << 14) + b"\0" * 8
EXTENDED = b"RIFF\0\0\0\0WEBPVP8X\0\0\0\0\0\0\0\0" + b"\x3f\x01\0" + b"\x31\0\0" + b"\0" * 4


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (make_png(160, 600), ("image/png", 160, 600)),
        (JPEG, ("image/jpeg", 728, 90)),
        (GIF, ("image/gif", 468, 60)),
        (LOSSLESS, ("image/webp", 320, 50)),
        (EXTENDED, ("image/webp", 320, 50)),
    ],
)
def test_kind_and_size_are_read_from_the_content(content, said):
    found = read_picture(content)

    assert (found.content_type, found.width, found.height) == said


@given(
    st.sampled_from([b"", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"\xff\xd8\xff", b"RIFF0000WEBPVP8 "]),
    st.binary(max_size=60),
)
def test_any_bytes_are_a_picture_or_a_refusal(head, rest):
    try:
        found = read_picture(head + rest)
    except CreativeRefused as refusal:
        found, code = None, refusal.code
    else:
        code = ""

    assert code in {"", "picture_kind", "picture_size"}
    assert found is None or (found.width > 0 and found.height > 0)


@pytest.mark.parametrize(
    "piece",
    ["<SCRIPT>x</SCRIPT>", "<iframe src=https://x.example>", "<img src=x onerror=x()>", '<a href="https://x.example">x</a>',
     '<p style="background:url(x)">', "<!--[if IE]>x<![endif]-->", "<svg onload=x()>", "<form action=x>", "<script", "<meta x>",
     '<img src="data:text/html,x">', "<style>a{}</style>", "<a href='{link}javascript:'>x</a>"],
)  # fmt: skip
def test_nothing_that_runs_or_leads_elsewhere_stands_in_html(piece):
    with pytest.raises(CreativeRefused) as refused:
        read_html(f'<a href="{LINK}">x</a>{piece}')

    assert refused.value.code == "html_unsafe"


def test_plain_html_with_the_link_is_taken_as_it_is():
    text = '<table><tr><td><a href="{link}"><img src="https://x.example/a.png" alt="a"></a> 3 &lt; 4</td></tr></table>'

    assert read_html(f" {text}\n") == text
