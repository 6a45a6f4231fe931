"""From the bytes of a body to JSON values, strictly: UTF-8, no NaN, no doubled names, not too deep."""

import json
from typing import Any, NoReturn

from portal.intake.fields import NumberText, printable
from tracking.errors import InputRefused

#: Bodies are read up to this size, as settings.DATA_UPLOAD_MAX_MEMORY_SIZE says too.
LARGEST_BODY = 1_048_576

_DEEPEST = 12


class BodyUnreadable(InputRefused):
    """The body is not what it says it is; it is set aside as it came."""

    code = "body_malformed"


class BodyTooLarge(InputRefused):
    """More than an intake reads."""

    code = "body_too_large"


def too_large() -> BodyTooLarge:
    """The refusal of a body over the limit."""
    return BodyTooLarge("The body is larger than 1 MB. Send fewer orders at once.", field="body")


def read_json(body: bytes) -> Any:
    """The JSON value of a body. Raises BodyUnreadable."""
    if not body.strip():
        raise BodyUnreadable("The body is empty. Send a JSON object.", code="body_empty", field="body")
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BodyUnreadable(
            f"The body is not UTF-8 (byte {error.start}). Encode it as UTF-8.", code="body_not_utf8", field="body"
        ) from error
    try:
        value = json.loads(
            text.removeprefix("\ufeff"),
            parse_float=NumberText,
            parse_constant=_refuse_constant,
            object_pairs_hook=_object_of,
        )
    except RecursionError:
        raise _too_deep() from None
    except ValueError as error:
        raise BodyUnreadable(f"The body is no JSON: {error}.", field="body") from error
    if _depth_is_over(value, _DEEPEST):
        raise _too_deep()
    return value


def read_json_object(body: bytes) -> dict[str, Any]:
    """The JSON object of a body. Raises BodyUnreadable."""
    value = read_json(body)
    if not isinstance(value, dict):
        raise BodyUnreadable(
            "The body is JSON but no object. Send {…} with the fields.", code="body_no_object", field="body"
        )
    return value


def write_json(value: object) -> bytes:
    """A value that `read_json` gave, as JSON again, numbers as they were written."""
    return _written(value).encode("ascii")


def _written(value: object) -> str:
    if isinstance(value, NumberText):
        return str(value)
    if isinstance(value, dict):
        return f"{{{','.join(f'{json.dumps(name)}:{_written(inner)}' for name, inner in value.items())}}}"
    if isinstance(value, list):
        return f"[{','.join(map(_written, value))}]"
    return json.dumps(value)


def _refuse_constant(name: str) -> NoReturn:
    raise BodyUnreadable(
        f'{name} is no JSON number. Send amounts as text such as "80.00".', code="number_not_finite", field="body"
    )


def _object_of(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            shown = printable(name)
            raise BodyUnreadable(
                f"{shown} stands twice in one object. Send every field once.", code="field_doubled", field=shown
            )
        found[name] = value
    return found


def _depth_is_over(value: object, most: int) -> bool:
    level: list[object] = [value]
    for _depth in range(most + 1):
        level = [
            inner
            for outer in level
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
        if not level:
            return False
    return True


def _too_deep() -> BodyUnreadable:
    return BodyUnreadable("The body is nested too deeply. Send flat fields.", code="body_too_deep", field="body")
