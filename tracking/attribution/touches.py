"""What a decision sees: touches, the order, the terms' settings. Frozen, without a database, and JSON both ways."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Self

#: The version of the engine. A decision is stored with it; raise it whenever the same inputs would give another answer.
ENGINE = 1

#: Shops' clocks and ours differ by this much at most.
GRACE = timedelta(minutes=5)

CLICK, VIEW, COUPON, LIFETIME = "click", "view", "coupon", "lifetime"


def instant(text: str) -> datetime:
    """An instant out of its JSON text."""
    return datetime.fromisoformat(text)


def instant_or_none(text: str | None) -> datetime | None:
    """An instant out of its JSON text, or nothing."""
    return None if text is None else datetime.fromisoformat(text)


def as_json(value: Any) -> Any:
    """A value of these classes as JSON: instants in UTC, decimals as plain text."""
    # Most values are plain, and every order has a hundred of them.
    if value is None or isinstance(value, str | int | float):
        return value
    names = getattr(value, "__dataclass_fields__", None)
    if names is not None:
        return {name: as_json(getattr(value, name)) for name in names}
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, tuple | list):
        return [as_json(one) for one in value]
    if isinstance(value, Mapping):
        return {key: as_json(one) for key, one in value.items()}
    return value


@dataclass(frozen=True, slots=True)
class Touch:
    """One thing that may have led to the order: a click, a view, a code that was typed, a bound customer.

    `terms` are those in force at the touch (at the order, for codes and bound customers); empty ids mean
    that there are none. `at` is the order's own time for a code, and the time of binding for a bound customer.
    """

    id: str
    kind: str
    at: datetime
    enrolment: str = ""
    affiliate: str = ""
    program: str = ""
    terms: str = ""
    status: str = "approved"
    credit_class: str = "standard"
    found_by: tuple[str, ...] = ("reported",)
    is_counted: bool = True
    consent: str = "not_needed"
    has_visitor: bool = True
    code: str = ""
    policy: str = ""
    is_exclusive: bool = False
    starts_at: datetime | None = None
    ends_at: datetime | None = None

    @property
    def is_path(self) -> bool:
        """Whether it is a step of the visitor's path: a click or a view."""
        return self.kind in {CLICK, VIEW}

    @property
    def order(self) -> tuple[datetime, bool, str]:
        """Later is greater; a click is later than a view of the same instant."""
        return self.at, self.kind == CLICK, self.id

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The touch that was stored."""
        return cls(
            **{
                **data,
                "at": instant(data["at"]),
                "found_by": tuple(data["found_by"]),
                "starts_at": instant_or_none(data["starts_at"]),
                "ends_at": instant_or_none(data["ends_at"]),
            }
        )


@dataclass(frozen=True, slots=True)
class Settings:
    """What one version of a program's terms says about attribution."""

    terms: str
    program: str
    version: int = 1
    currency: str = "USD"
    model: str = "last_click"
    window_days: int = 30
    view_window_days: int = 0
    coupon_window_days: int = 30
    half_life_days: int = 7
    coupon_policy: str = "always"
    unassigned_code: str = "ignore"
    cart_freeze: str = "off"
    assist_rate: Decimal = Decimal(0)
    event_windows: Mapping[str, Mapping[str, int]] = field(default_factory=dict)

    def window_of(self, kind: str, event: str) -> int:
        """The window in days for a kind of touch and an event of the order."""
        general = self.view_window_days if kind == VIEW else self.window_days
        return int(self.event_windows.get(event, {}).get(kind, general))

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The settings that were stored."""
        return cls(**{**data, "assist_rate": Decimal(data["assist_rate"])})


@dataclass(frozen=True, slots=True)
class OrderContext:
    """What of the order a decision looks at. `click_state`: none, seen, pending or unknown."""

    occurred_at: datetime
    event: str = "sale"
    coupon: str = ""
    click: str = ""
    click_state: str = "none"
    checkout_at: datetime | None = None

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The order that was stored."""
        return cls(
            **{
                **data,
                "occurred_at": instant(data["occurred_at"]),
                "checkout_at": instant_or_none(data["checkout_at"]),
            }
        )


@dataclass(frozen=True, slots=True)
class Inputs:
    """Everything a decision sees.

    `settings` has every version of terms that a touch or the order falls under; `in_force` names, for each
    program, the version at the order; `fits` the weights a fitted model gave each partner of a program.
    """

    order: OrderContext
    touches: tuple[Touch, ...] = ()
    settings: tuple[Settings, ...] = ()
    in_force: Mapping[str, str] = field(default_factory=dict)
    fits: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    def terms(self, terms: str) -> Settings | None:
        """One version's settings by its id."""
        return next((one for one in self.settings if one.terms == terms), None)

    def at_order(self, program: str) -> Settings | None:
        """The settings of a program at the order."""
        return self.terms(self.in_force.get(program, ""))

    def to_json(self) -> dict[str, Any]:
        """JSON values only."""
        found: dict[str, Any] = as_json(self)
        return found

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """What `to_json` wrote."""
        return cls(
            order=OrderContext.from_json(data["order"]),
            touches=tuple(Touch.from_json(one) for one in data["touches"]),
            settings=tuple(Settings.from_json(one) for one in data["settings"]),
            in_force=dict(data["in_force"]),
            fits={program: dict(values) for program, values in data["fits"].items()},
        )
