"""``datajoint.builtin_codecs.filepath``, as DataJoint 2.3 has it."""

from datajoint.codecs.builtin.filepath import FilepathCodec

__all__ = ["FilepathCodec"]
