"""The yardstick of `./run bench intake`: a lean loop without Django that writes the rows the real intake writes.

A bare asyncio HTTP server and psycopg; everything that is not needed for these orders is left out: one kind of key, one
kind of order, last click, one rule line, no refusal with a remedy, no replay, no way out for an unusual order. What waits
together shares one transaction (one set in flight, no timer); a request with a thousand orders is a set of its own.
All statements are set-based, and whatever can be copied is copied.
"""

import asyncio
import hashlib
import hmac
import json
import os
import sys
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from uuid import UUID

import psycopg
import uvloop
from psycopg.types.json import Jsonb
from uuid_utils.compat import uuid7

from ledger.base32 import decode, encode

_KNOWN = """
SELECT c.id, c.clicked_at, c.is_counted, c.enrolment_id, c.program_id, c.affiliate_id, e.status, t.id, t.window_days,
    t.hold_days, t.version, v.id, v.version, v.starts_at, l.id, l.position, l.name, l.rate
FROM tracking_click c JOIN affiliates_enrolment e ON e.id = c.enrolment_id
    JOIN affiliates_program p ON p.id = c.program_id AND p.merchant_id = %s
    CROSS JOIN LATERAL (SELECT * FROM affiliates_terms WHERE program_id = p.id ORDER BY starts_at DESC LIMIT 1) t
    CROSS JOIN LATERAL (SELECT * FROM payouts_ruleversion WHERE program_id = p.id ORDER BY starts_at DESC LIMIT 1) v
    CROSS JOIN LATERAL (SELECT * FROM payouts_ruleline WHERE rule_version_id = v.id ORDER BY position LIMIT 1) l
WHERE c.id = ANY(%s)
"""
_ORDERS = """
INSERT INTO tracking_conversion (id, merchant_id, program_id, order_ref, event, amount_minor, currency, tax_minor,
    shipping_minor, discount_minor, refunded_minor, customer_ref, customer_status, country, coupon, click_id, items, metadata,
    customer_email_key, source, fees_minor, subscription_ref, is_renewal, version, is_disputed, is_test, occurred_at,
    recorded_at, content_hash, verdict, reason)
SELECT id, merchant, program, ref, 'sale', minor, currency, 0, 0, 0, 0, customer, '', '', '', click, items::jsonb, '{}',
    '', 'api', 0, '', false, 1, false, false, occurred, now(), hash, 'accepted', ''
FROM unnest(%s::uuid[], %s::uuid[], %s::uuid[], %s::text[], %s::bigint[], %s::text[], %s::text[], %s::uuid[], %s::text[],
    %s::timestamptz[], %s::text[])
    AS o (id, merchant, program, ref, minor, currency, customer, click, items, occurred, hash)
ORDER BY ref ON CONFLICT DO NOTHING RETURNING id
"""
_COPIES = {
    "attribution": "COPY tracking_attribution (id, conversion_id, model, enrolment_id, terms_id, click_id, reason, note,"
    " candidates, engine, inputs, outcome, decided_at) FROM STDIN",
    "share": "COPY tracking_attributionshare (id, attribution_id, enrolment_id, terms_id, click_id, coupon_code, role,"
    " weight, reason, position) FROM STDIN",
    "commission": "COPY payouts_commission (id, conversion_id, enrolment_id, affiliate_id, merchant_id, program_id,"
    " rule_line_id, number, role, amount_minor, reversed_minor, currency, status, accrued_at, due_at, trace) FROM STDIN",
    "entry": "COPY ledger_entry (id, reference, kind, effective_at, by, memo, subjects, data) FROM STDIN",
    "posting": "COPY ledger_posting (entry_id, number, debit_id, credit_id, amount_minor, currency) FROM STDIN",
    "event": "COPY ledger_event (id, name, subject, about, actor, at, data) FROM STDIN",
    "delivery": "COPY ledger_delivery (event_id, subscriber, attempts, next_try_at, last_error) FROM STDIN",
    "request": "COPY tracking_inboxrequest (id, door, merchant_id, whole_id, number, received_at, method, path, content_type,"
    " headers, key_digest, body, is_cut, is_test, ip, verdict, reason, field, detail, status_code, conversion_id, latency_ms)"
    " FROM STDIN",
}
_SECRET = os.environ.get("SECRET_KEY", "").encode()


class Store:
    """The database's side: one connection, one set at a time."""

    def __init__(self, url: str) -> None:
        self.connection = psycopg.connect(url, autocommit=True)

    def take(self, requests: list[tuple[str, list[bytes], bytes]]) -> list[list[dict[str, Any]] | None]:
        """Take in the orders of requests (key, orders, whole body), durably; the answers, None for a wrong key."""
        with self.connection.transaction(), self.connection.cursor() as cursor:
            owners = {key: self._owner(cursor, key) for key in {key for key, _orders, _whole in requests}}
            answers = []
            for merchant in {owner for owner in owners.values() if owner}:
                ours = [request for request in requests if owners[request[0]] == merchant]
                answers += list(zip(ours, self._record(cursor, merchant, ours), strict=True))
        found = {id(request): answer for request, answer in answers}
        return [found.get(id(request)) for request in requests]

    @staticmethod
    def _owner(cursor: psycopg.Cursor[Any], key: str) -> tuple[UUID, str] | None:
        cursor.execute(
            "SELECT m.id, m.slug, k.digest FROM affiliates_apikey k JOIN affiliates_merchant m ON m.id = k.merchant_id"
            " WHERE k.prefix = %s AND k.revoked_at IS NULL",
            [key.rpartition("_")[0]],
        )
        row = cursor.fetchone()
        digest = hmac.new(_SECRET, key.encode(), hashlib.sha256).hexdigest()
        return (row[0], row[1]) if row and hmac.compare_digest(row[2], digest) else None

    def _record(
        self, cursor: psycopg.Cursor[Any], of: tuple[UUID, str], requests: list[tuple[str, list[bytes], bytes]]
    ) -> list[list[dict[str, Any]]]:
        at, (merchant, slug) = datetime.now(UTC), of
        orders = [(body, json.loads(body, parse_float=Decimal)) for _key, bodies, _whole in requests for body in bodies]
        clicks = [decode(order["click_id"][4:]) for _body, order in orders]
        cursor.execute(_KNOWN, [merchant, clicks])
        known = {row[0]: row for row in cursor}
        keys = [uuid7() for _order in orders]
        minors = [int(Decimal(order["amount"]) * 100) for _body, order in orders]
        cursor.execute(
            _ORDERS,
            [
                keys, [merchant] * len(orders), [known[click][4] for click in clicks],
                [order["order_id"] for _body, order in orders], minors, [order["currency"] for _body, order in orders],
                [order["customer"]["id"] for _body, order in orders], clicks,
                [json.dumps(order["items"]) for _body, order in orders],
                [datetime.fromisoformat(order["occurred_at"]) for _body, order in orders],
                [_content_hash(order, minor) for (_body, order), minor in zip(orders, minors, strict=True)],
            ],
        )  # fmt: skip
        new = {row[0] for row in cursor}
        rows: dict[str, list[list[Any]]] = {name: [] for name in _COPIES}
        answers: list[dict[str, Any]] = []
        mer, owner = f"mer_{encode(merchant)}", f"merchant/{slug}:receivable"
        affiliates = {row[5] for row in known.values()}
        names = [owner, *(f"affiliate/aff_{encode(one)}:pending" for one in affiliates)]
        cursor.execute(
            "SELECT name, id FROM ledger_account WHERE name = ANY(%s) AND currency = 'USD' ORDER BY id FOR NO KEY UPDATE",
            [names],
        )
        accounts = dict(cursor.fetchall())
        for (_body, order), click, key, minor in zip(orders, clicks, keys, minors, strict=True):
            if key not in new:
                answers.append({"verdict": "duplicate", "reason": "same_order"})
                continue
            amount = _decide_and_write(rows, order, known[click], key, minor, merchant, mer, accounts, owner, at)
            answers.append({
                "id": f"conv_{encode(key)}", "verdict": "accepted", "reason": None, "test": False,
                "attribution": {"model": "last_click", "affiliate": f"aff_{encode(known[click][5])}"},
                "commissions": [{"amount": f"{amount / 100:.2f}", "currency": "USD", "status": "pending"}],
            })  # fmt: skip
        self._inbox(rows, requests, keys, answers, merchant, at)
        for name, command in _COPIES.items():
            with cursor.copy(command) as copy:
                for row in rows[name]:
                    copy.write_row(row)
        found, done = [], 0
        for _key, bodies, _whole in requests:
            found.append(answers[done : done + len(bodies)])
            done += len(bodies)
        return found

    @staticmethod
    def _inbox(
        rows: dict[str, list[list[Any]]], requests: list[tuple[str, list[bytes], bytes]], keys: list[UUID],
        answers: list[dict[str, Any]], merchant: UUID, at: datetime,
    ) -> None:  # fmt: skip
        number = 0
        headers = Jsonb({"User-Agent": "bench", "Content-Type": "application/json", "Authorization": "Bearer ***"})
        for secret, bodies, whole in requests:
            parent, digest = None, hmac.new(_SECRET, secret.encode(), hashlib.sha256).hexdigest()
            if len(bodies) > 1:
                parent = uuid7()
                rows["request"].append([
                    parent, "api.batch", merchant, None, 0, at, "POST", "/api/v1/conversions/batch", "application/json",
                    headers, digest, whole, False, False, "127.0.0.1", "accepted", "", "", "", 200, None, 1,
                ])  # fmt: skip
            for place, body in enumerate(bodies):
                is_new = answers[number]["verdict"] == "accepted"
                rows["request"].append([
                    uuid7(), "api.item" if parent else "api", merchant, parent, place, at, "POST", "/api/v1/conversions",
                    "application/json", headers, digest, body, False, False, "127.0.0.1",
                    "accepted" if is_new else "duplicate", "", "", "", 201 if is_new else 200,
                    keys[number] if is_new else None, 1,
                ])  # fmt: skip
                number += 1


def _content_hash(order: dict[str, Any], minor: int) -> str:
    content = {name: str(order.get(name, "")) for name in ("currency", "click_id", "customer", "items", "occurred_at")}
    return hashlib.sha256(json.dumps({**content, "amount": minor}, sort_keys=True).encode()).hexdigest()


def _decide_and_write(
    rows: dict[str, list[list[Any]]], order: dict[str, Any], known: Any, key: UUID, minor: int, merchant: UUID, mer: str,
    accounts: dict[str, UUID], owner: str, at: datetime,
) -> int:  # fmt: skip
    """Last click within its window at the rule's rate, half up; all rows of it. What it earns, in minor units."""
    (click, clicked_at, is_counted, enrolment, program, affiliate, status, terms, window, hold, terms_version, rule,
     rule_version, rule_from, line, position, line_name, rate) = known  # fmt: skip
    occurred = datetime.fromisoformat(order["occurred_at"])
    wins = is_counted and status == "approved" and clicked_at <= occurred <= clicked_at + timedelta(days=window)
    assert wins, "the benchmark's orders are all somebody's"
    amount = int((minor * rate).quantize(Decimal(1), ROUND_HALF_UP))
    conv, aff, enr, prog, trm, clk = (
        f"{prefix}_{encode(one)}"
        for prefix, one in (
            ("conv", key), ("aff", affiliate), ("enr", enrolment), ("prog", program), ("terms", terms), ("clk", click),
        )
    )  # fmt: skip
    when = clicked_at.isoformat()
    touch = {
        "id": clk, "kind": "click", "at": when, "enrolment": enr, "affiliate": aff, "program": prog, "terms": trm,
        "status": status, "credit_class": "standard", "found_by": ["reported"], "is_counted": True, "consent": "not_needed",
        "has_visitor": False, "code": "", "policy": "", "is_exclusive": False, "starts_at": None, "ends_at": None,
    }  # fmt: skip
    settings = {
        "terms": trm, "program": prog, "version": terms_version, "currency": "USD", "model": "last_click",
        "window_days": window, "view_window_days": 0, "coupon_window_days": 30, "half_life_days": 7,
        "coupon_policy": "always", "unassigned_code": "ignore", "cart_freeze": "off", "assist_rate": "0.000000",
        "event_windows": {},
    }  # fmt: skip
    inputs = {
        "order": {"occurred_at": occurred.isoformat(), "event": "sale", "coupon": "", "click": clk, "click_state": "seen",
                  "checkout_at": None},
        "touches": [touch], "settings": [settings], "in_force": {prog: trm}, "fits": {},
    }  # fmt: skip
    candidate = {
        "touch": clk, "kind": "click", "click": clk, "at": when, "enrolment": enr, "affiliate": aff, "program": prog,
        "terms": trm, "window_days": window, "seconds_before": int((occurred - clicked_at).total_seconds()),
        "credit_class": "standard", "found_by": ["reported"], "code": "", "won": True, "reason": "last_click", "weight": "1",
        "assist": False, "beaten_by": "",
    }  # fmt: skip
    outcome = {
        "model": "last_click", "reason": "last_click", "note": "", "program": prog, "currency": "USD", "click": clk,
        "shares": [{"enrolment": enr, "affiliate": aff, "terms": trm, "click": clk, "code": "", "role": "winner",
                    "weight": "1.000000000000", "reason": "last_click"}],
        "is_final": True, "engine": 1,
    }  # fmt: skip
    attribution, commission, entry = uuid7(), uuid7(), uuid7()
    rows["attribution"].append([
        attribution, key, "last_click", enrolment, terms, click, "last_click", "", Jsonb([candidate]), 1, Jsonb(inputs),
        Jsonb(outcome), at,
    ])  # fmt: skip
    rows["share"].append([uuid7(), attribution, enrolment, terms, click, "", "winner", Decimal(1), "last_click", 1])
    major, earned = f"{minor / 100:.2f}", f"{amount / 100:.2f}"
    trace = {
        "currency": "USD", "basis": "net", "base_steps": [{"what": "amount", "amount": major}], "base": major,
        "kind": "percent", "rate": f"{rate.normalize():f}", "amount": earned, "rounding": "half_up", "did_not_apply": [],
        "role": "winner", "weight": "1", "whole": earned, "share_reason": "last_click", "rule": f"rule_{encode(rule)}",
        "rule_version": rule_version, "rule_in_force_from": rule_from.isoformat(), "line": position, "line_name": line_name,
        "terms_version": terms_version, "window_days": window, "hold_days": hold,
    }  # fmt: skip
    rows["commission"].append([
        commission, key, enrolment, affiliate, merchant, program, line, 1, "winner", amount, 0, "USD", "pending", at,
        occurred + timedelta(days=hold), Jsonb(trace),
    ])  # fmt: skip
    comm = f"comm_{encode(commission)}"
    rows["entry"].append([entry, f"{comm}:accrual", "commission.accrual", at, "", "", [comm, aff, mer], Jsonb({})])
    rows["posting"].append([entry, 1, accounts[owner], accounts[f"affiliate/{aff}:pending"], amount, "USD"])
    told = (
        (
            "conversion.recorded",
            conv,
            [conv, mer],
            {"order_ref": order["order_id"], "amount": major, "currency": "USD"},
        ),
        (
            "conversion.attributed",
            conv,
            [conv, aff, prog, mer],
            {"reason": "last_click", "model": "last_click", "partners": 1},
        ),
        ("commission.accrued", comm, [comm, aff, mer], {"amount": earned, "currency": "USD"}),
    )
    for name, subject, about, data in told:
        event = uuid7()
        rows["event"].append([event, name, subject, about, "", at, Jsonb(data)])
        rows["delivery"].append([event, "outbound.calls", 0, at, ""])
        if name == "commission.accrued":
            rows["delivery"].append([event, "mail.first_commission", 0, at, ""])
    return amount


class Door(asyncio.Protocol):
    """One connection: HTTP/1.1 with Content-Length, one request at a time."""

    waiting: list[tuple["Door", str, list[bytes], bytes]] = []
    wake = asyncio.Event()

    def __init__(self) -> None:
        self.buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self.transport: Any = transport

    def data_received(self, data: bytes) -> None:
        """Wait with the others once the request is whole."""
        self.buffer += data
        head, sign, body = self.buffer.partition(b"\r\n\r\n")
        if not sign:
            return
        fields = dict(line.split(b": ", 1) for line in head.split(b"\r\n")[1:])
        found = {name.lower(): value for name, value in fields.items()}
        if len(body) < int(found.get(b"content-length", b"0")):
            return
        self.buffer = b""
        if not head.startswith(b"POST"):
            self.answer(200, [])
            return
        key = found[b"authorization"].decode().removeprefix("Bearer ")
        is_batch = head.split(b" ", 2)[1].endswith(b"/batch")
        orders = [json.dumps(one).encode() for one in json.loads(body)["conversions"]] if is_batch else [body]
        Door.waiting.append((self, key, orders, body))
        Door.wake.set()

    def answer(self, status: int, answers: list[dict[str, Any]]) -> None:
        """Write the answer."""
        body = json.dumps({"data": answers} if len(answers) != 1 else answers[0]).encode()
        head = f"HTTP/1.1 {status} OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        with suppress(OSError):
            self.transport.write(head.encode() + body)


async def _serve(port: int, url: str) -> None:
    loop, store = asyncio.get_running_loop(), Store(url)
    await loop.create_server(Door, "127.0.0.1", port)
    while True:
        await Door.wake.wait()
        Door.wake.clear()
        taken, Door.waiting = Door.waiting, []
        if not taken:
            continue
        requests = [(key, orders, whole) for _door, key, orders, whole in taken]
        found = await loop.run_in_executor(None, store.take, requests)
        for (door, *_rest), answers in zip(taken, found, strict=True):
            door.answer(401 if answers is None else 201 if len(answers) == 1 else 200, answers or [])


if __name__ == "__main__":
    uvloop.run(_serve(int(sys.argv[1]), os.environ["DATABASE_URL"]))
