"""Statistics: what each figure is, what it can be grouped by, and the clicks behind it.

Figures that need money are put together in payouts/queries/statistics.py.
"""
