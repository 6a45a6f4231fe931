"""Where a report stands: whose figures, whose clock, and its addresses."""

from collections.abc import Callable
from dataclasses import dataclass

from tracking.statistics.dimensions import DIMENSIONS, Dimension
from tracking.statistics.questions import Scope

#: A dimension's name in the address, where it is not its own.
PARAMETERS = {"affiliate": "partner"}


@dataclass(frozen=True, slots=True)
class Place:
    """A workspace's reports. `kind` is partner, merchant or network; `url` gives an address by its name."""

    kind: str
    scope: Scope
    zone: str
    url: Callable[[str], str]

    @property
    def dimensions(self) -> list[Dimension]:
        """What its figures can be grouped by."""
        return [one for one in DIMENSIONS.values() if one.for_partner or self.kind != "partner"]


def parameter_of(dimension: str) -> str:
    """What a dimension is called in the address."""
    return PARAMETERS.get(dimension, dimension)
