"""A table class may stand wherever a table may: what is asked of the class is answered by a fresh instance.

One rule covers all names: a public function or property that the library's own classes define acts, when looked up on
a user's class, on an instance of it. What users define themselves is left alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache, cached_property
from types import FunctionType
from typing import Any

# Methods that users write and call explicitly, as in `super()` or `Base.make(self, key)`.
_HOOKS = frozenset({"make", "make_fetch", "make_compute", "make_insert"})
_INSTANCE_LEVEL = (FunctionType, property, cached_property)
_look_up = type.__getattribute__


def is_library_module(name: str) -> bool:
    """Tell whether a module is one of the library's own."""
    return name == "datajoint" or name.startswith("datajoint.")


def is_library_class(cls: type) -> bool:
    """Tell whether a class is one of the library's own rather than a user's table."""
    return is_library_module(cls.__module__)


class TableMeta(type):
    """Metaclass of `Table`."""

    _on_instance: frozenset[str] = frozenset()

    def __init__(cls, name: str, bases: tuple[type, ...], namespace: dict[str, Any], **keywords: Any) -> None:
        super().__init__(name, bases, namespace, **keywords)
        own = frozenset[str]() if is_library_class(cls) else _public_names(cls) - _HOOKS - TableMeta.__dict__.keys()
        type.__setattr__(cls, "_on_instance", own)

    def __getattribute__(cls, name: str) -> Any:
        found = _look_up(cls, name)
        if isinstance(found, _INSTANCE_LEVEL) and name in _look_up(cls, "_on_instance"):
            return getattr(cls(), name)
        return found

    # Properties of the metaclass: what a class itself answers, also before it is bound.
    @property
    def full_table_name(cls) -> str | None:
        """The quoted full name; None while the class is not associated with a schema."""
        return cls().full_table_name if getattr(cls, "database", None) is not None else None

    @property
    def heading(cls) -> Any:
        """The table's heading; None for the library's own classes, which are no tables."""
        return None if is_library_class(cls) else cls().heading

    def __and__(cls, other: Any) -> Any:
        return cls() & other

    def __sub__(cls, other: Any) -> Any:
        return cls() - other

    def __mul__(cls, other: Any) -> Any:
        return cls() * other

    def __add__(cls, other: Any) -> Any:
        return cls() + other

    def __neg__(cls) -> Any:
        return -cls()

    def __xor__(cls, other: Any) -> Any:
        return cls() ^ other

    def __matmul__(cls, other: Any) -> Any:
        return cls() @ other

    def __iter__(cls) -> Iterator[Any]:
        return iter(cls())

    def __len__(cls) -> int:
        return len(cls())

    def __contains__(cls, item: object) -> bool:
        return item in cls()

    def __bool__(cls) -> bool:
        # Classes are asked for their truth all over Python; that must never depend on rows.
        return True


def _public_names(cls: type) -> frozenset[str]:
    return frozenset[str]().union(*(_names_of_library_class(base) for base in cls.__mro__ if is_library_class(base)))


@cache
def _names_of_library_class(cls: type) -> frozenset[str]:
    return frozenset(n for n, v in vars(cls).items() if not n.startswith("_") and isinstance(v, _INSTANCE_LEVEL))
