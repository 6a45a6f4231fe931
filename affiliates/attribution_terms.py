"""What a program's terms say about attribution: read, checked, and published with the next version."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from decimal import Decimal
from typing import Self

from affiliates.errors import TermsRefused
from affiliates.models import Terms

#: The longest window of any kind, in days.
LONGEST_WINDOW = 365
#: A customer bound for ever is bound for a hundred years.
LONGEST_LIFETIME = 36_500

_EVENT = re.compile(r"[a-z0-9_.-]{1,40}", re.ASCII)


@dataclass(frozen=True, slots=True)
class AttributionChoices:
    """The attribution part of a version of terms. The defaults are plain last click."""

    attribution_model: str = Terms.Model.LAST_CLICK.value
    half_life_days: int = 7
    view_window_days: int = 0
    coupon_window_days: int = 30
    lifetime_days: int = 0
    coupon_policy: str = Terms.CouponPolicy.ALWAYS.value
    unassigned_code: str = Terms.UnassignedCode.IGNORE.value
    cross_device: bool = False
    cart_freeze: str = Terms.CartFreeze.OFF.value
    event_windows: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    assist_rate: Decimal = Decimal(0)
    assist_daily_cap_minor: int = 0

    @classmethod
    def of(cls, terms: Terms | None) -> Self:
        """Those of a version; the defaults without one."""
        return cls() if terms is None else cls(**{one.name: getattr(terms, one.name) for one in fields(cls)})

    def checked(self) -> dict[str, object]:
        """As columns of a version. Raises TermsRefused with the field that is wrong."""
        for name, choices in (
            ("attribution_model", Terms.Model),
            ("coupon_policy", Terms.CouponPolicy),
            ("unassigned_code", Terms.UnassignedCode),
            ("cart_freeze", Terms.CartFreeze),
        ):
            if getattr(self, name) not in choices.values:
                raise TermsRefused(f"{name} is none of {', '.join(choices.values)}.", field=name)
        for name, lowest, highest in (
            ("half_life_days", 1, LONGEST_WINDOW),
            ("view_window_days", 0, LONGEST_WINDOW),
            ("coupon_window_days", 0, LONGEST_WINDOW),
            ("lifetime_days", 0, LONGEST_LIFETIME),
        ):
            if not lowest <= getattr(self, name) <= highest:
                raise TermsRefused(f"{name} is between {lowest} and {highest} days.", field=name)
        if not Decimal(0) <= self.assist_rate <= Decimal(1):
            raise TermsRefused("An assist is between 0 and 100 percent of the base.", field="assist_rate")
        if self.assist_daily_cap_minor < 0:
            raise TermsRefused("The daily limit is 0 (none) or more.", field="assist_daily_cap_minor")
        return {**asdict(self), "event_windows": self._checked_windows()}

    def _checked_windows(self) -> dict[str, dict[str, int]]:
        found: dict[str, dict[str, int]] = {}
        for event, windows in self.event_windows.items():
            if not _EVENT.fullmatch(event):
                raise TermsRefused("An event is small letters, digits, dots, dashes.", field="event_windows")
            for kind, days in windows.items():
                if kind not in {"click", "view"} or not isinstance(days, int) or not 0 <= days <= LONGEST_WINDOW:
                    raise TermsRefused(
                        f"A window is for click or view, and of 0 to {LONGEST_WINDOW} days.", field="event_windows"
                    )
            found[event] = dict(windows)
        return found
