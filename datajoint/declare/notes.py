"""What is said of a declaration that is right, and could be better."""

from __future__ import annotations

from datajoint.definition import AttributeDefinition, TableName
from datajoint.values.model import ValueType

_INTEGERS = ((8, "int8"), (16, "int16"), (32, "int32"), (64, "int64"))


def native_note(name: TableName, attribute: AttributeDefinition) -> str:
    """Return what to say of an attribute with a native type: what it is, and which core type is nearest."""
    storage = attribute.storage
    text = f"Native type '{attribute.type_text}' is used in attribute '{attribute.name}' of {name}."
    if storage.kind == "bytes":
        text += " It takes bytes only, which are not serialised."
    nearest = _nearest_core(storage)
    return f"{text} A core type means the same on every engine: consider {nearest}." if nearest else text


def _nearest_core(storage: ValueType) -> str | None:
    if storage.auto_increment:
        return None  # no core type numbers rows
    match storage.kind:
        case "int":
            low, high = storage.low or 0, storage.high or 0
            fits = (core for bits, core in _INTEGERS if -(2 ** (bits - 1)) <= low and high < 2 ** (bits - 1))
            return next(fits, "decimal(20,0)")
        case "float32" | "float64":
            return storage.kind
        case "decimal":
            return f"decimal({storage.precision},{storage.scale})"
        case "text":
            return "varchar(n) or <blob>"
        case "bytes":
            return "bytes or <blob>"
        case "timestamp":
            return f"datetime({storage.digits})" if storage.digits else "datetime"
    return None  # time and year have none
