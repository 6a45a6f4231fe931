"""Which function answers which address, and what parameters it takes."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from fakestripe.forms import Shape
from fakestripe.standin import Call, Standin

Handler = Callable[[Standin, Call], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Route:
    """One endpoint."""

    method: str
    pattern: re.Pattern[str]
    template: str
    shape: Shape
    handler: Handler


ROUTES: list[Route] = []


def route(method: str, template: str, shape: Shape | None = None) -> Callable[[Handler], Handler]:
    """Register the handler of an endpoint; `{}` in the template stands for an id."""

    def register(handler: Handler) -> Handler:
        pattern = re.compile(re.escape(template).replace(r"\{\}", r"([\w.-]+)"))
        ROUTES.append(Route(method, pattern, template, shape or {}, handler))
        return handler

    return register


def find(method: str, path: str) -> tuple[Route, tuple[str, ...]] | None:
    """The route of a call and the ids in its path, or None."""
    for candidate in ROUTES:
        if candidate.method == method and (found := candidate.pattern.fullmatch(path)):
            return candidate, found.groups()
    return None
