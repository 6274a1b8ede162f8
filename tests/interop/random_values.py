"""Values drawn from a seed, the same in any interpreter: what a blob may hold. No library is imported here but numpy."""

from __future__ import annotations

import datetime as dt
import random
import uuid
from decimal import Decimal

import numpy as np

_DTYPES = ["?", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f4", "f8", "c8", "c16", "M8[us]", "M8[D]"]


def values(seed, count):
    """Return `count` values."""
    draw = _Draw(random.Random(seed))  # noqa: S311 - no secret
    return [draw.value(3) for _ in range(count)]


class _Draw:
    def __init__(self, source):
        self.source = source

    def value(self, depth):
        """Return any value, with at most `depth` levels of containers."""
        kind = self.source.choice(["scalar", "array", "container", "container"] if depth else ["scalar", "array"])
        return self.container(depth - 1) if kind == "container" else getattr(self, kind)()

    def scalar(self):
        choose, bits = self.source.choice, self.source.getrandbits
        return choose([
            lambda: None,
            lambda: bool(bits(1)),
            lambda: bits(choose([1, 7, 8, 31, 63, 64, 200])) * choose([-1, 1]),
            lambda: choose([0.0, -0.0, 1e300, float("inf"), float("nan"), self.source.gauss(0, 1)]),
            lambda: complex(self.source.gauss(0, 1), -0.5),
            lambda: "".join(choose("aé\n\0漢🐭 ") for _ in range(bits(4))),
            lambda: self.bytes(bits(choose([2, 5, 11]))),
            lambda: Decimal(bits(60)).scaleb(-choose([0, 3, 30])),
            lambda: uuid.UUID(int=bits(128)),
            lambda: dt.date.fromordinal(1 + bits(21)),
            lambda: dt.time(bits(4), bits(5), bits(5), bits(19)),
            lambda: dt.datetime(1 + bits(12), 1 + bits(3), 1 + bits(4), bits(4), bits(5), bits(5), bits(19)),
            lambda: np.dtype(choose(_DTYPES[:-2])).type(bits(7)),
            lambda: np.datetime64(bits(30), choose(["D", "s", "us", "ns"])),
        ])()  # fmt: skip

    def bytes(self, count):
        return self.source.getrandbits(8 * count).to_bytes(count, "little") if count else b""

    def hashable(self):
        value = self.scalar()
        return value if isinstance(value, (int, str, bytes, dt.date, Decimal)) else repr(value)

    def container(self, depth):
        inner = [self.value(depth) for _ in range(self.source.randrange(5))]
        return self.source.choice([
            lambda: inner,
            lambda: tuple(inner),
            lambda: {self.hashable(): value for value in inner},
            lambda: {self.hashable()},  # sets of more have no order of their own
            lambda: self.objects(inner),
            lambda: self.records(),
        ])()  # fmt: skip

    def array(self):
        shape = [self.source.choice([0, 1, 1, 2, 3, 5]) for _ in range(self.source.randrange(1, 4))]
        dtype = np.dtype(self.source.choice(_DTYPES))
        count = int(np.prod(shape))
        if dtype.kind in "fc":  # of random bits some would be signals, which not every way of reading keeps
            parts = np.frombuffer(self.bytes(2 * count * dtype.itemsize), "i2").astype("f8") / 8
            array = parts[:count] + (1j * parts[count : 2 * count] if dtype.kind == "c" else 0)
            array = np.where(array == 3, np.nan, array).astype(dtype)
        else:
            array = np.frombuffer(self.bytes(count * dtype.itemsize), "u1" if dtype.kind == "b" else dtype)
            array = (array % 2).astype(bool) if dtype.kind == "b" else array
        return array.reshape(shape, order=self.source.choice("CF"))

    def objects(self, inner):
        # DataJoint 2.3 cannot read object arrays of sequences of one length.
        array = np.empty(len(inner), object)
        for n, value in enumerate(inner):
            array[n] = value if not isinstance(value, (list, tuple, np.ndarray)) else {"value": value}
        return array

    def records(self):
        records = np.zeros(self.source.randrange(1, 4), [("a", "i4"), ("b", [("x", "f8"), ("y", "u1")]), ("c", "c8")])
        records["a"] = self.source.getrandbits(20)
        records["b"]["x"] = self.source.gauss(0, 1)
        return records
