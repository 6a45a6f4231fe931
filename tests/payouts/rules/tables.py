"""Orders as the tables that the twin takes."""

from collections.abc import Sequence

import pandas as pd

from payouts.rules.facts import Facts
from payouts.rules.fields import FIELDS, field_of


def tables_of(orders: Sequence[Facts]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """One row for each order, and one for each of its positions."""
    names = [name for name, known in FIELDS.items() if known.scope == "order" and not name.startswith("time.")]
    rows = []
    for facts in orders:
        row = {name: FIELDS[name].get(facts, None) for name in names if name != "order.base"}
        channel = field_of("order.metadata.channel")
        row |= {
            "event": facts.event,
            "currency": facts.currency,
            "at": facts.at,
            "order.metadata.channel": channel.get(facts, None) if channel else None,
            "order.tax": facts.tax_minor,
            "order.shipping": facts.shipping_minor,
            "order.discount": facts.discount_minor,
            "order.fees": facts.fees_minor,
            "order.refunded": facts.refunded_minor,
            "partner.rate_cut": facts.partner.rate_cut,
        }
        rows.append(row)
    items = [
        {
            "order": place,
            "item.sku": item.sku,
            "item.category": item.category,
            "item.amount": item.amount_minor,
            "item.quantity": item.quantity,
            "item.refunded": item.refunded_minor,
        }
        for place, facts in enumerate(orders)
        for item in facts.items
    ]
    columns = ["order", "item.sku", "item.category", "item.amount", "item.quantity", "item.refunded"]
    return pd.DataFrame(rows), pd.DataFrame(items, columns=columns)
