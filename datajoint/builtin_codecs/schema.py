"""``datajoint.builtin_codecs.schema``, as DataJoint 2.3 has it."""

from datajoint.codecs.builtin.schema import SchemaCodec

__all__ = ["SchemaCodec"]
