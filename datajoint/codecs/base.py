"""The base class of codecs: how one attribute's Python values become what a column holds, and come back."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from typing import Any

from datajoint.codecs import registry


class Codec(ABC):
    """A named pair of conversions; ``<name>`` in a definition uses it.

    A subclass registers itself when its class statement runs: one instance, made without arguments, under `name`.
    ``class Base(Codec, register=False)`` and classes without a `name` are not registered.

    The law of a codec: ``decode(encode(value))`` equals ``value``. Missing values (``None``) never reach it.

    Examples
    --------
    >>> class Celsius(Codec):
    ...     name = "celsius"
    ...     def get_dtype(self, is_store):
    ...         return "float64"
    ...     def encode(self, value, *, key=None, store_name=None):
    ...         return value + 273.15
    ...     def decode(self, stored, *, key=None):
    ...         return stored - 273.15
    >>> from datajoint.codecs import get_codec, unregister_codec
    >>> get_codec("<celsius>").encode(20)
    293.15
    >>> unregister_codec("celsius")
    """

    name: str | None = None
    # Whether `<name@>` means `stores.filepath_default` rather than `stores.default`.
    _of_filepaths: bool = False

    def __init_subclass__(cls, *, register: bool = True, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if register:
            registry.register(cls)

    @abstractmethod
    def get_dtype(self, is_store: bool) -> str:
        """Return what the encoded value is: a core or native type, or another codec in angle brackets.

        Parameters
        ----------
        is_store : bool
            Whether the attribute was declared with ``@``.

        Raises
        ------
        DataJointError
            If the codec has no such form.
        """

    @abstractmethod
    def encode(self, value: Any, *, key: dict[str, Any] | None = None, store_name: str | None = None) -> Any:
        """Return what `get_dtype` promises.

        Parameters
        ----------
        value : object
            What was inserted; never None.
        key : dict, optional
            The row's primary key, and ``_schema``, ``_table``, ``_field``, ``_config``.
        store_name : str, optional
            Given only to methods that name it, as is ``context``, a dict of schema, table, field and config.
        """

    @abstractmethod
    def decode(self, stored: Any, *, key: dict[str, Any] | None = None) -> Any:
        """Return the value that `encode` was given.

        Parameters
        ----------
        stored : object
            What `encode` returned.
        key : dict, optional
            ``_config`` only.
        """

    def validate(self, value: Any) -> None:  # noqa: B027 - accepting everything is the default
        """Refuse a value before it is encoded. Called on the outermost codec only, and never with None.

        Raises
        ------
        TypeError, ValueError
            If the codec does not take the value.
        """

    def referenced_paths(self, stored: Any) -> list[tuple[str, str | None]]:
        """Return path and store of every object that a stored value refers to, without reading any."""
        if isinstance(stored, str):
            try:
                stored = json.loads(stored)
            except ValueError:
                return []
        if isinstance(stored, dict) and "path" in stored:
            return [(stored["path"], stored.get("store"))]
        return []

    @staticmethod
    def _codec_config(key: dict[str, Any] | None = None, context: dict[str, Any] | None = None) -> Any:
        """Return the configuration of the connection at work, None if the codec is called by hand."""
        if context is not None and context.get("config") is not None:
            return context["config"]
        return (key or {}).get("_config")

    def __repr__(self) -> str:
        return f"<{type(self).__name__}(name={self.name!r})>"
