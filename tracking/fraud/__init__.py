"""Fraud: what a partner's clicks and orders look like, against the others of its program (F1-F17).

tails.py      the probabilities, by the book
facts.py      what the rules are told of a partner
baseline.py   what is usual in a program: medians over its partners
clicks.py     F1-F7 and F13-F16: rules over clicks and times
people.py     F8, F9 and F17: facts about who is who
orders.py     F10-F12: rules over codes, refunds and customers
judging.py    which findings stand: corrected for many tests and many partners
policies.py   what a merchant wants of each rule
gathering.py  the facts of one program, read in sets
findings.py   findings kept, and what people answer
"""
