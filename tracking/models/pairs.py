"""Names and values in the order in which somebody wrote them."""

from collections.abc import Mapping
from typing import Any

from django.db import models


def differs(before: object, value: object) -> bool:
    """Whether a value is another one; of names and values the order counts too."""
    if isinstance(before, Mapping) and isinstance(value, Mapping):
        return list(before.items()) != list(value.items())
    return before != value


class PairsField(models.JSONField):  # type: ignore[type-arg]
    """A dict whose order is kept: jsonb sorts an object's keys, so it is stored as a list of pairs.

    An object, as rows had before, is read too.
    """

    def get_prep_value(self, value: Any) -> Any:
        """A dict as its pairs."""
        prepared = super().get_prep_value(value)
        return [[name, text] for name, text in prepared.items()] if isinstance(prepared, Mapping) else prepared

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Any:
        """The pairs as a dict."""
        found = super().from_db_value(value, expression, connection)  # type: ignore[misc]
        return dict(found) if isinstance(found, list) else found
