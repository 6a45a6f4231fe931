"""Suspicions: what is looked for each night, what a finding keeps back, and what people answer.

policies.py  a program's rules and promised days, and what another threshold would have hit
looking.py   a program judged over its last thirty days; what is new is kept
holding.py   commissions kept back, under the lock that approval takes
answering.py hold, appeal, ask, release, confirm, and the promised time that ends by itself
steps.py     each step as a line of the finding and an event
lines.py     payouts about whose commissions a finding stands: accepted or excluded before a run goes on

A hold ends in one of three ways, each with an event, a mail and a line of the finding: a person releases it,
the network confirms it, or its promised time is over and it is released by itself. It never just lapses.
"""
