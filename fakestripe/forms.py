"""Parameters: reading v1's bracketed forms, and checking both interfaces' parameters by shape.

A shape is a mapping of names to checks; a check takes the value and its full name and answers
the cleaned value or raises Invalid. Names a shape does not hold are refused, as Stripe does.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl

from fakestripe.errors import Invalid

Check = Callable[[Any, str], Any]
Shape = Mapping[str, "Check | Shape"]

#: The currencies Stripe moves, docs.stripe.com/currencies.
CURRENCIES = frozenset(
    "usd aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bhd bif bmd bnd bob brl bsd bwp byn "
    "bzd cad cdf chf clp cny cop crc cve czk djf dkk dop dzd egp etb eur fjd fkp gbp gel gip gmd gnf "
    "gtq gyd hkd hnl htg huf idr ils inr isk jmd jod jpy kes kgs khr kmf krw kwd kyd kzt lak lbp lkr "
    "lrd lsl mad mdl mga mkd mmk mnt mop mur mvr mwk mxn myr mzn nad ngn nio nok npr nzd omr pab pen "
    "pgk php pkr pln pyg qar ron rsd rub rwf sar sbd scr sek sgd shp sle sos srd std szl thb tjs tnd "
    "top try ttd twd tzs uah ugx uyu uzs vnd vuv wst xaf xcd xof xpf yer zar zmw".split()
)

#: Amounts in these must end in a zero, docs.stripe.com/currencies#three-decimal.
THREE_DECIMALS = frozenset({"bhd", "jod", "kwd", "omr", "tnd"})

_PART = re.compile(r"\[([^\[\]]*)\]")


def parse_form(text: str) -> dict[str, Any]:
    """Read `a[b][0]=c` into nested mappings; lists stay mappings until a check asks for one."""
    parsed: dict[str, Any] = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        root, bracket, rest = name.partition("[")
        parts = [root, *_PART.findall(bracket + rest)]
        place = parsed
        for part in parts[:-1]:
            deeper = place.setdefault(part, {})
            if not isinstance(deeper, dict):
                raise Invalid(400, f"Invalid parameter: {name}", param=name)
            place = deeper
        last = parts[-1] or str(len(place))
        place[last] = value
    return parsed


def clean(given: Any, shape: Shape, *, prefix: str = "") -> dict[str, Any]:
    """Check `given` against `shape`. Raises Invalid with Stripe's codes, naming the parameter."""
    if not isinstance(given, Mapping):
        raise Invalid(400, f"Invalid object: {prefix or 'body'}", param=prefix or None)
    cleaned = {}
    for name, value in given.items():
        path = f"{prefix}[{name}]" if prefix else name
        check = shape.get(name)
        if check is None:
            raise Invalid(400, f"Received unknown parameter: {path}", code="parameter_unknown", param=path)
        cleaned[name] = clean(value, check, prefix=path) if isinstance(check, Mapping) else check(value, path)
    return cleaned


def require(params: Mapping[str, Any], *names: str) -> None:
    """Raise Invalid for the first of `names` that is not given."""
    for name in names:
        if params.get(name) in (None, ""):
            raise Invalid(400, f"Missing required param: {name}.", code="parameter_missing", param=name)


def text(value: Any, name: str) -> str:
    """A string of at most 5,000 characters."""
    if not isinstance(value, str):
        raise Invalid(400, f"Invalid string: {value}", param=name)
    if len(value) > 5000:
        raise Invalid(400, f"Invalid string: {name} is too long", code="parameter_invalid_string", param=name)
    return value


def integer(value: Any, name: str) -> int:
    """A whole number, written as digits in a form and as a number in JSON."""
    if isinstance(value, bool) or not re.fullmatch(r"-?[0-9]{1,18}", str(value)):
        raise Invalid(400, f"Invalid integer: {value}", code="parameter_invalid_integer", param=name)
    return int(value)


def amount(value: Any, name: str) -> int:
    """A positive amount in the currency's smallest unit."""
    number = integer(value, name)
    if number < 1:
        raise Invalid(
            400,
            "This value must be greater than or equal to 1.",
            code="parameter_invalid_integer",
            param=name,
        )
    if number > 999_999_999_999:
        raise Invalid(400, "Amount must be no more than 999999999999", code="amount_too_large", param=name)
    return number


def boolean(value: Any, name: str) -> bool:
    """true or false."""
    if value in (True, "true"):
        return True
    if value in (False, "false"):
        return False
    raise Invalid(400, f"Invalid boolean: {value}", param=name)


def currency(value: Any, name: str) -> str:
    """A currency Stripe moves, in lower case."""
    code = text(value, name).lower()
    if code not in CURRENCIES:
        raise Invalid(400, f"Invalid currency: {code}.", param=name)
    return code


def texts(value: Any, name: str) -> list[str]:
    """A list of strings, in JSON or as `name[0]`, `name[]` in a form."""
    if isinstance(value, str):
        value = [value]
    elif isinstance(value, Mapping):
        value = list(value.values())
    if not isinstance(value, list):
        raise Invalid(400, f"Invalid array: {name}", param=name)
    return [text(one, name) for one in value]


def metadata(value: Any, name: str) -> dict[str, str] | None:
    """At most 50 keys of 40 characters with values of 500; an empty text clears them all."""
    if value in ("", None):
        return None
    if not isinstance(value, Mapping):
        raise Invalid(400, f"Invalid hash: {name}", param=name)
    if len(value) > 50:
        raise Invalid(400, "You can specify up to 50 metadata keys.", param=name)
    for key, one in value.items():
        if len(key) > 40 or len(str(one)) > 500:
            raise Invalid(400, f"Metadata {key!r} is too long.", param=f"{name}[{key}]")
    return {key: "" if one is None else str(one) for key, one in value.items()}


def merge_metadata(old: Mapping[str, str], change: Mapping[str, str] | None) -> dict[str, str]:
    """Metadata after an update: given keys replace, empty values unset, None clears."""
    if change is None:
        return {}
    return {key: one for key, one in {**old, **change}.items() if one != ""}


def choice(*allowed: str) -> Check:
    """One of the given words."""

    def check(value: Any, name: str) -> str:
        if value not in allowed:
            words = ", ".join(allowed[:-1])
            raise Invalid(400, f"Invalid {name}: must be one of {words} or {allowed[-1]}", param=name)
        return str(value)

    return check


def created(value: Any, name: str) -> dict[str, int]:
    """A moment, or a range of gt, gte, lt and lte."""
    if isinstance(value, Mapping):
        return clean(value, {"gt": integer, "gte": integer, "lt": integer, "lte": integer}, prefix=name)
    moment = integer(value, name)
    return {"gte": moment, "lte": moment}


#: Parameters that every v1 list takes.
LISTING: Shape = {
    "limit": integer,
    "starting_after": text,
    "ending_before": text,
    "expand": texts,
    "created": created,
}
