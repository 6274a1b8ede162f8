"""``datajoint.builtin_codecs.attach``, as DataJoint 2.3 has it."""

from datajoint.codecs.builtin.attach import AttachCodec

__all__ = ["AttachCodec"]
