"""The codecs that come with the library, one a module."""

from datajoint.codecs.builtin.attach import AttachCodec
from datajoint.codecs.builtin.blob import BlobCodec
from datajoint.codecs.builtin.filepath import FilepathCodec
from datajoint.codecs.builtin.hash import HashCodec
from datajoint.codecs.builtin.npy import NpyCodec
from datajoint.codecs.builtin.object import ObjectCodec
from datajoint.codecs.builtin.schema import SchemaCodec

__all__ = ["AttachCodec", "BlobCodec", "FilepathCodec", "HashCodec", "NpyCodec", "ObjectCodec", "SchemaCodec"]
