"""``datajoint.builtin_codecs.blob``, as DataJoint 2.3 has it."""

from datajoint.codecs.builtin.blob import BlobCodec

__all__ = ["BlobCodec"]
