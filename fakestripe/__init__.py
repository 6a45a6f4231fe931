"""A stand-in for Stripe that answers over HTTP and keeps books of its own.

It serves the part of Stripe's v1 and v2 interfaces that paying affiliates needs: transfers,
reversals, balances, top-ups, connected accounts, onboarding links, events and webhooks. It
misbehaves on request (`/_control/faults`), so that every awkward answer can be rehearsed.
It imports nothing of this product and nothing of Stripe's: only the standard library.
"""

#: The version of Stripe's interface whose shapes are spoken here.
API_VERSION = "2026-10-28.endive"
