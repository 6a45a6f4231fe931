"""WHO: people, organisations, the terms between them and their standing.

May import: ledger.
"""
