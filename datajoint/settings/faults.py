"""What to say about a setting that is not valid: which one, where it came from, what is allowed. Never a secret."""

from __future__ import annotations

import types
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import InitErrorDetails, PydanticCustomError

from datajoint.naming import did_you_mean, shorten
from datajoint.settings.environment import ENV_VAR_MAPPING, GROUPS

ASSIGNED = "assigned by the program"
_UNKNOWN = ("no_such_attribute", "extra_forbidden")
_WORDS: dict[Any, str] = {
    bool: "true or false", int: "a whole number", str: "a text", SecretStr: "a text", Path: "a path", type(None): "null",
}  # fmt: skip


def allowed(field: FieldInfo) -> str:
    """Say in words what a setting may be, such as ``a whole number from 0 to 255``."""
    words = _words(field.annotation)
    bounds = {name: getattr(item, name) for item in field.metadata for name in ("ge", "le") if hasattr(item, name)}
    if bounds:
        low, high = bounds.get("ge"), bounds.get("le")
        words = f"a whole number from {low} to {high}" if high is not None else f"a whole number from {low} on"
    return words


def _words(annotation: Any) -> str:
    origin = get_origin(annotation)
    if origin is Literal:
        return " or ".join(map(repr, get_args(annotation)))
    if origin in (Union, types.UnionType):
        return " or ".join(map(_words, get_args(annotation)))
    return "an object with names and values" if origin is dict else _WORDS.get(annotation, str(annotation))


def setting_of(location: Iterable[Any], section: str = "") -> str:
    """Return the dotted key that pydantic's place of an error stands for."""
    parts = [section, *map(str, location)] if section else list(map(str, location))
    return ".".join(parts[: 2 if parts and parts[0] in GROUPS else 1])


def described(
    error: ValidationError,
    field_of: Callable[[str], FieldInfo | None],
    origin_of: Callable[[str], str],
    section: str = "",
) -> dict[str, str]:
    """Return for each setting at fault what is wrong with it."""
    faults: dict[str, str] = {}
    for fault in error.errors(include_url=False):
        key = setting_of(fault["loc"], section)
        field = field_of(key)
        if field is None or fault["type"] in _UNKNOWN:
            faults[key] = f"There is no setting {key!r}. {did_you_mean(key, ENV_VAR_MAPPING)}".rstrip()
            continue
        value = fault["input"]
        # Only plain values outside of secrets are repeated: a container may hold anything.
        shown = f": {shorten(value)}" if type(value) in (str, int, float, bool) and not _is_secret(key, field) else ""
        reason = f" {fault['msg'].removeprefix('Value error, ')}." if fault["type"] == "value_error" else ""
        faults[key] = f"{key} ({origin_of(key)}{shown}) is not valid.{reason} Allowed: {allowed(field)}."
    return faults


def _is_secret(key: str, field: FieldInfo) -> bool:
    return "SecretStr" in str(field.annotation) or key == "stores"


def refusal(error: ValidationError, faults: dict[str, str]) -> ValidationError:
    """Return pydantic's error in our words, without the values that it would repeat."""
    kinds = {setting_of(fault["loc"]): fault["type"] for fault in error.errors(include_url=False)}
    lines = [
        InitErrorDetails(
            type=PydanticCustomError(kinds.get(key, "value_error"), "{text}", {"text": text}),
            loc=tuple(key.split(".")),
            input=None,
        )
        for key, text in faults.items()
    ]
    return ValidationError.from_exception_data("the settings", lines, hide_input=True)
