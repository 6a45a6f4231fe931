"""The book's rows. Written only through ledger's verbs; nothing outside imports this package."""

from ledger.models.account import Account
from ledger.models.entry import Entry, Posting
from ledger.models.event import Delivery, Event
from ledger.models.seal import Seal, SealedEntry

__all__ = ["Account", "Delivery", "Entry", "Event", "Posting", "Seal", "SealedEntry"]
