"""Whose sale is it? Decided on the server by pure functions, and kept with everything they saw.

    gather.py   what a decision sees, out of the database
    decide.py   facts in, a Decision out: whose, in what parts, and why every other touch lost
    store.py    written down once, with the inputs, so that it can be asked again
    compare.py  every model side by side over the same orders

The rules are told in docs/attribution.md.
"""
