"""The codecs known to this process: one instance for each name, found by the class statement or an entry point."""

from __future__ import annotations

import difflib
import logging
import threading
from typing import TYPE_CHECKING, Any, NamedTuple

from datajoint.errors import DataJointError
from datajoint.forking import reopened

if TYPE_CHECKING:
    from datajoint.codecs.base import Codec

logger = logging.getLogger("datajoint")

# The second group is the one that plug-ins of older versions announce themselves in.
ENTRY_POINT_GROUPS = ("datajoint.codecs", "datajoint.types")


_NO_NAME = frozenset("<>@:\n")


class TypeSpec(NamedTuple):
    """A codec's name and its store: None without ``@``, an empty string for the default store."""

    name: str
    store: str | None


class CodecLookup(NamedTuple):
    """A registered codec and the store that its specification names."""

    codec: Codec
    store: str | None


_codecs: dict[str, Codec] = {}
_entry_points_loaded = False
# Re-entrant, because loading an entry point runs class statements, and these register.
_lock = reopened(threading.RLock())


def parse_type_spec(spec: str) -> TypeSpec:
    """Split ``<name@store>`` (the brackets may be missing) into name and store.

    Examples
    --------
    >>> parse_type_spec("<blob>"), parse_type_spec("<blob@>"), parse_type_spec("<blob@cold>")
    (TypeSpec(name='blob', store=None), TypeSpec(name='blob', store=''), TypeSpec(name='blob', store='cold'))
    """
    name, at, store = spec.lstrip("<").rstrip(">").strip().partition("@")
    return TypeSpec(name, store if at else None)


def register(codec_class: type[Codec]) -> None:
    """Register an instance of `codec_class` under its name; a class without a name is left out.

    Raises
    ------
    DataJointError
        If the name is not a non-empty text, cannot stand in a definition, or belongs to another class.
    """
    name: object = codec_class.name
    if name is None:
        return
    if not isinstance(name, str) or not name:
        raise DataJointError(f"Codec name must be a non-empty string, got {name!r}")
    if _NO_NAME & set(name) or name != name.strip():
        raise DataJointError(
            f"No definition could name a codec {name!r}.", hint="Leave out <, >, @, : and blanks around the name."
        )
    with _lock:
        holder = type(_codecs[name]) if name in _codecs else None
        if holder is not None and holder is not codec_class and not _is_rerun(holder, codec_class):
            raise DataJointError(
                f"Codec <{name}> already registered by {holder.__module__}.{holder.__name__}.",
                hint="Choose another name, or call unregister_codec first.",
            )
        _codecs[name] = codec_class()


def _is_rerun(old: type, new: type) -> bool:
    """Tell whether `new` is the same class statement run again, as when a notebook's cell is repeated."""
    return old.__module__ == new.__module__ == "__main__" and old.__qualname__ == new.__qualname__


def unregister_codec(name: str) -> None:
    """Forget a codec.

    Raises
    ------
    DataJointError
        If no codec has this name.
    """
    name = parse_type_spec(name).name
    with _lock:
        if name not in _codecs:
            raise DataJointError(f"Codec <{name}> is not registered.")
        del _codecs[name]


def is_codec_registered(name: str) -> bool:
    """Tell whether a codec of this name exists, here or in an installed plug-in."""
    return _find(parse_type_spec(name).name) is not None


def get_codec(name: str) -> Codec:
    """Return the codec of this name; brackets and a store may be part of it and do not matter.

    Raises
    ------
    DataJointError
        If neither this process nor an installed plug-in has it.
    """
    name = parse_type_spec(name).name
    codec = _find(name)
    if codec is None:
        raise DataJointError(
            f"Unknown codec: <{name}>. Ensure the codec is defined (inherit from dj.Codec with name='{name}').",
            hint=_hint(name),
        )
    return codec


def lookup_codec(spec: str) -> CodecLookup:
    """Return the codec that `spec`, such as ``<blob@cold>``, names, and its store.

    Raises
    ------
    DataJointError
        If no such codec is registered.
    """
    name, store = parse_type_spec(spec)
    codec = _find(name)
    if codec is None:
        raise DataJointError(
            f"Codec <{name}> is not registered. Define a Codec subclass with name='{name}', or install its package.",
            hint=_hint(name),
        )
    return CodecLookup(codec, store)


def list_codecs() -> list[str]:
    """Return the names of all codecs, those of installed plug-ins included, sorted."""
    _load_entry_points()
    return sorted(_codecs)


def _find(name: str) -> Codec | None:
    if name not in _codecs:
        _load_entry_points()
    return _codecs.get(name)


def _hint(name: str) -> str:
    near = difflib.get_close_matches(name, _codecs, n=1)
    if near:
        return f"Did you mean <{near[0]}>?"
    return f"Known codecs: {', '.join(f'<{known}>' for known in sorted(_codecs))}."


def _load_entry_points() -> None:
    """Load the codecs that installed packages announce, once in the life of the process."""
    global _entry_points_loaded
    with _lock:
        if _entry_points_loaded:
            return
        _entry_points_loaded = True
        from importlib.metadata import entry_points  # noqa: PLC0415 - reads every installed package; rarely needed

        for group in ENTRY_POINT_GROUPS:
            for entry_point in entry_points(group=group):
                _load(entry_point)


def _load(entry_point: Any) -> None:
    if entry_point.name in _codecs:
        return
    try:
        loaded = entry_point.load()
        if entry_point.name not in _codecs and hasattr(loaded, "name"):
            _codecs[entry_point.name] = loaded()
    except Exception as error:  # noqa: BLE001 - a broken plug-in must not take the other codecs with it
        logger.warning("The codec plug-in %s could not be loaded and is skipped: %s", entry_point.name, error)
