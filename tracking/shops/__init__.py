"""Shops' own words for orders: events are read into notices, and notices folded into one state. All of it is pure.

    read(event) → Notice            what one event says, whatever else was said before
    fold(notices) → ShopOrder       the order as all its events together describe it

The fold looks at the set of notices and never at the order in which they came: late, early, doubled
and out-of-order events end in one state. `payouts/converging.py` then books the difference.
"""
