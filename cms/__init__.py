"""FACE: the program's public pages.

May import: payouts, tracking, affiliates, ledger (their queries).
"""
