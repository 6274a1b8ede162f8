"""The codecs that come with the library, one a module."""

from datajoint.codecs.builtin.attach import AttachCodec
from datajoint.codecs.builtin.blob import BlobCodec

__all__ = ["AttachCodec", "BlobCodec"]
