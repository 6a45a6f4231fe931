"""The official client's own types as a schema, for requests (TypedDicts) and answers (resources).

The client is generated from Stripe's specification, so its types are the specification. A value
is held against a type; what does not fit is named by its path. Unknown fields do not fit.
"""

import ast
import builtins
import importlib
import inspect
import sys
import types
import typing
from collections.abc import Mapping
from functools import cache
from typing import Any, ForwardRef, Literal, Union, get_args, get_origin

import stripe
import typing_extensions
from stripe._object_classes import get_object_class
from stripe._request_options import RequestOptions
from stripe._stripe_object import StripeObject, UntypedStripeObject
from stripe.events._event_classes import get_v2_event_class

OPTIONAL = (typing.NotRequired, typing_extensions.NotRequired)
OPTIONS = set(inspect.get_annotations(RequestOptions))


class _Names(dict[str, Any]):
    """Names as a module sees them while types are checked, when it imports more than it runs with."""

    def __init__(self, module: str) -> None:
        super().__init__(vars(builtins) | vars(sys.modules[module]))
        self._module = module

    def __missing__(self, name: str) -> Any:
        home, original = _imports(self._module)[name]
        return getattr(importlib.import_module(home), original)


@cache
def _imports(module: str) -> dict[str, tuple[str, str]]:
    """Every name a module imports anywhere, and where from."""
    tree = ast.parse(inspect.getsource(sys.modules[module]))
    return {
        alias.asname or alias.name: (node.module or "", alias.name)
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }


def misfits(value: Any, kind: Any, where: str = "", *, module: str = "stripe", is_form: bool = False) -> list[str]:
    """Every way in which `value` is not a `kind`. In forms all leaves are texts and lists are numbered."""
    again = {"module": module, "is_form": is_form}
    if isinstance(kind, ForwardRef):
        kind = kind.__forward_arg__
    if isinstance(kind, str):
        kind = eval(kind, {}, _Names(module))  # the client's own source
        return misfits(value, kind, where, **again)
    origin, args = get_origin(kind), get_args(kind)
    if kind is Any or isinstance(kind, typing.TypeVar):
        return []
    if origin in OPTIONAL:
        return misfits(value, args[0], where, **again)
    if origin in (Union, types.UnionType):
        told = [one for one in args if one is not type(None)] if value is not None else args
        tries = [misfits(value, one, where, **again) for one in told]
        return min(tries, key=len)
    if origin is Literal:
        return [] if value in args else [f"{where}: {value!r} is none of {list(args)[:8]}"]
    if origin is list:
        members = list(value.values()) if is_form and isinstance(value, dict) else value
        if not isinstance(members, list):
            return [f"{where}: {value!r} is no list"]
        return [bad for n, one in enumerate(members) for bad in misfits(one, args[0], f"{where}[{n}]", **again)]
    if origin in (dict, UntypedStripeObject) or kind is UntypedStripeObject:
        if not isinstance(value, dict):
            return [f"{where}: {value!r} is no mapping"]
        inner = args[-1] if args else Any
        return [bad for name, one in value.items() for bad in misfits(one, inner, f"{where}.{name}", **again)]
    if origin is stripe.ListObject:
        return _fields(
            value,
            {"object": Literal["list"], "data": list[args[0]], "has_more": bool, "url": str},
            where,
            **again,
        )
    if typing_extensions.is_typeddict(kind):
        hints = {name: hint for name, hint in _hints(kind).items() if name not in OPTIONS}
        return _fields(value, hints, where, module=kind.__module__, is_form=is_form)
    if isinstance(kind, type) and issubclass(kind, StripeObject):
        return _fields(value, _hints(kind), where, module=kind.__module__, is_form=is_form)
    return _leaf(value, kind, where, is_form=is_form)


def answer_misfits(body: Any, *, is_v2: bool) -> list[str]:
    """Every way in which an answer, page, event or object is not what the client expects."""
    if "error" in body:
        return misfits(body["error"], stripe.ErrorObject, "error")
    if "data" in body and "object" not in body:
        return [bad for one in body["data"] for bad in answer_misfits(one, is_v2=True)]
    name = body["object"]
    if name == "list":
        own = _fields(
            body,
            {"object": Literal["list"], "data": list[Any], "has_more": bool, "url": str},
            "list",
        )
        return own + [bad for one in body["data"] for bad in answer_misfits(one, is_v2=is_v2)]
    if name == "v2.core.event":
        kind = get_v2_event_class(body["type"])
        assert kind is not stripe.v2.core.Event, f"the client knows no event {body['type']}"
        return misfits(body, kind, body["type"])
    if body.get("deleted"):
        return _fields(body, {"id": str, "object": str, "deleted": Literal[True]}, name)
    kind = get_object_class("V2" if is_v2 else "V1", name)
    assert kind is not StripeObject, f"the client knows no {name}"
    own = misfits(body, kind, name)
    return own + (answer_misfits(body["data"]["object"], is_v2=False) if name == "event" else [])


def _hints(kind: type) -> dict[str, Any]:
    """Fields of a class and its parents, the client's inner workings left out."""
    hints: dict[str, Any] = {}
    for parent in reversed(kind.__mro__):
        if parent not in (StripeObject, object, dict) and not parent.__module__.startswith("typing"):
            hints |= inspect.get_annotations(parent)
    return {name: hint for name, hint in hints.items() if get_origin(hint) is not typing.ClassVar and name[0] != "_"}


def _fields(
    value: Any,
    hints: Mapping[str, Any],
    where: str,
    *,
    module: str = "stripe",
    is_form: bool = False,
) -> list[str]:
    if not isinstance(value, dict):
        return [f"{where}: {value!r} is no object"]
    found = [f"{where}.{name}: no such field" for name in value if name not in hints]
    for name, hint in hints.items():
        if name in value:
            found += misfits(value[name], hint, f"{where}.{name}", module=module, is_form=is_form)
        elif not _may_be_absent(hint):
            found.append(f"{where}.{name}: missing")
    return found


def _may_be_absent(hint: Any) -> bool:
    hint = hint.__forward_arg__ if isinstance(hint, ForwardRef) else hint
    if isinstance(hint, str):
        return hint.startswith(("NotRequired", "Optional"))
    return get_origin(hint) in OPTIONAL or type(None) in get_args(hint)


def _leaf(value: Any, kind: Any, where: str, *, is_form: bool) -> list[str]:
    if is_form and isinstance(value, str) and kind in (int, bool):
        fits = value.lstrip("-").isdigit() if kind is int else value in ("true", "false")
    elif kind in (None, type(None)):
        fits = value is None
    elif kind in (int, float):
        fits = isinstance(value, int if kind is int else int | float) and not isinstance(value, bool)
    else:
        fits = isinstance(value, kind)
    return [] if fits else [f"{where}: {value!r} is no {getattr(kind, '__name__', kind)}"]
