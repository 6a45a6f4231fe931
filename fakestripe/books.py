"""The stand-in's books: who holds how much, posting by posting, adding up to nothing.

Three kinds of holder: `platform` (the operator's Stripe balance), a connected account, and
`outside` (banks and cards, where top-ups come from and payouts go). Every movement takes from one
holder what it gives to another, so that each currency's balances always sum to zero.
"""

from typing import Any

from fakestripe.ids import new_id
from fakestripe.store import PLATFORM, Store

OUTSIDE = "outside"


def move(
    store: Store,
    *,
    minor: int,
    currency: str,
    source: str,
    target: str,
    at: int,
    cause: str,
    types: tuple[str, str],
    available_on: int | None = None,
    description: str | None = None,
    target_cause: str | None = None,
) -> tuple[str, str]:
    """Move money and write a balance transaction for each holder that Stripe keeps.

    `types` are the two balance transactions' types (source's, target's), `cause` the object that
    brought them about. Answers both ids. A source that would go below zero is an IntegrityError:
    the caller must have refused before.
    """
    ids = new_id("txn"), new_id("txn")
    ripe = at if available_on is None else available_on
    sides = (
        (source, -minor, at, ids[0], types[0], cause),
        (target, minor, ripe, ids[1], types[1], target_cause or cause),
    )
    for holder, change, available, txn, kind, origin in sides:
        store.run(
            "INSERT INTO postings (txn, holder, currency, minor, available_on) VALUES (?, ?, ?, ?, ?)",
            txn, holder, currency, change, available,
        )  # fmt: skip
        changed = store.run(
            "UPDATE balances SET minor = minor + ? WHERE holder = ? AND currency = ?",
            change,
            holder,
            currency,
        ).rowcount
        if not changed:
            store.run(
                "INSERT INTO balances (holder, currency, minor) VALUES (?, ?, ?)",
                holder,
                currency,
                change,
            )
        if holder != OUTSIDE:
            body = {
                "id": txn, "object": "balance_transaction", "amount": change, "available_on": available,
                "balance_type": "payments", "created": at, "currency": currency,
                "description": description, "exchange_rate": None, "fee": 0, "fee_details": [],
                "net": change, "reporting_category": kind, "source": origin,
                "status": "available" if available <= at else "pending", "type": kind,
            }  # fmt: skip
            store.add("balance_transaction", body, created=at, account=holder, source=origin, type=kind)
    return ids


def holdings(store: Store, holder: str, *, at: int) -> dict[str, tuple[int, int]]:
    """What a holder has, by currency: available now, and still pending."""
    pending = dict(
        store.rows(
            "SELECT currency, sum(minor) FROM postings WHERE holder = ? AND available_on > ? GROUP BY currency",
            holder, at,
        )
    )  # fmt: skip
    held = store.rows("SELECT currency, minor FROM balances WHERE holder = ? ORDER BY currency", holder)
    return {currency: (minor - pending.get(currency, 0), pending.get(currency, 0)) for currency, minor in held}


def available(store: Store, holder: str, currency: str, *, at: int) -> int:
    """What a holder may spend now, in minor units."""
    total, waiting = _position(store, holder, currency, at)
    return total - waiting


def held(store: Store, holder: str, currency: str) -> int:
    """What a holder has, pending included, in minor units."""
    return _position(store, holder, currency, 0)[0]


def _position(store: Store, holder: str, currency: str, at: int) -> tuple[int, int]:
    row = store.one("SELECT minor FROM balances WHERE holder = ? AND currency = ?", holder, currency)
    if row is None:
        return 0, 0
    waiting = store.one(
        "SELECT coalesce(sum(minor), 0) FROM postings WHERE holder = ? AND currency = ? AND available_on > ?",
        holder, currency, at,
    )  # fmt: skip
    return row[0], waiting[0] if waiting else 0


def dump(store: Store, *, at: int) -> dict[str, Any]:
    """Everything an outside auditor would compare, and what does not add up (nothing, one hopes)."""
    with store.reading():
        transfers = _totals(store, "transfer_group"), _totals(store, "destination")
        count = store.rows("SELECT count(*) FROM objects WHERE kind = 'transfer'")[0][0]
        holders: dict[str, dict[str, int]] = {}
        for holder, currency, minor in store.rows("SELECT holder, currency, minor FROM balances ORDER BY 1, 2"):
            holders.setdefault(holder, {})[currency] = minor
        differences = _differences(store)
    return {
        "adds_up": not differences,
        "differences": differences,
        "balances": holders,
        "available": {currency: pair[0] for currency, pair in holdings(store, PLATFORM, at=at).items()},
        "transfers": {"count": count, "by_group": transfers[0], "by_destination": transfers[1]},
    }


def _totals(store: Store, column: str) -> dict[str, dict[str, dict[str, int]]]:
    totals: dict[str, dict[str, dict[str, int]]] = {}
    sql = (
        f"SELECT coalesce({column}, ''), json_extract(body, '$.currency'), count(*), "
        "sum(json_extract(body, '$.amount')), sum(json_extract(body, '$.amount_reversed')) "
        "FROM objects WHERE kind = 'transfer' GROUP BY 1, 2 ORDER BY 1, 2"
    )
    for name, currency, count, amount, back in store.rows(sql):
        totals.setdefault(name, {})[currency] = {"count": count, "amount": amount, "reversed": back}
    return totals


def _differences(store: Store) -> list[str]:
    """Five ways of asking whether the books add up."""
    found = [
        f"{currency}: all holders together hold {minor}, not 0"
        for currency, minor in store.rows("SELECT currency, sum(minor) FROM balances GROUP BY currency")
        if minor
    ]
    found += [
        f"{holder} {currency}: balance {kept}, postings say {posted}"
        for holder, currency, kept, posted in store.rows(
            "SELECT b.holder, b.currency, b.minor, coalesce((SELECT sum(p.minor) FROM postings p "
            "WHERE p.holder = b.holder AND p.currency = b.currency), 0) FROM balances b"
        )
        if kept != posted
    ]
    found += [
        f"{holder} {currency}: balance {kept}, balance transactions say {said}"
        for holder, currency, kept, said in store.rows(
            "SELECT b.holder, b.currency, b.minor, coalesce((SELECT sum(json_extract(o.body, '$.net')) "
            "FROM objects o WHERE o.kind = 'balance_transaction' AND o.account = b.holder "
            "AND json_extract(o.body, '$.currency') = b.currency), 0) FROM balances b WHERE b.holder <> ?",
            OUTSIDE,
        )
        if kept != said
    ]
    found += [
        f"{transfer}: {back} reversed, its reversals say {said}"
        for transfer, back, said in store.rows(
            "SELECT t.id, json_extract(t.body, '$.amount_reversed'), coalesce((SELECT "
            "sum(json_extract(r.body, '$.amount')) FROM objects r WHERE r.kind = 'transfer_reversal' "
            "AND r.source = t.id), 0) FROM objects t WHERE t.kind = 'transfer'"
        )
        if back != said
    ]
    sent = store.rows(
        "SELECT currency, sum(minor) FROM (SELECT json_extract(body, '$.currency') AS currency, "
        "json_extract(body, '$.amount') - json_extract(body, '$.amount_reversed') AS minor "
        "FROM objects WHERE kind = 'transfer' UNION ALL SELECT currency, minor FROM postings WHERE holder = ? "
        "UNION ALL SELECT json_extract(body, '$.currency'), -json_extract(body, '$.amount') FROM objects "
        "WHERE kind = 'topup') GROUP BY currency",
        PLATFORM,
    )
    found += [
        f"{currency}: platform's balance is {minor} off top-ups less transfers plus reversals"
        for currency, minor in sent
        if minor
    ]
    return found
