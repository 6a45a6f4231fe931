"""C4: a file of orders is sent, its columns are named, its rows are tried, then recorded once, whatever dies meanwhile."""

import io
from datetime import timedelta

import openpyxl
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from affiliates import teams
from affiliates.models import RoleGrant
from ledger.models import Event
from portal.doors.tasks import continue_uploads, forget_old_uploads
from portal.reasons import REASONS
from tests.factories.world import make_click, make_user
from tests.portal.shop import open_shop, order
from tracking.inbox_audit import verify_inbox
from tracking.models import Conversion, InboxRequest, OrderUpload, OrderUploadRow

CSV = "order_id,amount,currency,click_id\n{rows}"
CHINESE = "订单号,金额,币种,备注\n1042,62.00,USD,请尽快发货，谢谢您的支持\n1043,80.50,USD,老客户再次购买耳机\n"


@pytest.fixture
def shop(db):
    return open_shop()


@pytest.fixture
def owner(shop):
    client = Client()
    client.force_login(shop.world.owner, backend="django.contrib.auth.backends.ModelBackend")
    return client


def at(shop, name, *args):
    return reverse(f"merchant:{name}", args=[shop.world.merchant.slug, *args])


def send(shop, client, content, name="orders.csv"):
    body = content.encode() if isinstance(content, str) else content
    return client.post(at(shop, "upload-send"), {"file": SimpleUploadedFile(name, body, "text/csv")})


def choices(upload, **changes):
    said = {**upload.reading, **{f"column-{column}": field for column, field in upload.mapping.items()}}
    said.pop("is_test")
    return {**said, "separator": "tab" if said["separator"] == "\t" else said["separator"], **changes}


def tried(shop, client, content, name="orders.csv", **changes):
    """A file that was sent and tried."""
    assert send(shop, client, content, name).status_code == 302
    upload = OrderUpload.objects.latest("received_at")
    answer = client.post(at(shop, "upload-columns", upload.public_id), choices(upload, **changes))
    assert answer.status_code == 302, answer.context["form"].errors
    return upload.refreshed()


def recorded(shop, client, upload):
    client.post(at(shop, "upload-record", upload.public_id))
    return upload.refreshed()


def verdicts(upload):
    return [
        (
            row.number,
            row.request.verdict if row.request else row.verdict,
            row.request.reason if row.request else row.reason,
        )
        for row in upload.rows.select_related("request").order_by("number")
    ]


def test_a_file_becomes_orders_through_the_reader_of_the_api(shop, owner):
    click = make_click(shop.world.link, at=shop.at - timedelta(minutes=5))
    content = f"order_id,amount,currency,click_id\nu-1,62.00,USD,{click.public_id}\nu-2,12,USD,\nu-3,12.345,USD,\n"

    upload = tried(shop, owner, content)
    assert verdicts(upload) == [(2, "accepted", ""), (3, "accepted", ""), (4, "rejected", "amount_unreadable")]
    assert (upload.status, Conversion.objects.count()) == ("tried", 0)

    upload = recorded(shop, owner, upload)
    assert (upload.status, upload.recorded, bytes(upload.content)) == ("done", 3, b"")
    won = Conversion.objects.get(order_ref="u-1")
    assert (won.verdict, won.source, won.attribution.enrolment) == ("accepted", "upload", shop.world.enrolment)
    assert [one[1] for one in verdicts(upload)] == ["accepted", "accepted", "rejected"]
    assert InboxRequest.objects.get(door="upload").parts.count() == 3
    assert list(verify_inbox(at=timezone.now())) == []
    assert set(Event.objects.filter(name__startswith="upload.").values_list("name", flat=True)) == {
        "upload.received", "upload.started", "upload.finished",
    }  # fmt: skip


def test_the_same_file_twice_is_named_a_duplicate(shop, owner):
    content = CSV.format(rows="u-1,62.00,USD,\n")
    upload = recorded(shop, owner, tried(shop, owner, content))

    answer = send(shop, owner, content, "again.csv")

    assert answer["Location"] == at(shop, "upload", upload.public_id)
    row = InboxRequest.objects.filter(door="upload").latest("received_at")
    assert (row.verdict, row.reason) == ("duplicate", "same_file")
    assert (OrderUpload.objects.count(), Conversion.objects.count()) == (1, 1)


def test_the_same_order_by_three_ways_counts_once(shop, owner):
    """C4: API, postback and file."""
    shop.post(order("u-1", amount="62.00"))

    upload = recorded(shop, owner, tried(shop, owner, CSV.format(rows="u-1,62.00,USD,\nu-1,62.00,USD,\n")))

    assert [one[1] for one in verdicts(upload)] == ["duplicate", "duplicate"]
    assert Conversion.objects.count() == 1


def test_orders_twice_in_the_file_refunds_and_corrections(shop, owner):
    shop.post(order("old-1", amount="100.00"))
    shop.post(order("old-2", amount="100.00"))
    content = (
        "Order;Amount;Currency;Status;Refund amount\n"
        "new-1;10,00;USD;paid;\nnew-1;10,00;USD;paid;\nnew-1;11,00;USD;paid;\n"
        "old-1;;USD;refunded;25,00\nold-2;80,00;USD;amended;\nnever;;USD;refunded;\nold-1;5,00;USD;gone fishing;\n"
        "new-1;;USD;cancelled;\nold-1;;USD;refunded;90,00\n"
    )
    upload = tried(shop, owner, content)
    expected = [
        "accepted", "duplicate", "rejected", "accepted", "accepted", "rejected", "rejected", "accepted", "rejected",
    ]  # fmt: skip
    reasons = ["", "doubled_in_file", "order_conflict", "item_returned", "amended", "order_unknown", "status_unknown",
               "cancelled", "refund_too_large"]  # fmt: skip
    assert [one[1:] for one in verdicts(upload)] == list(zip(expected, reasons, strict=True))

    upload = recorded(shop, owner, upload)

    assert [one[1] for one in verdicts(upload)] == expected
    left = {one.order_ref: (one.amount_minor, one.refunded_minor) for one in Conversion.objects.all()}
    assert left == {"new-1": (1000, 1000), "old-1": (10000, 2500), "old-2": (8000, 0)}


@pytest.mark.parametrize("encoding", ["gbk", "utf-8", "utf-16"])
def test_a_file_from_china_is_read(shop, owner, encoding):
    upload = recorded(shop, owner, tried(shop, owner, CHINESE.encode(encoding)))

    assert [one[1] for one in verdicts(upload)] == ["accepted", "accepted"]
    assert Conversion.objects.get(order_ref="1042").metadata == {"note": "请尽快发货，谢谢您的支持"}


def test_a_wrong_encoding_is_shown_and_can_be_changed(shop, owner):
    send(shop, owner, CHINESE.encode("gbk"))
    upload = OrderUpload.objects.get()
    url = at(shop, "upload-columns", upload.public_id)

    wrong = owner.post(url, choices(upload, encoding="utf-8"))
    looked = owner.post(url, choices(upload, encoding="gb18030", look="1"))

    assert wrong.status_code == 400
    assert "not written in the encoding" in wrong.text
    assert "订单号" in looked.text


def test_a_spreadsheet_is_read(shop, owner):
    book = openpyxl.Workbook()
    for row in (["order_id", "amount", "currency"], [1042, 62.5, "USD"], ["=1+1", 1, "USD"]):
        book.active.append(row)
    out = io.BytesIO()
    book.save(out)

    upload = recorded(shop, owner, tried(shop, owner, out.getvalue(), "orders.xlsx"))

    assert Conversion.objects.get(order_ref="1042").amount_minor == 6250
    assert upload.rows.count() == 2


def test_columns_are_remembered_for_the_next_file(shop, owner):
    tried(shop, owner, "Number,Price\nu-1,5.00\n", **{"column-0": "order_id", "column-1": "amount"})

    send(shop, owner, "Number,Price\nu-2,6.00\n")

    assert OrderUpload.objects.latest("received_at").mapping == {"0": "order_id", "1": "amount"}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"column-0": ""}, "Order number"),
        ({"column-2": "amount"}, "Two columns"),
        ({"currency": "XQX"}, "three letters"),
    ],
)
def test_columns_that_cannot_be_are_refused_in_words(shop, owner, changes, words):
    send(shop, owner, CSV.format(rows="u-1,62.00,USD,\n"))
    upload = OrderUpload.objects.get()

    answer = owner.post(at(shop, "upload-columns", upload.public_id), choices(upload, **changes))

    assert answer.status_code == 400
    assert words in answer.text


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"", "file_empty"), (b"%PDF-1.7", "file_kind_unknown"), (b"\x89PNG\r\n", "file_kind_unknown")],
)
def test_what_is_no_table_has_a_row_and_a_name(shop, owner, content, reason):
    answer = send(shop, owner, content)

    row = InboxRequest.objects.get(door="upload")
    assert answer.status_code == 400
    assert str(REASONS[reason].merchant) in answer.text
    assert (row.verdict, row.reason, OrderUpload.objects.count()) == ("rejected", reason, 0)


def test_a_task_that_is_killed_goes_on_where_it_stopped(shop, owner, monkeypatch):
    """Fault: the worker dies between two rows, and once between a row's request and its verdict."""
    upload = tried(shop, owner, CSV.format(rows="".join(f"k-{n},5.00,USD,\n" for n in range(7))))
    done = []

    class Killed(BaseException):
        """As SIGKILL: nothing may catch it."""

    from portal.intake import uploads  # noqa: PLC0415 - the module whose worker dies

    real = uploads._record

    def dying(row, found, *, at):
        if len(done) == 4:
            raise Killed
        done.append(row.number)
        real(row, found, at=at)

    with monkeypatch.context() as fault:
        fault.setattr(uploads, "_record", dying)
        with pytest.raises(Killed):
            owner.post(at(shop, "upload-record", upload.public_id))
    assert upload.refreshed().status == "recording"
    assert Conversion.objects.count() == 4
    assert InboxRequest.objects.filter(reason="being_read", door="upload.row").count() == 3

    continue_uploads()

    upload = upload.refreshed()
    assert (upload.status, upload.recorded, Conversion.objects.count()) == ("done", 7, 7)
    assert {one[1:] for one in verdicts(upload)} == {("accepted", verdicts(upload)[0][2])}


def test_a_trial_that_is_killed_begins_again(shop, owner):
    upload = tried(shop, owner, CSV.format(rows="k-1,5.00,USD,\nk-2,5.00,USD,\n"))
    OrderUpload.objects.update(status="trying")

    continue_uploads()

    assert upload.refreshed().status == "tried"
    assert upload.rows.count() == 2


def test_pressing_record_twice_starts_once_and_a_done_file_is_not_discarded(shop, owner):
    upload = recorded(shop, owner, tried(shop, owner, CSV.format(rows="k-1,5.00,USD,\n")))
    recorded(shop, owner, upload)

    owner.post(at(shop, "upload-discard", upload.public_id))

    assert upload.refreshed().status == "done"
    assert (Conversion.objects.count(), Event.objects.filter(name="upload.started").count()) == (1, 1)


def test_a_discarded_file_is_emptied_and_may_be_sent_again(shop, owner):
    content = CSV.format(rows="k-1,5.00,USD,\n")
    upload = tried(shop, owner, content)

    owner.post(at(shop, "upload-discard", upload.public_id))

    assert (upload.refreshed().status, bytes(upload.refreshed().content)) == ("discarded", b"")
    assert tried(shop, owner, content).pk != upload.pk


def test_a_file_that_nobody_went_on_with_is_emptied(shop, owner):
    upload = tried(shop, owner, CSV.format(rows="k-1,5.00,USD,\n"))
    OrderUpload.objects.update(received_at=timezone.now() - timedelta(days=8))

    forget_old_uploads()

    assert upload.refreshed().status == "discarded"


def test_addresses_of_customers_are_not_kept(shop, owner):
    upload = tried(shop, owner, "order_id,amount,currency,email\nk-1,5.00,USD,kim@example.com\n")
    recorded(shop, owner, upload)

    assert not any(b"kim@example.com" in bytes(row.body) for row in InboxRequest.objects.all())
    assert Conversion.objects.get().customer_ref.startswith("email_")


def test_the_report_by_row_is_a_csv_that_runs_nothing(shop, owner):
    upload = tried(shop, owner, CSV.format(rows='"=HYPERLINK(1)",5.00,USD,\nk-2,x,USD,\n'))

    lines = b"".join(owner.get(at(shop, "upload-export", upload.public_id)).streaming_content).decode().splitlines()

    assert len(lines) == 3
    assert "'=HYPERLINK(1)" in lines[1]
    assert "amount_unreadable" in lines[2]


def test_another_merchants_file_is_not_there(shop, owner):
    other = open_shop()
    client = Client()
    client.force_login(other.world.owner, backend="django.contrib.auth.backends.ModelBackend")
    theirs = tried(other, client, CSV.format(rows="k-1,5.00,USD,\n"))

    for name in ("upload", "upload-columns", "upload-export"):
        assert owner.get(at(shop, name, theirs.public_id)).status_code == 404
    for name in ("upload-record", "upload-discard"):
        assert owner.post(at(shop, name, theirs.public_id)).status_code == 404


def test_an_analyst_looks_and_does_not_send(shop):
    analyst = make_user("analyst")
    teams.grant_role(analyst, RoleGrant.Role.MERCHANT_ANALYST, merchant=shop.world.merchant, at=shop.at)
    client = Client()
    client.force_login(analyst, backend="django.contrib.auth.backends.ModelBackend")

    assert client.get(at(shop, "uploads")).status_code == 200
    assert send(shop, client, b"a,b\n1,2\n").status_code == 403


def test_pages_take_a_fixed_number_of_queries(shop, owner):
    upload = tried(shop, owner, CSV.format(rows="k-1,5.00,USD,\n"))

    def queries(url):
        with CaptureQueriesContext(
            connection,
        ) as seen:
            assert owner.get(url).status_code == 200
        return len(seen)

    urls = [at(shop, "uploads"), at(shop, "upload", upload.public_id), at(shop, "events")]
    recorded(shop, owner, upload)
    before = [queries(url) for url in urls]
    more = tried(shop, owner, CSV.format(rows="".join(f"m-{n},5.00,USD,\n" for n in range(6))))
    recorded(shop, owner, more)
    urls[1] = at(shop, "upload", more.public_id)

    assert [queries(url) for url in urls] == before
    assert max(before) <= 25


_CELLS = st.text(max_size=12) | st.sampled_from(
    ["u-1", "5.00", "USD", "refunded", "=1", '"', "2026-11-03", "\x00", "1e9"]
)


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    content=st.binary(min_size=1, max_size=120)
    | st.lists(st.lists(_CELLS, min_size=3, max_size=5), max_size=4).map(
        lambda rows: "\n".join(["order_id,amount,currency,status,coupon", *(",".join(row) for row in rows)]).encode()
    ),
)
def test_any_bytes_have_a_verdict_and_never_a_fault(db, content):
    """C4, bad input: every row gets a named verdict; nothing is a 500."""
    shop = open_shop()
    client = Client()
    client.force_login(shop.world.owner, backend="django.contrib.auth.backends.ModelBackend")
    mine = InboxRequest.objects.filter(merchant=shop.world.merchant)
    answer = send(shop, client, content)
    assert answer.status_code in {302, 400}
    assert mine.filter(door="upload").count() == 1
    upload = OrderUpload.objects.filter(merchant=shop.world.merchant).first()
    if upload is None:
        return
    assert client.get(at(shop, "upload-columns", upload.public_id)).status_code == 200
    assert client.post(at(shop, "upload-columns", upload.public_id), choices(upload)).status_code in {302, 400}
    upload = upload.refreshed()
    if upload.status == "tried":
        upload = recorded(shop, client, upload)
        assert upload.status == "done"
        assert client.get(at(shop, "upload", upload.public_id)).status_code == 200
    assert set(mine.values_list("reason", flat=True)) - {""} <= REASONS.keys()
    assert not mine.filter(reason__in=["being_read", "internal_error"]).exists()
    assert OrderUploadRow.objects.filter(upload=upload).count() == upload.row_count
