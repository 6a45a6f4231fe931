"""A statement as PDF: A4, tagged (PDF/UA-1), in the reader's language where this machine can print it."""

import io
import json
import logging
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import segno
import typst
from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from ledger.money import Money
from payouts.statements import StatementLine
from portal.formats import format_moment, format_money, format_number, language_tag
from portal.papers.fonts import chinese_family, latin_families

if TYPE_CHECKING:
    from payouts.models import Statement

log = logging.getLogger(__name__)

_TEMPLATE = Path(__file__).with_name("statement.typ")
_STANDARD = "ua-1"


def statement_pdf(statement: "Statement", lines: Sequence[StatementLine], *, language: str, url: str) -> bytes:
    """The statement's paper. `url` is the address of its payout, printed as a QR code.

    Chinese readers on a machine without Chinese letters get English labels. It never fails for
    want of a font: signs that no font has are left as boxes, and the paper then only lacks the
    standard's seal.
    """
    chinese = chinese_family(language)
    printed = language if chinese or not language.startswith("zh") else "en"
    with translation.override(printed):
        content = _content(statement, lines, url=url)
    tag = language_tag(printed)
    paper = {
        **content,
        "fonts": [*latin_families(), *([chinese] if chinese else [])],
        "lang": tag[:2],
        "region": {"zh-Hans": "cn", "zh-Hant": "tw"}.get(tag, "us"),
    }
    return _typeset({"paper": json.dumps(paper, ensure_ascii=False)}, issued_at=statement.issued_at)


def _typeset(inputs: dict[str, str], *, issued_at: datetime) -> bytes:
    # The same statement is the same file, whenever it is printed.
    common: dict[str, Any] = {
        "format": "pdf", "sys_inputs": inputs, "timestamp": int(issued_at.timestamp()), "pdf_tags": True,
    }  # fmt: skip
    try:
        made: bytes = typst.compile(str(_TEMPLATE), pdf_standards=_STANDARD, **common)
    except typst.TypstError as error:
        log.warning("statement printed without %s: %s", _STANDARD, error)
        made = typst.compile(str(_TEMPLATE), **common)
    return made


def _content(statement: "Statement", lines: Sequence[StatementLine], *, url: str) -> dict[str, Any]:
    figures, currency = statement.figures, statement.currency
    starts, ends = (datetime.fromisoformat(text) for text in figures["period"])
    number = figures["commissions"]
    return {
        "network": settings.NETWORK_NAME,
        "title": _("Statement"),
        "number": statement.number,
        "subtitle": format_moment(statement.issued_at),
        "paid_label": _("Paid"),
        "paid": _money(figures["paid_minor"], currency),
        "facts": [
            [_("Paid to"), figures["payee"]["name"]],
            [_("Statement number"), statement.number],
            [_("Issued"), format_moment(statement.issued_at)],
            [_("Payout run"), figures["label"]],
            [_("Period"), _("%(first)s to before %(last)s") % {"first": format_moment(starts), "last": format_moment(ends)}],
            [_("Transfer"), figures["transfer"] or "–"],
        ],
        "sum_title": _("How the amount was made"),
        "sums": [
            [ngettext("%(number)s commission", "%(number)s commissions", number) % {"number": format_number(number)}, _money(figures["gross_minor"], currency)],
            *([[_("Carried over from earlier payouts"), _money(figures["carried_minor"], currency)]] if figures["carried_minor"] else []),
            *([[_("Taken back for refunded orders"), _money(-figures["netted_minor"], currency)]] if figures["netted_minor"] else []),
        ],
        "lines_title": _("Commissions"),
        "columns": [_("Order of"), _("Program"), _("Commission"), _("Order amount"), _("Amount")],
        "part_label": _("Part"),
        "amount_label": _("Amount"),
        "lines": [
            [format_moment(line.order_at), line.program, line.commission, format_money(line.order_amount), format_money(line.amount)]
            for line in lines
        ],
        "total": [_("Sum of the commissions"), _money(figures["gross_minor"], currency)],
        "page_label": _("Page {page} of {pages}"),
        "note": _("Every amount explains itself: open the payout in your workspace, or read the code."),
        "url": url,
        "qr": _qr(url),
        "qr_label": _("QR code that leads to this payout"),
        "description": _("Statement %(number)s: %(amount)s paid to %(name)s") % {
            "number": statement.number, "amount": _money(figures["paid_minor"], currency), "name": figures["payee"]["name"],
        },
    }  # fmt: skip


def _money(minor: int, currency: str) -> str:
    return format_money(Money(minor, currency), code=True)


def _qr(url: str) -> str:
    drawn = io.BytesIO()
    segno.make_qr(url, error="m").save(drawn, kind="svg", border=0, xmldecl=False)
    return drawn.getvalue().decode()
