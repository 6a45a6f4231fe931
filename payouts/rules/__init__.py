"""What a conversion is worth: rules in dated versions, and the arithmetic that applies them.

Imports ledger and affiliates; `prices` sees no database.
"""
