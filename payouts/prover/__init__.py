"""A small world that crashes, forgets and lies, to see that nobody is paid twice or not at all.

Pure Python, no database, no Django; it drives the very procedures of `payouts/sender.py`.
`docs/payout-proof.md` tells the story; `prove.py` is the way in.
"""
