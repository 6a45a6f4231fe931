"""A year of a believable network, played through the real verbs with its own dates.

Nothing is inserted by hand: people join, clicks go through the spool and the drain, orders are
recorded, held, approved and refunded, runs are prepared, approved and sent to the Stripe
stand-in. So the demo is a test of the house as well, and its books agree.
"""
