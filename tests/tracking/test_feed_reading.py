"""B10: what is read from a feed, whatever shop wrote it; and that nothing at all makes a reader fall over."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.money import Money
from tracking.feed_reading import FeedUnreadable, kind_of, read_rows
from tracking.feed_values import ProductFacts, RowRefused, read_product

HOSTS = ["shop.example"]
GOOGLE = b"""<?xml version="1.0"?>
<rss version="2.0" xmlns:g="http://base.google.com/ns/1.0"><channel><title>Shop</title><link>https://shop.example/</link>
<item><g:id>T-1</g:id><title>Tent &amp; fly</title><link>https://shop.example/tent?a=1&amp;b=2</link><g:price>189.00 USD</g:price>
<g:sale_price>149.00 USD</g:sale_price><g:availability>in stock</g:availability><g:brand>Ridge</g:brand>
<g:product_type>Camping &gt; Tents</g:product_type><g:image_link>https://cdn.example/tent.jpg</g:image_link>
<g:shipping><g:country>US</g:country><g:price>9.00 USD</g:price></g:shipping></item>
<item><g:id>T-2</g:id><title>Peg</title><g:price>3 USD</g:price></item></channel></rss>"""


def verdicts(content: bytes, currency: str = "USD") -> list[tuple[int, ProductFacts | RowRefused]]:
    found = []
    for number, row in read_rows(content, kind_of(content)):
        if isinstance(row, dict):
            try:
                row = read_product(row, currency=currency, allowed_hosts=HOSTS)
            except RowRefused as refusal:
                row = refusal
        found.append((number, row))
    return found


def test_a_google_feed_is_read_and_what_is_inside_a_product_does_not_leak_into_it():
    (first, tent), (second, peg) = verdicts(GOOGLE)

    assert (first, second) == (1, 2)
    assert tent == ProductFacts(
        "T-1", "Tent & fly", Money(18900, "USD"), Money(14900, "USD"), "in_stock", "Camping > Tents", "Ridge",
        "https://cdn.example/tent.jpg", "https://shop.example/tent?a=1&b=2",
    )  # fmt: skip
    assert (peg.code, peg.field, peg.sku) == ("feed_field_missing", "link", "T-2")


def test_an_atom_feed_has_its_page_in_an_attribute():
    atom = (
        b'<feed xmlns="http://www.w3.org/2005/Atom" xmlns:g="http://base.google.com/ns/1.0"><entry><g:id>A</g:id>'
        b'<title>A</title><link rel="alternate" href="https://shop.example/a"/><g:price>5 EUR</g:price></entry></feed>'
    )

    [(_number, product)] = verdicts(atom)

    assert (product.url, product.price) == ("https://shop.example/a", Money(500, "EUR"))


def read_or_refused(content: bytes) -> int:
    """How many rows had a verdict; a feed that is none says why."""
    try:
        return len(verdicts(content))
    except FeedUnreadable as refusal:
        return -len(refusal.message)


@pytest.mark.parametrize(
    "content",
    [
        "id,name,price,url\nA,Tent,12.50,https://shop.example/a\n",
        "\ufeffSKU;Title;Price;Link\r\nA;Tent;12,50;https://shop.example/a\r\n",
        "product_id\tproduct name\tregular price\tdeep-link\nA\tTent\t12.50 USD\thttps://shop.example/a\n",
        '[{"id": "A", "title": "Tent", "price": 12.5, "link": "https://shop.example/a"}]',
        '{"products": [{"id": "A", "title": "Tent", "price": {"value": "12.50", "currency": "USD"}, "link": "https://shop.example/a"}]}',
        '{"id": "A", "title": "Tent", "price": "12.50", "link": "https://shop.example/a"}\n{"id": "B"}\n',
    ],
    ids=["csv", "semicolons and commas", "tabs", "json", "json amounts", "json lines"],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_the_same_product_in_the_words_of_many_shops(content, encoding):
    _number, product = verdicts(content.encode(encoding))[0]

    assert (product.sku, product.title, product.price) == ("A", "Tent", Money(1250, "USD"))
    assert product.url == "https://shop.example/a"


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [
        ("1,299.00", "USD", 129900), ("1.299,00", "EUR", 129900), ("1,299", "USD", 129900), ("EUR 12,9", "EUR", 1290),
        ("€1.299,50", "EUR", 129950), ("1 299,50", "EUR", 129950), ("1200.00", "JPY", 1200), ("¥1,200", "JPY", 1200),
        ("1.500", "KWD", 1500), ("1,000,000", "USD", 100000000),
    ],
)  # fmt: skip
def test_prices_as_shops_write_them(text, currency, minor):
    row = {"sku": "A", "title": "A", "price": text, "link": "https://shop.example/a"}

    assert read_product(row, currency=currency, allowed_hosts=HOSTS).price == Money(minor, currency)


@pytest.mark.parametrize(
    ("change", "field", "code"),
    [
        ({"sku": " "}, "sku", "feed_field_missing"),
        ({"title": ""}, "title", "feed_field_missing"),
        ({"title": "x" * 301}, "title", "feed_field_invalid"),
        ({"price": ""}, "price", "feed_field_missing"),
        ({"price": "free"}, "price", "feed_price_invalid"),
        ({"price": "-3"}, "price", "feed_price_invalid"),
        ({"price": "1.299"}, "price", "feed_price_invalid"),
        ({"price": "3 EUR", "currency": "USD"}, "price", "feed_price_invalid"),
        ({"price": "3", "currency": "QQQ"}, "currency", "feed_currency_unknown"),
        ({"sale_price": "900"}, "sale_price", "feed_field_invalid"),
        ({"availability": "perhaps"}, "availability", "feed_field_invalid"),
        ({"image": "javascript:alert(1)"}, "image", "feed_field_invalid"),
        ({"link": "https://evil.example/"}, "link", "feed_page_not_allowed"),
        ({"link": "http://shop.example/"}, "link", "feed_page_not_allowed"),
        ({"link": "https://shop.example@evil.example/"}, "link", "feed_page_not_allowed"),
    ],
)
def test_a_refused_row_names_the_field_and_the_way_out(change, field, code):
    row = {"sku": "A", "title": "A", "price": "5", "link": "https://shop.example/a"} | change

    with pytest.raises(RowRefused) as refused:
        read_product(row, currency="USD", allowed_hosts=HOSTS)

    assert (refused.value.field, refused.value.code) == (field, code)
    assert refused.value.message.rstrip().endswith((".", ".example"))


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "feed_empty"),
        (b"PK\x03\x04", "feed_unreadable"),
        (b"id,name\nA,B\n", "feed_columns"),
        ("id,title,price,link\nA,Zelt für,1,x\n".encode("latin-1"), "feed_encoding"),
        (b'[{"id": ', "feed_unreadable"),
        (b"[" * 100_000, "feed_unreadable"),
        (b"<rss><item>", "feed_unreadable"),
        (
            b'<!DOCTYPE r [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><rss><item><id>&b;</id></item></rss>',
            "feed_doctype",
        ),
        (b'<!DOCTYPE r SYSTEM "file:///etc/passwd"><rss/>', "feed_doctype"),
        (b'<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><rss><item><id>&x;</id></item></rss>', "feed_doctype"),
    ],
)
def test_what_is_no_feed_says_why(content, code):
    with pytest.raises(FeedUnreadable) as refused:
        verdicts(content)

    assert refused.value.code == code


CELLS = st.one_of(
    st.sampled_from(["A", "12.99 EUR", "1,299.00", "in stock", "https://shop.example/x", "https://evil.example/", "", "9" * 40]),
    st.text(max_size=40),
)  # fmt: skip
ROWS = st.lists(
    st.dictionaries(st.sampled_from(["id", "title", "price", "sale_price", "currency", "availability", "image", "link"]), CELLS),
    max_size=6,
)  # fmt: skip
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=20,
)


@given(rows=ROWS)
@settings(max_examples=150, deadline=None)
def test_every_row_of_a_list_has_a_verdict_whatever_it_says(rows):
    found = verdicts(json.dumps([{"id": "x", **row} for row in rows]).encode()) if rows else []

    assert [number for number, _verdict in found] == list(range(1, len(rows) + 1))
    for _number, verdict in found:
        assert isinstance(verdict, ProductFacts) or (verdict.field and verdict.message)


@given(value=VALUES)
@settings(max_examples=100, deadline=None)
def test_any_json_is_read_or_refused(value):
    assert read_or_refused(json.dumps({"products": [value, value]}).encode()) == 2
    assert read_or_refused(json.dumps([value]).encode()) == 1
    read_or_refused(json.dumps(value).encode())


@given(
    content=st.one_of(st.binary(max_size=300), st.text(max_size=300).map(lambda text: text.encode("utf-8", "replace")))
)
@settings(max_examples=150, deadline=None)
def test_any_bytes_are_read_or_refused(content):
    for beginning in (b"id,title,price,link\n", b"<rss><item>", b'{"id":"a"}\n'):
        assert read_or_refused(beginning + content) != 0 or b"id," in beginning
    assert read_or_refused(content) is not None


@given(cells=st.lists(st.lists(CELLS, min_size=1, max_size=6), max_size=6))
@settings(max_examples=100, deadline=None)
def test_any_table_has_a_verdict_for_each_filled_row(cells):
    lines = "\n".join(",".join('"' + cell.replace('"', '""') + '"' for cell in row) for row in cells)
    filled = sum(any(cell.strip() for cell in row) for row in cells)

    assert read_or_refused(("id,title,price,link\n" + lines).encode("utf-8", "replace")) == filled
