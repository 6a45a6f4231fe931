"""The book at the finance desk: accounts, lines, entries, funding; and the commands that verify, seal and export it."""

import csv
import io
import re
import subprocess
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from ledger.accounts import balance_of
from ledger.export import account_names
from ledger.journal import events_about
from ledger.models import Account, Entry
from ledger.money import Money
from payouts import chart, commissions, deposits, sales
from tests.factories.standin import earn, make_desk, prepare
from tests.factories.world import make_sale, make_world
from tests.portal.finance import address, sign_in, text_of
from tests.portal.partner import plain_figures

pytestmark = pytest.mark.django_db


@pytest.fixture
def at():
    return timezone.now()


@pytest.fixture
def desk(at, bank):
    cache.clear()
    return make_desk(at)


@pytest.fixture
def checker(desk):
    return sign_in(desk[1])


@pytest.fixture
def maker(desk):
    return sign_in(desk[0])


def account_of(name, currency="USD"):
    return Account.objects.get(name=str(name), currency=currency)


# ── Pages ────────────────────────────────────────────────────────────────────────────────
def test_the_trial_balance_leads_to_accounts_that_add_up_to_it(at, checker):
    """Bar B3."""
    worlds = [make_world(at) for _ in range(3)]
    for number, world in enumerate(worlds, start=1):
        earn(world, f"{number}00.00", at=at)

    assert "$120.00" in text_of(checker.get(address("ledger")))
    page = text_of(checker.get(address("ledger") + "?kind=payable&currency=USD"))

    assert page.count("$20.00 USD") >= 1
    assert "Sum of the filter" in page
    assert "$120.00 USD" in page


def test_an_account_shows_the_balance_after_every_line(at, checker):
    world = make_world(at)
    first = make_sale(world, "100.00", at=at - timedelta(days=3))
    make_sale(world, "50.00", at=at - timedelta(days=2))
    sales.refund_sale(first.conversion, reference="rf", at=at - timedelta(days=1))
    account = account_of(chart.pending(world.affiliate))

    page = text_of(checker.get(address("account", account)))
    balances = re.findall(r'data-label="Balance after">.*?>([^<]+)</a>', page)
    amounts = re.findall(r'class="number amount">.*?>([^<]+)</a>', page)

    # Newest first: the refund takes 20 back, the second order brought 10, the first 20.
    assert balances == ["$10.00", "$30.00", "$20.00"]
    assert amounts == ["($20.00)", "$10.00", "$20.00"]
    assert "Commission taken back" in page
    since = (at - timedelta(days=2)).date().isoformat()
    part = text_of(checker.get(address("account", account) + f"?start={since}"))
    assert "$30.00" in part
    assert "Balance after" in part


def test_an_entry_names_its_postings_its_reference_and_what_it_is_about(at, checker):
    world = make_world(at)
    [commission] = make_sale(world, "100.00", at=at).commissions
    entry = Entry.objects.get(reference=f"{commission.public_id}:accrual")

    page = text_of(checker.get(address("entry", entry)))

    assert f"{commission.public_id}:accrual" in page
    assert f"merchant/{world.merchant.slug}:receivable" in page
    assert address("commission", commission) in page
    assert "not sealed yet" in page


def test_accounts_are_found_by_the_name_of_their_owner(at, checker):
    world, other = make_world(at), make_world(at)
    for one in (world, other):
        make_sale(one, "100.00", at=at)

    page = text_of(checker.get(address("ledger") + f"?q={world.affiliate.name}"))

    assert world.affiliate.name in page
    assert f">{other.affiliate.name}</a>" not in page
    assert "No account fits" in text_of(checker.get(address("ledger") + "?q=nobody-of-this-name"))
    assert "is ignored" in text_of(checker.get(address("ledger") + "?kind=nonsense&odd=1"))


def test_a_deposit_is_booked_once_by_its_reference(at, maker):
    world = make_world(at)
    form = {"merchant": world.merchant.slug, "amount": "1200.00", "reference": "WIRE-7"}

    for said in ("is booked", "was booked before"):
        assert said in text_of(maker.post(address("funding-deposit"), form, follow=True))

    assert balance_of(chart.deposit(world.merchant), "USD") == Money(120_000, "USD")
    other = maker.post(address("funding-deposit"), {**form, "amount": "1300.00"})
    assert other.status_code == 400
    assert "booked before with another amount" in text_of(other)


@pytest.mark.parametrize("amount", ["", "0", "-5", "1e3", "NaN", "12.345", "abc", "999999999999999999", "１２"])
def test_an_amount_that_is_none_is_explained_and_books_nothing(at, maker, amount):
    """Fault 28."""
    world = make_world(at)

    answer = maker.post(
        address("funding-deposit"), {"merchant": world.merchant.slug, "amount": amount, "reference": "x"}
    )

    assert answer.status_code == 400
    assert "Amount" in text_of(answer)
    assert Entry.objects.filter(kind="merchant.deposit").count() == 0


def test_only_who_prepares_books_deposits(at, checker):
    world = make_world(at)

    answer = checker.post(
        address("funding-deposit"), {"merchant": world.merchant.slug, "amount": "1", "reference": "x"}
    )

    assert answer.status_code == 403
    assert "Book it" not in text_of(checker.get(address("funding")))


@pytest.mark.parametrize(
    "page", ["desk", "funding", "ledger", "account", "entry", "runs", "run", "run-lines", "payout", "commission"]
)
def test_every_figure_on_a_page_leads_somewhere(at, desk, checker, page):
    """Bar B1."""
    world = make_world(at)
    deposits.fund_merchant(world.merchant, Money(9_900, "USD"), reference="w", at=at)
    earn(world, "500.00", at=at)
    earn(make_world(at), "40.00", at=at)
    run = prepare(desk[0], at=at)
    payout = run.payouts.get()
    targets = {
        "account": account_of(chart.payable(world.affiliate)), "entry": Entry.objects.last(), "run": run, "run-lines": run,
        "payout": payout, "commission": payout.items.get().commission,
    }  # fmt: skip

    answer = checker.get(address(page, *([targets[page]] if page in targets else [])))

    assert answer.status_code == 200
    assert plain_figures(answer) == []


@pytest.mark.parametrize("page", ["ledger", "account", "funding"])
def test_a_page_asks_as_often_for_three_rows_as_for_one(at, checker, page):
    counts = []
    world = make_world(at)
    make_sale(world, at=at)
    target = address(page, *([account_of(chart.receivable(world.merchant))] if page == "account" else []))
    for _ in range(2):
        checker.get(target)
        with CaptureQueriesContext(connection) as captured:
            assert checker.get(target).status_code == 200
        counts.append(len(captured))
        for _more in range(2):
            make_sale(world, at=at)
            make_sale(make_world(at), at=at)

    assert counts[0] == counts[1]
    assert counts[0] <= 25


# ── Commands ─────────────────────────────────────────────────────────────────────────────
def played(at):
    """A book with every kind of entry but returns."""
    for currency in ("USD", "EUR", "JPY"):
        world = make_world(at, currency=currency)
        amount = "90000" if currency == "JPY" else "500.00"
        sale = make_sale(world, amount, at=at - timedelta(days=40))
        make_sale(world, amount, at=at - timedelta(days=10))
        commissions.approve_due_commissions(at=at - timedelta(days=5))
        deposits.fund_merchant(world.merchant, sale.commissions[0].amount, reference="w", at=at)
        sales.refund_sale(sale.conversion, reference="rf", reason='a "quoted" reason', at=at)


def test_books_that_agree_are_said_to_with_counts(at, capsys):
    played(at)

    call_command("verify_books")

    said = capsys.readouterr().out
    assert said.startswith(f"OK: {Entry.objects.count()} entries, ")
    assert events_about("house").first().name == "books.verified"


def test_a_changed_book_is_found_and_the_first_difference_named(at, capsys):
    """Fault 47: tried past every trigger."""
    played(at)
    call_command("seal_books")
    connection.check_constraints()
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE ledger_entry DISABLE TRIGGER USER")
        cursor.execute("UPDATE ledger_entry SET memo = 'nothing happened' WHERE memo <> ''")
        cursor.execute("ALTER TABLE ledger_entry ENABLE TRIGGER USER")

    with pytest.raises(CommandError) as caught:
        call_command("verify_books")

    assert caught.value.returncode == 1
    assert capsys.readouterr().err.startswith("hash chain: comm_")


def test_sealing_prints_the_digest_to_keep(at, capsys):
    played(at)

    call_command("seal_books")
    call_command("seal_books")

    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith(f"Sealed {Entry.objects.count()} entries. Keep this off the machine: seal 1 ")
    assert second == "Every entry is sealed already."


def test_the_export_as_csv_adds_up_to_the_balances(at, tmp_path):
    played(at)
    file = tmp_path / "book.csv"

    call_command("export_books", format="csv", output=file)

    rows = list(csv.DictReader(io.StringIO(file.read_text(encoding="utf-8"))))
    sums: dict[tuple[str, str], float] = {}
    for row in rows:
        for side, sign in (("debit", 1), ("credit", -1)):
            key = (row[side], row["currency"])
            sums[key] = sums.get(key, 0) + sign * round(float(row["amount"]) * 100)
    for account in Account.objects.exclude(currency="JPY"):
        assert sums[account.name, account.currency] == account.debits_minor - account.credits_minor


@pytest.mark.parametrize("format_", ["beancount", "hledger"])
def test_the_journals_are_balanced_and_name_every_account_once(at, tmp_path, format_):
    played(at)
    file = tmp_path / "book"

    call_command("export_books", format=format_, output=file)

    text = file.read_text(encoding="utf-8")
    names = account_names(dict(Account.objects.order_by("name").values_list("name", "type")))
    assert len(set(names.values())) == len(names)
    word = "open " if format_ == "beancount" else "account "
    for name in names.values():
        assert text.count(f"{word}{name}\n") + text.count(f"{word}{name}  ;") == 1
    assert '\\"quoted\\"' in text if format_ == "beancount" else 'a "quoted" reason' in text


@pytest.mark.parametrize(
    ("tool", "format_"), [(["bean-check"], "beancount"), (["hledger", "check", "--strict", "-f"], "hledger")]
)
def test_the_journals_load_in_the_real_tools_where_they_are_installed(at, tmp_path, tool, format_):
    """Run with these programs on the PATH; they check our balances by their own sums."""
    played(at)
    for name, options in (("all", {}), ("part", {"start": at - timedelta(days=12), "end": at + timedelta(days=1)})):
        file = tmp_path / name
        call_command("export_books", format=format_, output=file, **options)
        try:
            done = subprocess.run([*tool, str(file)], capture_output=True, text=True, timeout=60, check=False)
        except FileNotFoundError:
            pytest.skip(f"{tool[0]} is not installed")
        assert done.returncode == 0, done.stderr


def test_account_names_never_collide():
    names = account_names({
        "merchant/a_b:receivable": "asset", "merchant/a-b:receivable": "asset", "merchant/A-b:receivable": "asset",
        "merchant/a.b:deposit": "liability", "merchant/_:deposit": "liability", "house:cash": "asset",
    })  # fmt: skip

    assert len(set(names.values())) == 6
    assert names["house:cash"] == "Assets:House:Cash"
    assert all(part[0].isupper() or part[0].isdigit() for name in names.values() for part in name.split(":"))


def test_a_period_of_nothing_and_a_file_that_cannot_be_written_are_explained(tmp_path):
    with pytest.raises(CommandError, match="before"):
        call_command("export_books", "--from", "2026-02-01", "--to", "2026-01-01")
    with pytest.raises(CommandError, match="2026-01-31"):
        call_command("export_books", "--from", "yesterday")
    with pytest.raises(CommandError, match="cannot be written"):
        call_command("export_books", output=tmp_path / "none" / "book")


def test_an_empty_book_can_be_exported(capsys):
    for format_ in ("beancount", "hledger", "csv"):
        call_command("export_books", format=format_)

    assert capsys.readouterr().out
