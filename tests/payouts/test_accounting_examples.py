"""docs/accounting.md tells the truth: each of its examples is played through the real verbs and compared."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import groupby
from pathlib import Path

import pytest

from ledger import accounts
from ledger.models import Account, Posting
from ledger.money import Money
from payouts import chart, commissions, deposits, runs, sales
from payouts.models import PayoutRun
from payouts.transfers import sender_with, settle_transfer
from tests.factories import paying
from tests.factories.world import World, make_sale, make_user, make_world
from tracking.conversions import facts_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("books_agree")]

PAPER = Path(__file__).parents[2] / "docs" / "accounting.md"
HOLD = timedelta(days=30)

type Row = tuple[str, str, str, str]  # reference, debit, credit, amount
type Script = Callable[["Play"], Iterator[str]]


@dataclass(slots=True)
class Example:
    """One worked example as the paper has it."""

    title: str
    steps: list[tuple[str, list[Row]]] = field(default_factory=list)
    balances: dict[str, str] = field(default_factory=dict)


# ── Reading the paper ────────────────────────────────────────────────────────────────────


def cells_of(line: str) -> list[str]:
    """The cells of a table's line, without the marks of code."""
    return [cell.strip().strip("`") for cell in line.strip().strip("|").split("|")]


def tables_of(text: str) -> Iterator[list[list[str]]]:
    """The tables of a Markdown text, each a list of rows, the first of them the head."""
    lines = [line.startswith("|") and line for line in text.splitlines()]
    for is_table, group in groupby(lines, key=bool):
        if is_table:
            rows = [cells_of(line) for line in group if line]
            yield [rows[0], *rows[2:]]


def read_examples() -> dict[str, Example]:
    """The examples by title."""
    found = {}
    body = PAPER.read_text(encoding="utf-8").partition("## Worked examples")[2].partition("\n## ")[0]
    for section in body.split("\n### ")[1:]:
        example = Example(section.partition("\n")[0].strip())
        for head, *rows in tables_of(section):
            if head == ["Step", "Reference", "Debit", "Credit", "Amount"]:
                for step, group in groupby(rows, key=lambda row: row[0]):
                    example.steps.append((step, [tuple(row[1:]) for row in group]))
            elif head == ["Afterwards", "Balance"]:
                example.balances.update(dict(rows))
            else:
                raise AssertionError(f"{example.title}: a table with the head {head} is not understood")
        found[example.title] = example
    return found


EXAMPLES = read_examples()


# ── Playing it ───────────────────────────────────────────────────────────────────────────


@dataclass(slots=True)
class Play:
    """A small network, its clock, and the verbs in the words of the paper."""

    world: World
    now: datetime
    bank: paying.Bank = field(default_factory=paying.Bank)

    def sell(self, amount: str = "100.00") -> sales.Sale:
        return make_sale(self.world, amount, at=self.now)

    def refund(self, sale: sales.Sale, amount: str | None = None) -> None:
        money = Money.parse(amount, self.world.merchant.currency) if amount else None
        sales.refund_sale(sale.conversion, amount=money, reference="rf", at=self.now)

    def end_hold(self) -> None:
        self.now += HOLD
        commissions.approve_due_commissions(at=self.now)
        self.now += timedelta(hours=1)

    def prepare(self) -> PayoutRun:
        self.bank = paying.Bank()
        return paying.prepare(self.now)

    def settle(self, run: PayoutRun) -> None:
        paying.settle(paying.send(run, self.bank, at=self.now), self.bank, at=self.now)

    def pay(self, run: PayoutRun) -> None:
        self.settle(paying.start(run, at=self.now))

    def news_of_reversal(self) -> None:
        [transfer] = self.bank.transfers.values()
        back = replace(transfer, reversed_minor=transfer.amount_minor)
        self.bank.transfers[transfer.id] = back
        settle_transfer(sender_with(self.bank, clock=lambda: self.now), back)


def a_sale(play: Play) -> Iterator[str]:
    play.sell()
    yield "the order is reported"


def a_partial_refund(play: Play) -> Iterator[str]:
    sale = play.sell()
    yield "the order is reported"
    play.refund(sale, "25.00")
    yield "25.00 are refunded"


def approval(play: Play) -> Iterator[str]:
    yield from a_partial_refund(play)
    play.end_hold()
    yield "the hold ends"


def earned(play: Play) -> Iterator[str]:
    play.sell()
    yield "the order is reported"
    play.end_hold()
    yield "the hold ends"


def a_refund_after_approval(play: Play) -> Iterator[str]:
    sale = play.sell()
    yield "the order is reported"
    play.end_hold()
    yield "the hold ends"
    play.refund(sale, "25.00")
    yield "25.00 are refunded"


def a_run_reserves(play: Play) -> Iterator[str]:
    yield from earned(play)
    play.prepare()
    yield "the run is prepared"


def settlement(play: Play) -> Iterator[str]:
    yield from earned(play)
    run = play.prepare()
    yield "the run is prepared"
    play.pay(run)
    yield "the transfer is read again"


def a_return_after_payment(play: Play) -> Iterator[str]:
    sale = play.sell()
    yield "the order is reported"
    play.end_hold()
    yield "the hold ends"
    run = play.prepare()
    yield "the run is prepared"
    play.pay(run)
    yield "the transfer is read again"
    play.refund(sale)
    yield "the whole order is refunded"
    play.sell("300.00")
    yield "an order of 300.00 is reported"
    play.end_hold()
    yield "the hold ends again"
    run = play.prepare()
    yield "the next run is prepared"
    play.pay(run)
    yield "its transfer is read again"


def a_refused_payout(play: Play) -> Iterator[str]:
    yield from earned(play)
    run = play.prepare()
    yield "the run is prepared"
    play.bank.refuses = "account_closed"
    play.pay(run)
    yield "Stripe refuses it"


def a_netting_given_back(play: Play) -> Iterator[str]:
    sale = play.sell()
    play.end_hold()
    play.pay(play.prepare())
    play.refund(sale)
    play.sell("300.00")
    play.end_hold()
    yield "the affiliate owes 20.00 and has earned 60.00"
    run = play.prepare()
    yield "the run is prepared"
    runs.cancel_run(run, by=run.prepared_by, at=play.now)
    yield "the run is cancelled"


def a_transfer_comes_back(play: Play) -> Iterator[str]:
    yield from settlement(play)
    play.news_of_reversal()
    yield "the transfer is reversed"


def a_deposit(play: Play) -> Iterator[str]:
    deposits.fund_merchant(
        play.world.merchant,
        Money(8000, "USD"),
        reference="wire-7",
        at=play.now,
        by=make_user().public_id,
    )
    yield "80.00 arrive"
    yield from earned(play)
    run = play.prepare()
    yield "the run is prepared"
    run = paying.start(run, at=play.now)
    yield "the run starts"
    play.settle(run)
    yield "the transfer is read again"


def whole_units(play: Play) -> Iterator[str]:
    play.sell("10002.55")
    yield "an order of 10002.55 is reported"
    play.end_hold()
    yield "the hold ends"
    play.prepare()
    yield "the run is prepared"


def an_order_amended_up(play: Play) -> Iterator[str]:
    sale = play.sell()
    yield "the order is reported"
    more = facts_of(sale.conversion, amount=Money.parse("150.00", "USD"))
    sales.amend_sale(sale.conversion, more, reference="am-1", at=play.now)
    yield "it is amended to 150.00"


def a_dispute(play: Play) -> Iterator[str]:
    sale = play.sell()
    yield "the order is reported"
    play.end_hold()
    yield "the hold ends"
    run = play.prepare()
    yield "the run is prepared"
    play.pay(run)
    yield "the transfer is read again"
    sales.dispute_lost(sale.conversion, reference="dp_1", at=play.now)
    yield "the dispute is lost"
    sales.dispute_won(sale.conversion, reference="dp_1", at=play.now)
    yield "the dispute is won"


SCRIPTS: dict[str, Script] = {
    "A sale": a_sale,
    "A partial refund before approval": a_partial_refund,
    "Approval": approval,
    "A refund after approval, before any run": a_refund_after_approval,
    "A run reserves": a_run_reserves,
    "Settlement": settlement,
    "A return after payment, netted in the next run": a_return_after_payment,
    "An order amended up while it is on hold": an_order_amended_up,
    "A dispute lost, then won": a_dispute,
    "A refused payout is given back": a_refused_payout,
    "A payout with netting is given back": a_netting_given_back,
    "A settled transfer comes back": a_transfer_comes_back,
    "A deposit, funded and applied": a_deposit,
    "A currency that is paid in whole units": whole_units,
}


# ── Comparing ────────────────────────────────────────────────────────────────────────────


def as_in_the_paper(text: str, world: World) -> str:
    """A name of the book with its ids left out."""
    return re.sub(
        r"\b([a-z]+)_[0-9a-z]{26}\b",
        r"\1_…",
        text.replace(world.merchant.owner_name, "merchant/acme"),
    )


def rows_after(last: int, world: World) -> tuple[int, list[Row]]:
    """The postings written since, in their order; and the last one's number."""
    written = Posting.objects.filter(pk__gt=last).select_related("entry", "debit", "credit").order_by("pk")
    rows = [
        (
            as_in_the_paper(posting.entry.reference, world),
            as_in_the_paper(posting.debit.name, world),
            as_in_the_paper(posting.credit.name, world),
            posting.amount.major,
        )
        for posting in written
    ]
    return max((posting.pk for posting in written), default=last), rows


def balances_now(world: World) -> dict[str, str]:
    """Every account's balance on its own side; accounts of one name and many ids are added up."""
    sums: dict[str, Money] = {}
    for account in Account.objects.all():
        name = as_in_the_paper(account.name, world)
        sums[name] = sums.get(name, Money.zero(account.currency)) + Money(account.balance_minor, account.currency)
    return {name: amount.major for name, amount in sums.items()}


@pytest.mark.parametrize("title", SCRIPTS)
def test_the_example_is_booked_as_the_paper_says(title, at):
    example = EXAMPLES[title]
    world = make_world(at, currency="HUF" if "HUF" in section(title) else "USD")
    play = Play(world, at)
    played, last = [], 0

    for step in SCRIPTS[title](play):
        last, rows = rows_after(last, world)
        played.append((step, rows))

    assert played == example.steps
    assert balances_now(world) == example.balances


def test_every_example_of_the_paper_is_played_and_no_other():
    assert list(EXAMPLES) == list(SCRIPTS)


def test_the_chart_names_every_kind_of_account_with_its_type_and_guard():
    [chart_table, entries_table] = tables_of(section_of("## Chart of accounts"))
    written = {row[0]: (row[1], row[2] == "yes") for row in chart_table[1:]}

    assert written == {kind.name: (kind.type.value, kind.is_guarded) for kind in accounts._KINDS.values()}
    assert chart.CASH.kind in written
    used = {
        row[0].partition("…:")[2].partition(":")[0]
        for steps in EXAMPLES.values()
        for _, rows in steps.steps
        for row in rows
    }
    listed = {row[1].partition("…:")[2].partition(":")[0] for row in entries_table[1:]}
    assert listed == used, "each kind of entry is shown in an example"


def test_the_paper_rounds_as_the_house_does():
    assert Money.parse("80.04", "USD").share(Decimal("0.125")) == Money(1001, "USD")


def section(title: str) -> str:
    """An example's text."""
    return PAPER.read_text(encoding="utf-8").partition(f"### {title}\n")[2].partition("\n### ")[0]


def section_of(heading: str) -> str:
    """A chapter's text."""
    return PAPER.read_text(encoding="utf-8").partition(f"{heading}\n")[2].partition("\n## ")[0]
