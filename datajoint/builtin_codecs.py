"""The codecs that come with the library, under the module name that DataJoint 2.3 gives them."""

from __future__ import annotations

from datajoint.codecs.builtin import AttachCodec, BlobCodec

__all__ = ["AttachCodec", "BlobCodec"]
