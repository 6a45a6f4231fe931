"""WHAT HAPPENED: links, clicks, conversions, and whose they are.

May import: affiliates, ledger.
"""
