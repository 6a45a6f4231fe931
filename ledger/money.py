"""Money: whole minor units and a currency. No floats, no arithmetic across currencies."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Self

from ledger.currencies import STRIPE_WHOLE_UNIT_PAYOUTS, digits
from ledger.errors import CurrencyMismatch, MoneyUnreadable

#: What a signed 64-bit column holds, less room for sums.
LARGEST_MINOR = 10**15

_DECIMAL = re.compile(r"-?[0-9]{1,16}(\.[0-9]{1,6})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Money:
    """An amount of one currency in its minor units: Money(1240, "USD") is 12.40 dollars."""

    minor: int
    currency: str

    @classmethod
    def zero(cls, currency: str) -> Self:
        """Nothing, in a currency."""
        return cls(0, currency)

    @classmethod
    def parse(cls, text: str, currency: str, *, field: str = "amount", negative: bool = False) -> Self:
        """Read a decimal text in major units, such as "80.00", with the currency's own digits.

        Raises MoneyUnreadable (more digits than the currency has, an exponent, NaN, a sign where
        none may be, too large) and CurrencyUnknown; both name the field.
        """
        places = digits(currency)
        if not isinstance(text, str) or not _DECIMAL.fullmatch(text):
            raise MoneyUnreadable(
                f'{field} must be a plain decimal number as text, such as "{Decimal(80).quantize(Decimal(1).scaleb(-places))}".',
                field=field,
            )
        value = Decimal(text)
        if value < 0 and not negative:
            raise MoneyUnreadable(f"{field} is negative. Send a refund to take money back.", field=field)
        minor = value.scaleb(places)
        if minor != minor.to_integral_value():
            raise MoneyUnreadable(f"{field} has more decimals than {currency} has ({places}).", field=field)
        if abs(minor) > LARGEST_MINOR:
            raise MoneyUnreadable(f"{field} is larger than any order.", field=field)
        return cls(int(minor), currency)

    def _same(self, other: "Money") -> None:
        if self.currency != other.currency:
            raise CurrencyMismatch(f"{self.currency} and {other.currency} do not add up.")

    def __add__(self, other: "Money") -> "Money":
        self._same(other)
        return Money(self.minor + other.minor, self.currency)

    def __sub__(self, other: "Money") -> "Money":
        self._same(other)
        return Money(self.minor - other.minor, self.currency)

    def __neg__(self) -> "Money":
        return Money(-self.minor, self.currency)

    def __lt__(self, other: "Money") -> bool:
        self._same(other)
        return self.minor < other.minor

    def __le__(self, other: "Money") -> bool:
        self._same(other)
        return self.minor <= other.minor

    def __bool__(self) -> bool:
        return self.minor != 0

    def share(self, rate: Decimal) -> "Money":
        """The part `rate` (0.125 is 12.5 %) of it, rounded half up once, away from zero."""
        exact = Decimal(self.minor) * rate
        return Money(int(exact.quantize(Decimal(1), rounding=ROUND_HALF_UP)), self.currency)

    def split(self, weights: Sequence[int | Decimal]) -> list["Money"]:
        """Parts in proportion to `weights` that add up to the whole to the last minor unit.

        Largest remainder (Hamilton): every part gets its floor, the units left over go to the
        largest remainders, ties to the earlier part. Raises ValueError when no weight is positive
        or one is negative.
        """
        total = sum(Decimal(weight) for weight in weights)
        if total <= 0 or any(weight < 0 for weight in weights):
            raise ValueError("weights must not be negative, and one must be positive")
        sign = -1 if self.minor < 0 else 1
        whole = abs(self.minor)
        exact = [Decimal(whole) * Decimal(weight) / total for weight in weights]
        parts = [int(part) for part in exact]
        order = sorted(range(len(parts)), key=lambda n: (-(exact[n] - parts[n]), n))
        for n in range(whole - sum(parts)):
            parts[order[n % len(order)]] += 1
        return [Money(sign * part, self.currency) for part in parts]

    def whole_units(self) -> tuple["Money", "Money"]:
        """What Stripe can pay out of it, and the rest that stays payable.

        Only HUF, ISK, TWD and UGX are cut to whole major units.
        """
        if self.currency not in STRIPE_WHOLE_UNIT_PAYOUTS:
            return self, Money.zero(self.currency)
        unit = 10 ** digits(self.currency)
        rest = self.minor % unit
        return Money(self.minor - rest, self.currency), Money(rest, self.currency)

    def to_decimal(self) -> Decimal:
        """In major units, exactly."""
        return Decimal(self.minor).scaleb(-digits(self.currency))

    @property
    def major(self) -> str:
        """In major units as machines write it: "12.40", "1234" (JPY)."""
        return f"{self.to_decimal():f}" if digits(self.currency) else str(self.minor)

    def __str__(self) -> str:
        return f"{self.major} {self.currency}"
