"""Fraud: what a partner's clicks and orders look like, against the others of its program (F1-F17).

tails.py      the probabilities, by the book
facts.py      what the rules are told of a partner
baseline.py   what is usual in a program: medians over its partners
outcomes.py   how a test says what it found
times.py      F1-F4 and F13: times of clicks and orders
clicks.py     F5-F7 and F14-F16: what the clicks themselves tell
orders.py     F10-F12: codes, refunds and customers
people.py     F8, F9 and F17: facts about who is who
judging.py    which findings stand: corrected for many tests and many partners
policies.py   what a merchant wants of each rule, and what its numbers mean
gathering.py  the facts of one program, read in sets (gathering_sql.py)
sign_ins.py   from where partners' people sign in

docs/fraud_rules.md has each rule with its formula and source.
"""
