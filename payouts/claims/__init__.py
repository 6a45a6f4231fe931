"""Claims: a partner says that a sale is missing or an amount is not right; the merchant answers, or its silence does.

clock.py    working minutes, promised replies and deadlines (pure)
policies.py what each merchant promises
asking.py   "why not me?": answered at once from the event log, limited, logged
papers.py   proof: read by its first bytes, kept where nobody finds it without this house
thread.py   the steps of a claim as notes and events
opening.py  what a partner does: claim, answer, add proof, appeal, withdraw
granting.py what an accepted claim books, exactly once
deciding.py what the merchant, the network and time do
"""
