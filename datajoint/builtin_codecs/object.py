"""``datajoint.builtin_codecs.object``, as DataJoint 2.3 has it."""

from datajoint.codecs.builtin.object import ObjectCodec

__all__ = ["ObjectCodec"]
