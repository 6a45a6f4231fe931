"""Ways to get it wrong: the algorithm with one rule broken at a time.

A prover that finds nothing proves nothing until it has been seen to find something. Each of
these must be caught; one that survives names a fault the schedules do not know yet.
"""

from payouts.prover.mutants import answers, books, claims, frozen, keys

MUTANTS = [*keys.MUTANTS, *claims.MUTANTS, *frozen.MUTANTS, *answers.MUTANTS, *books.MUTANTS]
