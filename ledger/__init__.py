"""BOOK: pure values and append-only records; the double-entry book and the journal of events.

May import: nothing of ours.
"""
