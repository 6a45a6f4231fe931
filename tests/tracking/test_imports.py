"""C4: files of orders, from bytes to rows and from cells to what the API takes. Pure: no database."""

import io
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracking.errors import InputRefused
from tracking.import_values import Signs, amount_text, draft_of, guess_dates, guess_decimal, instant_text
from tracking.import_words import FIELDS, action_of_status, field_of_heading
from tracking.imports import (
    ENCODINGS,
    MOST_ROWS,
    FileUnreadable,
    Reading,
    decode,
    guess_encoding,
    guess_reading,
    guess_separator,
    headings_and_rows,
    kind_of_file,
    sheets_of,
)

AT = datetime(2026, 11, 20, 12, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")

CHINESE = "订单号,金额,币种,下单时间,优惠码,备注\n1042,62.00,CNY,2026-11-03 14:02,MAYA10,请尽快发货，谢谢您的支持\n1043,80.50,CNY,2026-11-04 09:00,,老客户再次购买耳机\n"
TAIWAN = "訂單編號,訂單金額,幣別,下單時間,備註\n1042,620,TWD,2026-11-03 14:02,請儘快發貨，謝謝您的支持\n1043,800,TWD,2026-11-04 09:00,老顧客再次購買耳機\n"
JAPANESE = "注文番号,合計金額,通貨,注文日時,備考\n1042,6200,JPY,2026/11/03 14:02,お急ぎでお願いいたします\n1043,8000,JPY,2026/11/04 09:00,リピーターのお客様です\n"
GERMAN = "Bestellnummer;Betrag;Währung;Datum;Notiz\n1042;1.062,50;EUR;03.11.2026 14:02;für Grüße\n1043;80,00;EUR;14.11.2026;schöne Bestellung\n"


@pytest.mark.parametrize(
    ("text", "encoding", "guessed"),
    [
        (CHINESE, "gbk", "gb18030"),
        (TAIWAN, "big5", "big5hkscs"),
        (JAPANESE, "cp932", "cp932"),
        (GERMAN, "latin-1", "cp1252"),
        (GERMAN, "utf-8", "utf-8"),
        (CHINESE, "utf-8-sig", "utf-8"),
        (GERMAN, "utf-16", "utf-16"),
        (GERMAN, "utf-16-le", "utf-16-le"),
        (GERMAN, "utf-16-be", "utf-16-be"),
    ],
)
def test_the_encoding_is_found_and_the_headings_are_known(text, encoding, guessed):
    content = text.encode(encoding)

    reading = guess_reading(content, kind_of_file(content), time_zone="UTC", currency="EUR")
    headings, rows = headings_and_rows(content, "csv", reading)

    assert reading.encoding == guessed
    assert [field_of_heading(heading) for heading in headings[:3]] == ["order_id", "amount", "currency"]
    assert [row.number for row in rows] == [2, 3]


def test_a_german_file_is_read_as_it_was_meant():
    content = GERMAN.encode("cp1252")
    reading = guess_reading(content, "csv", time_zone="Europe/Berlin", currency="EUR")
    headings, rows = headings_and_rows(content, "csv", reading)
    mapping = {str(n): field_of_heading(heading) for n, heading in enumerate(headings)}
    signs = Signs(reading.decimal, reading.dates, reading.zone, "EUR", False)

    first, second = [draft_of(row.cells, mapping, headings, signs, at=AT).order for row in rows]

    assert (reading.separator, reading.decimal, reading.dates) == (";", ",", "dmy")
    assert (first["amount"], first["occurred_at"]) == ("1062.50", "2026-11-03T14:02:00+01:00")
    assert first["metadata"] == {"note": "für Grüße"}
    assert second["occurred_at"] == "2026-11-14T23:59:59+01:00"


@pytest.mark.parametrize(
    ("cell", "decimal", "currency", "text"),
    [
        ("1,234.50", ".", "USD", "1234.50"), ("$1,234.50", ".", "USD", "1234.50"), ("1.234,50 €", ",", "EUR", "1234.50"),
        ("80,00", ".", "EUR", "80,00"), ("80.00", ",", "EUR", "80.00"), ("12'345.60", ".", "CHF", "12345.60"),
        ("6250", "minor", "USD", "62.50"), ("6250", "minor", "JPY", "6250"), ("62.5", "minor", "USD", "62.5"),
        ("1200.00", ".", "JPY", "1200"), ("USD 80.00", ".", "USD", "80.00"), ("-5.00", ".", "USD", "-5.00"), ("", ".", "USD", ""),
        ("1 234,50", ",", "EUR", "1234.50"), ("80.000", ".", "USD", "80.00"), ("NaN", ".", "USD", "NaN"),
    ],
)  # fmt: skip
def test_an_amount_is_never_guessed(cell, decimal, currency, text):
    assert amount_text(cell, decimal, currency) == text


@pytest.mark.parametrize(
    ("cell", "dates", "text"),
    [
        ("2026-11-03T14:02:00Z", "iso", "2026-11-03T14:02:00+00:00"),
        ("2026-11-03 14:02:00 +0900", "iso", "2026-11-03T14:02:00+09:00"),
        ("2026/11/03 14:02", "iso", "2026-11-03T14:02:00+01:00"),
        ("03.11.2026 14:02", "dmy", "2026-11-03T14:02:00+01:00"),
        ("11/03/2026 2:02 PM", "mdy", "2026-11-03T14:02:00+01:00"),
        ("03/11/26", "dmy", "2026-11-03T23:59:59+01:00"),
        ("2026年11月3日", "iso", "2026-11-03T23:59:59+01:00"),
        ("2026-07-03", "iso", "2026-07-03T23:59:59+02:00"),
        ("1793714520", "iso", "2026-11-03T14:02:00+00:00"),
        ("1793714520000", "iso", "2026-11-03T14:02:00+00:00"),
        ("31.02.2026", "dmy", "31.02.2026"),
        ("03.11.2026", "iso", "03.11.2026"),
        ("yesterday", "iso", "yesterday"),
        ("2026-11-20", "iso", "2026-11-20T13:00:00+01:00"),
    ],
)
def test_a_time_is_of_the_chosen_zone_and_order(cell, dates, text):
    assert datetime.fromisoformat(text) == datetime.fromisoformat(instant_text(cell, dates, BERLIN, at=AT)) if text[0] == "2" else (
        instant_text(cell, dates, BERLIN, at=AT) == text
    )  # fmt: skip


def test_decimal_sign_and_order_of_day_and_month_are_proposed():
    assert [guess_decimal(cells) for cells in (["1.50", "2.00"], ["1,50"], ["80"], ["1.234,50"])] == [
        ".",
        ",",
        ".",
        ",",
    ]
    cases = (["2026-01-02"], ["13/02/2026"], ["02/13/2026"], ["02.03.2026"], ["2/3/2026 4:00 PM"])
    assert [guess_dates(cells) for cells in cases] == ["iso", "dmy", "mdy", "dmy", "mdy"]


def test_states_of_orders_say_what_the_row_does():
    words = ("", "Paid", "REFUNDED", "cancelled", "chargeback", "amended", "已退款", "gone fishing")
    assert [action_of_status(word) for word in words] == [
        ("report", ""), ("report", ""), ("refund", "item_returned"), ("refund", "cancelled"), ("refund", "chargeback"),
        ("amend", ""), ("refund", "item_returned"), None,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("heading", "name"),
    [
        ("Order ID", "order_id"), ("order_ref", "order_id"), ("external_id", "order_id"), ("Reference", "order_id"),
        ("new_amount", "new_amount"), ("reason_code", "refund_reason"), ("Financial Status", "status"), ("sale_amount_cents", "amount"),
        ("CJEVENT", "click_id"), ("OrderPromoCode", "coupon"), ("customer.email", "customer.email"), ("ＯＲＤＥＲ　ＩＤ", "order_id"),
        ("affiliate_email", ""), ("program", ""),
    ],
)  # fmt: skip
def test_headings_of_other_systems_are_known(heading, name):
    assert field_of_heading(heading) == name


def test_every_heading_leads_to_a_field():
    assert all(field_of_heading(name) == name for name in FIELDS)


def test_formula_cells_are_texts():
    content = b'order_id,amount,note\n"=""1042""",80.00,\'=1+1\n'
    _headings, rows = headings_and_rows(content, "csv", Reading())

    assert next(rows).cells == ("1042", "80.00", "=1+1")


def _xlsx(*rows):
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    book.create_sheet("Second")
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def test_a_spreadsheet_gives_the_numbers_that_it_shows():
    content = _xlsx(
        ["order_id", "amount", "date", "test"],
        [1042, 0.1 + 0.2, datetime(2026, 11, 3, 14, 2), False],  # noqa: DTZ001 - spreadsheets know no zones
        [None, None, None, None],
        ["A-1", 80, datetime(2026, 11, 4), True],  # noqa: DTZ001
    )

    assert kind_of_file(content) == "xlsx"
    assert sheets_of(content) == ["Sheet", "Second"]
    _headings, rows = headings_and_rows(content, "xlsx", Reading())
    assert [(row.number, row.cells) for row in rows] == [
        (2, ("1042", "0.3", "2026-11-03T14:02:00", "false")), (4, ("A-1", "80", "2026-11-04", "true")),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "file_empty"), (b" \n\n ", "file_empty"), (b"%PDF-1.7 ...", "file_kind_unknown"), (b"\x89PNG....", "file_kind_unknown"),
        (b"PK\x03\x04 no archive", "file_malformed"), (b'order_id,amount\n"1,2\n3,4\n', "file_malformed"),
        (b"\xd0\xcf\x11\xe0 no workbook", "file_malformed"),
        (b"a,b\n" + b"1,2\n" * (MOST_ROWS + 1), "file_too_long"), (b",".join([b"x"] * 201) + b"\n1\n", "file_too_wide"),
    ],
)  # fmt: skip
def test_what_is_no_file_of_orders_has_a_name(content, code):
    with pytest.raises(FileUnreadable) as refused:
        list(headings_and_rows(content, kind_of_file(content), Reading())[1])

    assert refused.value.code == code


def test_a_wrong_encoding_is_said_and_not_guessed_over():
    with pytest.raises(FileUnreadable) as refused:
        decode(CHINESE.encode("gbk"), "utf-8")

    assert refused.value.code == "file_not_in_encoding"


@given(content=st.binary(max_size=400))
def test_any_bytes_are_read_or_refused_by_name(content):
    try:
        kind = kind_of_file(content)
        reading = guess_reading(content, kind, time_zone="UTC", currency="USD")
        headings, rows = headings_and_rows(content, kind, reading)
        signs = Signs(reading.decimal, reading.dates, reading.zone, "USD", False)
        names = {str(n): name for n, name in enumerate(FIELDS[: len(headings)])}
        for row in rows:
            draft_of(row.cells, names, headings, signs, at=AT)
        code = "file_"
    except InputRefused as refused:
        code = refused.code
    assert code.startswith("file_")


@given(
    cells=st.lists(st.text(max_size=20), min_size=len(FIELDS), max_size=len(FIELDS)),
    decimal=st.sampled_from([".", ",", "minor"]), dates=st.sampled_from(["iso", "dmy", "mdy"]),
)  # fmt: skip
def test_any_cells_make_a_draft(cells, decimal, dates):
    names = {str(n): name for n, name in enumerate(FIELDS)}

    draft = draft_of(cells, names, list(FIELDS), Signs(decimal, dates, BERLIN, "USD", False), at=AT)

    assert draft.action in {"report", "refund", "amend", "refused"}


@given(text=st.text(max_size=60), encoding=st.sampled_from(sorted(ENCODINGS)))
def test_what_was_written_in_an_encoding_is_read_in_it(text, encoding):
    try:
        content = text.encode(encoding)
    except UnicodeEncodeError:
        return
    assert decode(content, encoding) == content.decode(encoding).removeprefix("\ufeff")
    guess_encoding(content)


@pytest.mark.parametrize(
    ("text", "sign"), [("a,b\n1,2", ","), ("a;b\n1,5;2", ";"), ("a\tb\n1\t2", "\t"), ("a|b\n1|2", "|")]
)
def test_the_separator_is_the_one_that_makes_columns(text, sign):
    assert guess_separator(text) == sign
