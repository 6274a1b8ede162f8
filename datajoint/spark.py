"""What a codec offers for its values to be taken into Spark; nothing of Spark is needed for it."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable


@runtime_checkable
class SparkAdapter(Protocol):
    """A codec that says what its decoded values are in Spark's own types.

    To opt in, a codec has the method; it need not derive from this class. None of the codecs of the library does.
    ``isinstance(attribute.codec, SparkAdapter)`` tells whether a codec, or any other object, has it.

    Examples
    --------
    >>> from datajoint.codecs import Codec, unregister_codec
    >>> class Spikes(Codec):
    ...     name = "spikes"
    ...     def get_dtype(self, is_store):
    ...         return "<blob>"
    ...     def encode(self, value, *, key=None, store_name=None):
    ...         return value
    ...     def decode(self, stored, *, key=None):
    ...         return stored
    ...     def to_spark(self, decoded, *, key=None):
    ...         return decoded.tolist()
    >>> isinstance(Spikes(), SparkAdapter)
    True
    >>> unregister_codec("spikes")
    """

    def to_spark(self, decoded: Any, *, key: dict[str, Any] | None = None) -> Any:
        """Return a decoded value in types that Spark knows.

        Parameters
        ----------
        decoded : object
            What the codec's `decode` returned.
        key : dict, optional
            The row's primary key.

        Returns
        -------
        object
            None, bool, int, float, str, bytes, a date or datetime, a list of such, or a dict of them with texts as
            its keys. Arrays become lists; tuples, sets and other classes are not allowed.
        """
        ...
