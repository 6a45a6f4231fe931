"""Refusals: the house understood and says no.

    Refusal
    ├── MoneyUnreadable      a text that is no amount of this currency
    ├── CurrencyUnknown      a currency code nobody issues
    ├── CurrencyMismatch     arithmetic across currencies
    ├── ReferenceConflict    a reference used again for another entry
    └── NotEnough            a move that would overdraw a guarded account

A refusal carries a stable `code` and, when it is about input, the `field`; the door picks
the words and the status. A bug is not a refusal.
"""


class Refusal(Exception):
    """A no with a name. `message` is one English sentence for logs and the API."""

    code = "refused"

    def __init__(self, message: str, *, code: str | None = None, field: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.field = field
        if code is not None:
            self.code = code


class MoneyUnreadable(Refusal):
    """The text is no amount of this currency."""

    code = "amount_unreadable"


class CurrencyUnknown(Refusal):
    """No such ISO 4217 currency or house asset."""

    code = "currency_unknown"


class CurrencyMismatch(Refusal):
    """Amounts of two currencies met; exchange is an entry of its own."""

    code = "currency_mismatch"


class ReferenceConflict(Refusal):
    """The reference is taken by an entry that says something else."""

    code = "reference_conflict"


class NotEnough(Refusal):
    """The move would take more out of an account than it holds."""

    code = "not_enough"
