"""WHAT IS OWED AND PAID: rules, commissions, runs, transfers, statements.

May import: tracking, affiliates, ledger.
"""
