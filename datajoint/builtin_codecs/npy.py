"""``datajoint.builtin_codecs.npy``, as DataJoint 2.3 has it."""

from datajoint.codecs.builtin.npy import NpyCodec
from datajoint.codecs.npyref import NpyRef

__all__ = ["NpyCodec", "NpyRef"]
