"""Reading the values of a document: texts, rates, amounts, conditions. What is wrong goes to the notes, by path."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Final

from ledger.currencies import digits, is_known
from ledger.errors import Refusal
from ledger.money import Money
from payouts.rules.conditions import ALWAYS, Condition, Group, Written, make_condition
from payouts.rules.fields import FIELDS, Field, Kind, field_of, number_in
from payouts.rules.problems import Notes

MOST_CONDITIONS = 50
MOST_VALUES = 1000
DEEPEST = 4
_LONGEST_TEXT = 200
_LONGEST_NAME = 120
_RATE: Final = re.compile(r"[0-9]{1,4}(\.[0-9]{1,6})?", re.ASCII)
_EVENT: Final = re.compile(r"[a-z][a-z0-9_.\-]{0,39}", re.ASCII)
_MISSING: Final = object()


@dataclass(slots=True)
class Reader:
    """Reads one document in the program's `currency`; `currencies` are all that its orders may be in."""

    currency: str
    currencies: Collection[str] = ()
    notes: Notes = field(default_factory=Notes)
    made: dict[tuple[str, str, Written], Condition] = field(default_factory=dict)

    def say(self, path: str, kind: str, message: str) -> None:
        """Note a problem."""
        self.notes.add(path, kind, message)

    # ── Shapes ───────────────────────────────────────────────────────────────────────────

    def mapping(self, value: object, path: str, known: Collection[str]) -> Mapping[str, Any] | None:
        """An object with no other keys than these."""
        if not isinstance(value, Mapping):
            self.say(path, "form", f"Send an object with {', '.join(sorted(known))}.")
            return None
        for name in value:
            if name not in known:
                shown = str(name)[:40]
                self.say(
                    f"{path}.{shown}".lstrip("."),
                    "form",
                    f"“{shown}” is unknown here. Known: {', '.join(sorted(known))}.",
                )
        return value

    def rows(self, value: object, path: str, *, most: int) -> list[object]:
        """A list of at most so many."""
        if not isinstance(value, list):
            self.say(path, "form", "Send a list, [] for none.")
            return []
        if len(value) > most:
            self.say(path, "too_many", f"At most {most}; here are {len(value)}.")
        return value[:most]

    def choice[T: str](self, row: Mapping[str, Any], key: str, path: str, choices: tuple[T, ...], default: Any) -> T:
        """One of a few words; `default` where the key is missing, which is noted when there is none."""
        value = row.get(key, _MISSING)
        if value is _MISSING and default is not None:
            return default  # type: ignore[no-any-return]
        if not isinstance(value, str) or value not in choices:
            self.say(f"{path}.{key}", "form", f"Send one of {', '.join(choices)}.")
            return choices[0]
        return next(one for one in choices if one == value)

    def name(self, row: Mapping[str, Any], path: str) -> str:
        """The name people read."""
        value = row.get("name", "")
        if not isinstance(value, str) or not value.strip():
            self.say(f"{path}.name", "empty", "Give it a name that partners can read.")
            return ""
        if len(value.strip()) > _LONGEST_NAME or not value.isprintable():
            self.say(f"{path}.name", "value", f"A name is one line of at most {_LONGEST_NAME} characters.")
        return value.strip()[:_LONGEST_NAME]

    def event(self, row: Mapping[str, Any], path: str) -> str:
        """What kind of conversion it is about; a sale when nothing is said."""
        value = row.get("event", "sale")
        if not isinstance(value, str) or not _EVENT.fullmatch(value):
            self.say(f"{path}.event", "value", "An event is a lower-case word such as sale, lead or click.")
            return "sale"
        return value

    # ── Values ───────────────────────────────────────────────────────────────────────────

    def rate(self, value: object, path: str, *, largest: Decimal | None = Decimal(1)) -> Decimal:
        """A fraction as text: "0.2" is 20 %."""
        if not isinstance(value, str) or not _RATE.fullmatch(value):
            self.say(path, "value", 'A rate is text with at most six decimals: "0.2" is 20 %.')
            return Decimal(0)
        rate = Decimal(value)
        if largest is not None and rate > largest:
            self.say(
                path,
                "rate_over",
                f'A rate over 100 % pays more than the order is worth. "0.2" is 20 %; this is {plain(rate * 100)} %.',
            )
        return rate.normalize()

    def amount(self, value: object, path: str) -> int:
        """An amount of the program's currency as text, in minor units."""
        try:
            return Money.parse(value, self.currency, field=path).minor  # type: ignore[arg-type]
        except Refusal:
            example = Money(10 ** digits(self.currency) * 5, self.currency).major
            self.say(path, "amount", f'An amount in {self.currency} is text such as "{example}", 0 or more.')
            return 0

    def whole(self, value: object, path: str, *, least: int = 0, most: int = 10**9) -> int:
        """A whole number within limits."""
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            self.say(path, "value", f"Send a whole number from {least} to {most}.")
            return least
        return value

    def moment(self, value: object, path: str) -> datetime | None:
        """An instant with its offset; None for none."""
        if value is None or value == "":
            return None
        try:
            found = datetime.fromisoformat(value) if isinstance(value, str) else None
            if found is not None and found.tzinfo is not None:
                return found.astimezone(UTC)
        except (ValueError, OverflowError):
            pass
        self.say(path, "value", "Send an instant with its offset, such as 2026-11-27T00:00:00+01:00.")
        return None

    # ── Conditions ───────────────────────────────────────────────────────────────────────

    def group(self, value: object, path: str, *, items: bool) -> Group:
        """A group of conditions; {} or nothing is always. `items` says whether positions may be asked about."""
        if value is None or value == {}:
            return ALWAYS
        count = [0]
        found = self._group(value, path, 1, count)
        if count[0] > MOST_CONDITIONS:
            self.say(
                path, "too_many", f"At most {MOST_CONDITIONS} conditions; here are {count[0]}. Make two lines of it."
            )
        if not items and found.asks_items:
            self.say(
                path, "form", "It is about whole orders and cannot ask about positions. Write an item line for them."
            )
        return found

    def _group(self, value: object, path: str, depth: int, count: list[int]) -> Group:
        if depth > DEEPEST:
            self.say(path, "too_deep", f"Groups lie at most {DEEPEST} deep. Make several lines of it.")
            return ALWAYS
        row = self.mapping(value, path, ("all", "any"))
        if row is None:
            return ALWAYS
        if len(row) != 1 or not ({"all", "any"} & row.keys()):
            self.say(path, "form", "A group has either all or any, with a list of conditions.")
            return ALWAYS
        mode: Any = next(iter(row))
        listed = row[mode]
        if not isinstance(listed, list):
            self.say(f"{path}.{mode}", "form", "Send a list of conditions.")
            return ALWAYS
        if not listed:
            self.say(f"{path}.{mode}", "empty", "An empty group asks nothing. Add a condition, or take the group out.")
        members: list[Condition | Group] = []
        for number, one in enumerate(listed[: MOST_CONDITIONS + 1]):
            below = f"{path}.{mode}.{number}"
            if isinstance(one, Mapping) and ("all" in one or "any" in one):
                members.append(self._group(one, below, depth + 1, count))
                continue
            count[0] += 1
            condition = self._condition(one, below)
            if condition is not None:
                members.append(condition)
        count[0] += max(len(listed) - MOST_CONDITIONS - 1, 0)
        return Group(mode, tuple(members))

    def _condition(self, value: object, path: str) -> Condition | None:
        row = self.mapping(value, path, ("field", "op", "value"))
        if row is None:
            return None
        name, op = row.get("field"), row.get("op")
        known = field_of(name) if isinstance(name, str) else None
        if known is None:
            near = [one for one in FIELDS if isinstance(name, str) and name and one.endswith(name.rpartition(".")[2])]
            hint = f" Did you mean {near[0]}?" if near else " docs/rules.md lists them all."
            self.say(f"{path}.field", "unknown_field", f"There is no field “{str(name)[:60]}”.{hint}")
            return None
        if not isinstance(op, str) or op not in known.ops:
            self.say(f"{path}.op", "unknown_op", f"{known.name} knows {', '.join(known.ops)}.")
            return None
        before = len(self.notes.problems)
        written, wanted = self._operand(known, op, row, f"{path}.value")
        if len(self.notes.problems) > before:
            return None
        # Lines that ask the same share one condition, which an order is then asked once.
        key = (known.name, op, written)
        return self.made.get(key) or self.made.setdefault(key, make_condition(known.name, op, written, wanted))

    def _operand(self, known: Field, op: str, row: Mapping[str, Any], path: str) -> tuple[Written, Any]:
        value = row.get("value", _MISSING)
        if op in {"is_set", "is_not_set"}:
            if value not in (_MISSING, None):
                self.say(path, "form", f"{op} takes no value. Leave it out.")
            return None, None
        if op == "between":
            if not isinstance(value, list) or len(value) != 2:
                self.say(path, "form", "between takes a list of two: the lowest and the highest, both included.")
                return None, None
            pairs = [self._one(known, op, one, f"{path}.{place}") for place, one in enumerate(value)]
            if None not in (pairs[0][1], pairs[1][1]) and pairs[0][1] > pairs[1][1]:
                self.say(path, "contradiction", "Nothing lies between these: the first has to be the lower one.")
            return tuple(pair[0] for pair in pairs), tuple(pair[1] for pair in pairs)
        if op in {"any_of", "none_of"}:
            return self._several(known, op, value, path)
        if isinstance(value, list):
            self.say(path, "form", f"{op} takes one value. For several use any_of or none_of.")
            return None, None
        return self._one(known, op, value, path)

    def _several(self, known: Field, op: str, value: object, path: str) -> tuple[Written, Any]:
        if not isinstance(value, list):
            self.say(path, "form", f'{op} takes a list, such as ["a", "b"]; a comma inside a text separates nothing.')
            return None, None
        if not value:
            self.say(path, "empty", "An empty list fits nothing. Add a value.")
        if len(value) > MOST_VALUES:
            self.say(path, "too_many", f"At most {MOST_VALUES} values. Use the category, or several lines.")
        pairs = {
            pair[1]: pair[0]
            for n, one in enumerate(value[:MOST_VALUES])
            if (pair := self._one(known, op, one, f"{path}.{n}"))
        }
        kept = {wanted: written for wanted, written in pairs.items() if wanted is not None}
        order = sorted(kept, key=lambda wanted: (str(type(wanted)), wanted))
        return tuple(kept[wanted] for wanted in order), tuple(order)

    def _one(self, known: Field, op: str, value: object, path: str) -> tuple[Any, Any]:
        if known.kind is Kind.YES_NO:
            if not isinstance(value, bool):
                self.say(path, "value", "Send true or false.")
            return value, value
        if known.kind is Kind.NUMBER:
            found = self.whole(value, path, least=known.least or 0, most=10**9 if known.most is None else known.most)
            return found, found
        if known.kind is Kind.MONEY:
            minor = self.amount(value, path)
            return plain(Money(minor, self.currency).to_decimal()), minor
        if known.kind is Kind.DATE:
            return self._date(value, path)
        if known.kind is Kind.OPEN and op in {"above", "at_least", "below", "at_most", "between"}:
            number = number_in(value)
            if number is None:
                self.say(path, "value", 'Send a number as text, such as "12.5".')
                return None, None
            return plain(number), number
        return self._word(known, value, path)

    def _date(self, value: object, path: str) -> tuple[Any, Any]:
        try:
            found = date.fromisoformat(value) if isinstance(value, str) and len(value) == 10 else None
        except ValueError:
            found = None
        if found is None:
            self.say(path, "value", "Send a day such as 2026-11-27.")
            return None, None
        return found.isoformat(), found

    def _word(self, known: Field, value: object, path: str) -> tuple[Any, Any]:
        if not isinstance(value, str) or not value.strip() or len(value) > _LONGEST_TEXT:
            self.say(path, "value", f"Send a text of 1 to {_LONGEST_TEXT} characters.")
            return None, None
        written = value.strip()
        wanted: Any = known.read((written,) if known.kind is Kind.LIST else written)
        if known.kind is Kind.LIST:
            (wanted,) = wanted
        if known.choices:
            if wanted not in known.choices:
                self.say(path, "value", f"Send one of {', '.join(known.choices)}.")
            written = wanted
        elif known.shape:
            written = written.upper()
            if not re.fullmatch(known.shape, wanted):
                self.say(path, "value", "Send a code such as DE for a country or EUR for a currency.")
            elif known.name == "order.currency":
                self._currency(written, path)
        return written, wanted

    def _currency(self, code: str, path: str) -> None:
        paid = {self.currency, *self.currencies}
        if not is_known(code) or code not in paid:
            self.say(path, "currency", f"The program has no orders in {code[:8]}. It has {', '.join(sorted(paid))}.")


def plain(number: Decimal) -> str:
    """A decimal as text: no exponent, no trailing zeros."""
    return f"{number.normalize():f}" if number else "0"
