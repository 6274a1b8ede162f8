"""``datajoint.builtin_codecs.hash``, as DataJoint 2.3 has it."""

from datajoint.codecs.builtin.hash import HashCodec

__all__ = ["HashCodec"]
