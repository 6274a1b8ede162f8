"""A cell that makes one key by the source of its ``make`` and keeps nothing."""

from __future__ import annotations

import builtins
import inspect
import textwrap
from collections.abc import Iterator, Mapping
from types import CodeType, FunctionType, ModuleType
from typing import Any

from datajoint.autopopulate import AutoPopulate
from datajoint_jupyter.display.values import text_of

_PARTS = ("make_fetch", "make_compute", "make_insert")
_PLAIN = (str, int, float, bool)
_LONGEST = 10_000


def rehearsal(table: AutoPopulate, key: Mapping[str, Any], path: str, known: Mapping[str, Any]) -> str:
    """Return the code of a cell that makes a key.

    Parameters
    ----------
    table : AutoPopulate
    key : mapping
    path : str
        How the notebook calls the table's class.
    known : mapping
        Its variables.

    Returns
    -------
    str
        With the source of the class's own methods, to be changed; without it where that cannot stand by itself.
    """
    given = "{" + ", ".join(f"{name!r}: {_literal(value)}" for name, value in key.items()) + "}"
    cls = type(table)
    names = _PARTS if getattr(cls.make, "_is_placeholder", False) else ("make",)
    functions = [function for name in names if (function := _own(cls, name)) is not None]
    sources = [_source(function) for function in functions]
    if len(functions) < len(names) or not all(sources):
        return f"# {path} makes one key as its class says; nothing is kept. Step through it afterwards with %debug.\n{path}().run({given})"
    lines = [f"# {path}.{' and '.join(names)} for one key: change and run it as often as you like; nothing is kept."]
    lines += _imports(functions, known)
    lines += [f"\n{source}" for source in sources]
    lines += ["", f"rehearsed = {path}()"]
    lines += [f"rehearsed.{name} = {name}.__get__(rehearsed)  # the one above" for name in names]
    return "\n".join([*lines, f"rehearsed.run({given})"])


def _literal(value: Any) -> str:
    """Return a value of a key as code that needs no import: dates and the like as the texts that a condition takes."""
    return repr(value if isinstance(value, _PLAIN) else text_of(value, _LONGEST))


def _own(cls: type, name: str) -> FunctionType | None:
    """Return a method, if it is a plain function that means the same outside of its class."""
    found = inspect.getattr_static(cls, name, None)
    return found if isinstance(found, FunctionType) and not found.__code__.co_freevars else None


def _source(function: FunctionType) -> str:
    try:
        return textwrap.dedent(inspect.getsource(function)).rstrip()
    except (OSError, TypeError, IndentationError):
        return ""


def _imports(functions: list[FunctionType], known: Mapping[str, Any]) -> Iterator[str]:
    """Yield imports of what functions of a module use, and what the notebook has not under the same name."""
    missing: dict[str, set[str]] = {}
    modules: dict[str, str] = {}
    for function in functions:
        there = function.__globals__
        for name in _names(function.__code__):
            if name not in there or known.get(name, builtins) is there[name]:
                continue
            if isinstance(there[name], ModuleType):
                modules[name] = there[name].__name__
            else:
                missing.setdefault(str(function.__module__), set()).add(name)
    for name, module in sorted(modules.items()):
        yield f"import {module}" if name == module else f"import {module} as {name}"
    for module, names in missing.items():
        if module != "__main__":
            yield f"from {module} import {', '.join(sorted(names))}"


def _names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)
