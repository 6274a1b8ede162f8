"""The codecs that come with the library, under the module names that DataJoint 2.3 gives them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from datajoint.codecs.builtin import (
    AttachCodec,
    BlobCodec,
    FilepathCodec,
    HashCodec,
    NpyCodec,
    ObjectCodec,
    SchemaCodec,
)

if TYPE_CHECKING:
    from datajoint.codecs.npyref import NpyRef as NpyRef

__all__ = [
    "AttachCodec",
    "BlobCodec",
    "FilepathCodec",
    "HashCodec",
    "NpyCodec",
    "NpyRef",
    "ObjectCodec",
    "SchemaCodec",
]


def __getattr__(name: str) -> Any:
    if name == "NpyRef":
        from datajoint.codecs.npyref import NpyRef  # noqa: PLC0415 - loads numpy

        return NpyRef
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
