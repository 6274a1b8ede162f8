"""The blob format: fixed bytes, round trips, and bytes that are not what they claim to be."""

from __future__ import annotations

import contextlib
import logging
import math
import pickle
import struct
import tracemalloc
import zlib
from array import array
from collections import OrderedDict, deque
from datetime import datetime, time, timedelta, timezone
from decimal import Decimal
from enum import IntEnum
from typing import Any
from uuid import UUID

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from datajoint.codecs import blob_format, blob_writer
from datajoint.codecs.blob_format import Blob, pack, unpack
from datajoint.codecs.matlab import MatCell, MatStruct
from datajoint.errors import DataJointError

from .blob_vectors import COMPRESSED_ZEROS, MATLAB_CELL, MYM_32BIT_STRUCT, VECTORS, Vector


def same(a: Any, b: Any) -> bool:
    """Tell whether two values are equal in class, type of elements, shape, and all elements; nan equals nan."""
    if type(a) is not type(b):
        return False
    if isinstance(a, np.ndarray):
        if a.dtype != b.dtype or a.shape != b.shape:
            return False
        if a.dtype.names is not None:
            return all(same(np.asarray(a[name]), np.asarray(b[name])) for name in a.dtype.names)
        if a.dtype.kind == "O":
            return all(map(same, a.ravel().tolist(), b.ravel().tolist()))
        return a.tobytes() == b.tobytes() or bool(np.array_equal(a, b, equal_nan=a.dtype.kind in "fcM"))
    if isinstance(a, np.generic):
        return same(np.asarray(a), np.asarray(b))
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return same(list(a), list(b)) and same(list(a.values()), list(b.values()))
    if isinstance(a, float):
        return struct.pack("<d", a) == struct.pack("<d", b) or (math.isnan(a) and math.isnan(b))
    if isinstance(a, complex):
        return same([a.real, a.imag], [b.real, b.imag])
    if isinstance(a, Decimal):
        return str(a) == str(b)
    return bool(a == b)


# --- fixed bytes


@pytest.mark.parametrize("vector", VECTORS, ids=[f"{i}" for i in range(1, len(VECTORS) + 1)])
def test_vectors(vector: Vector) -> None:
    assert pack(vector.value, compress=False).hex() == vector.digits
    decoded = unpack(bytes.fromhex(vector.digits))
    assert same(decoded, vector.value if vector.decoded is ... else vector.decoded)


def test_zero_dimensional_array_is_its_scalar() -> None:
    assert pack(np.array(3.0)) == pack(np.float64(3))


def test_compressed_vector() -> None:
    assert same(unpack(bytes.fromhex(COMPRESSED_ZEROS)), np.zeros(1000))
    assert same(unpack(pack(np.zeros(1000))), np.zeros(1000))


def test_blobs_are_compressed_above_a_thousand_bytes_if_it_helps() -> None:
    assert len(pack(b"\0" * 987)) == 1000
    assert pack(b"\0" * 988).startswith(b"ZL123\0")
    noise = np.random.default_rng(0).bytes(5000)
    assert pack(noise) == pack(noise, compress=False)


def test_matlab_cell_of_texts() -> None:
    cell = unpack(bytes.fromhex(MATLAB_CELL))
    assert isinstance(cell, MatCell)
    assert cell.shape == (1, 2)
    assert same(cell[0, 0], np.array(["string1"]))
    assert same(cell[0, 1], np.array(["string2"]))


def test_32bit_blobs_need_the_flag(monkeypatch: pytest.MonkeyPatch) -> None:
    blob = bytes.fromhex(MYM_32BIT_STRUCT)
    with pytest.raises(DataJointError):
        unpack(blob)
    monkeypatch.setattr(blob_format, "use_32bit_dims", True)
    for data in (blob, b"ZL123\0" + struct.pack("<I", len(blob)) + zlib.compress(blob)):
        record = unpack(data)[0, 0]
        assert same(record.hits, np.array([[np.nan, 1, 1, 0, 1, 0, np.nan]]))
        assert (record.sides, record["tasks"], record.stage) == ("llllrrl", "ddddddd", "Stage 10")


# --- protocol, inputs, class Blob


def test_protocol_is_mym_only_for_what_matlab_knows() -> None:
    def cell(value: Any) -> MatCell:
        holder = np.empty(1, object)
        holder[0] = value
        return holder.view(MatCell)

    for value in (np.ones(2), np.array([True]), np.array([b"a"]), cell(np.ones(1)), cell(cell(np.ones((2, 2))))):
        assert pack(value).startswith(b"mYm\0"), value
    for value in (
        1,
        np.array(1),
        np.array(["a"]),
        np.array(["2020"], "M8[Y]"),
        cell(1),
        cell(np.array("a")),
        [np.ones(1)],
    ):
        assert pack(value).startswith(b"dj0\0"), value


def test_blob_object_tells_the_protocol() -> None:
    blob = Blob(squeeze=True)
    assert blob.unpack(Blob().pack(np.ones((1, 1)), compress=True)) == 1.0
    assert blob.protocol == b"mYm\0"


def test_none_is_no_blob_and_bytes_like_inputs_are() -> None:
    assert unpack(None) is None
    packed = pack([1, "a"])
    assert unpack(bytearray(packed)) == unpack(memoryview(packed)) == [1, "a"]
    with pytest.raises(DataJointError, match="not str"):
        unpack("text")  # type: ignore[arg-type]


# --- arrays


def test_arrays_are_writable_and_own_their_memory() -> None:
    packed = pack({"a": np.arange(6.0).reshape(2, 3), "b": np.array([True]), "c": np.array([1j])})
    for value in unpack(packed).values():
        value[...] = 0
        assert value.flags.aligned
    assert unpack(packed)["a"][1, 2] == 5


def test_memory_order_does_not_change_the_blob() -> None:
    c_order = np.arange(24, dtype="i4").reshape(2, 3, 4)
    assert pack(c_order) == pack(np.asfortranarray(c_order)) == pack(c_order[::-1][::-1])
    assert unpack(pack(c_order)).flags.f_contiguous


@pytest.mark.parametrize(
    ("shape", "dtype"),
    [((1031, 1025), "u1"), ((37, 300, 301), "u2"), ((3, 700, 701), "i1"), ((200_001, 7), "i2"), ((17, 80_000), "u1")],
)
def test_large_arrays_are_laid_out_as_small_ones(shape, dtype) -> None:
    """They are turned over in strips, the last of which is not whole."""
    array = np.random.default_rng(0).integers(0, 100, shape).astype(dtype)
    assert array.nbytes > 2**20
    assert pack(array) == pack(np.asfortranarray(array))
    assert pack(array[::-1, ::2]) == pack(np.asfortranarray(array[::-1, ::2]))
    assert pack(np.zeros(shape, dtype)) == pack(np.zeros(shape, dtype, order="F"))
    assert (unpack(pack(array)) == array).all()


def test_subclasses_of_arrays_become_arrays() -> None:
    assert same(unpack(pack(np.ma.masked_array([1.0, 2.0], [True, False]))), np.array([1.0, 2.0]))

    class Calibrated(np.ndarray):
        pass

    assert same(unpack(pack(np.ones(3).view(Calibrated))), np.ones(3))


def test_records_keep_nested_fields_and_fields_of_arrays() -> None:
    dtype = [("id", "i4"), ("at", [("x", "f8"), ("y", "f8")]), ("wave", "f4", (3,)), ("who", object)]
    records = np.zeros((2, 2), dtype)
    records["wave"] = np.arange(12).reshape(2, 2, 3)
    records["at"]["y"][1, 0] = 7
    records["who"][0, 1] = ["any", {"thing": 1}]
    decoded = unpack(pack(records))
    assert isinstance(decoded, np.recarray)
    assert decoded.at.y[1, 0] == 7
    assert decoded.wave.shape == (2, 2, 3)
    assert np.array_equal(decoded.wave, records["wave"])
    assert decoded[0, 1].who == ["any", {"thing": 1}]


def test_records_without_fields() -> None:
    for empty in (np.empty(3, []), np.empty(3, []).view(MatStruct)):
        assert same(unpack(pack(empty)), np.array(None, dtype=object))


def test_cells_and_structs_behave_as_arrays() -> None:
    struct_array = np.empty((1, 2), [("a", object), ("b", object)]).view(MatStruct)
    struct_array["a"][0, :] = [np.ones(3), "x"]
    struct_array["b"][0, :] = [struct_array.copy(), None]
    decoded = unpack(pack(struct_array))
    assert isinstance(decoded, MatStruct)
    assert isinstance(decoded[0, 0], np.record)
    assert decoded[0][1]["a"] == decoded[0, 1].a == "x"
    assert isinstance(decoded.a, np.ndarray)
    assert isinstance(decoded[0, 0].b, MatStruct)
    assert isinstance(decoded[:, 0].squeeze(), MatStruct)
    cell = np.empty((2, 2), object)
    cell[0, 1] = np.ones((0, 3))
    assert isinstance(unpack(pack(cell.view(MatCell)))[0].reshape(2, 1), MatCell)


def test_characters() -> None:
    def characters(text: str, *shape: int) -> bytes:
        head = struct.pack(f"<{1 + len(shape)}Q", len(shape), *shape)
        return b"mYm\0A" + head + struct.pack("<II", 4, 0) + text.encode("utf-16-le")

    assert same(unpack(characters("a", 1, 1)), np.array(["a"]))
    assert same(unpack(characters("", 1, 0)), np.array([""]))
    assert same(unpack(characters("abcd", 2, 2)), np.array([["a", "c"], ["b", "d"]]))
    assert same(unpack(characters("µ°", 1, 2)), np.array(["µ°"]))
    assert same(unpack(characters("µ", 1, 1, 1)), np.array([[["µ"]]]))
    assert unpack(characters("abc", 1, 3), squeeze=True) == "abc"
    assert same(unpack(pack(np.array([[b"a", b"b"], [b"c", b"d"]]))), np.array([["a", "b"], ["c", "d"]]))


def test_squeeze_reaches_nested_arrays() -> None:
    value = {"a": np.ones((1, 3, 1)), "b": [np.array([[5]])], "c": np.float32(2)}
    squeezed = unpack(pack(value), squeeze=True)
    assert same(squeezed["a"], np.ones(3))
    assert same(squeezed["b"], [5])
    assert same(squeezed["c"], 2.0)
    cell = np.empty((1, 1), object)
    cell[0, 0] = np.ones((1, 1))
    assert unpack(pack(cell.view(MatCell)), squeeze=True).shape == ()
    records = unpack(pack(np.array([[(1,)]], [("a", "i4")])), squeeze=True)
    assert records.shape == ()
    assert records.a == 1


@pytest.mark.parametrize("unit", ["Y", "M", "W", "D", "h", "m", "s", "ms", "us", "ns", "ps", "fs", "as"])
def test_datetime_units(unit: str) -> None:
    value = np.array([0, 1, -5, np.iinfo("i8").min]).view(f"M8[{unit}]")
    assert same(unpack(pack(value)), value)


def test_integers_may_be_complex_when_read() -> None:
    blob = b"mYm\0A" + struct.pack("<QQIIhh", 1, 1, 10, 1, 3, -4)
    assert same(unpack(blob), np.array([3 - 4j]))


# --- which tag: subclasses, other containers, refusals


AWARE = datetime(2024, 1, 2, 3, tzinfo=timezone(timedelta(hours=2)))


class Colour(IntEnum):
    RED = 3


@pytest.mark.parametrize(
    ("value", "decoded"),
    [
        (Colour.RED, 3),
        (True, True),
        (frozenset({1}), {1}),
        ({frozenset({1}): 2, (0, frozenset({2})): 3}, {frozenset({1}): 2, (0, frozenset({2})): 3}),
        ({frozenset({frozenset({1})})}, {frozenset({frozenset({1})})}),
        ({Colour.RED: 1, range(2): 2, np.int64(7): 3}, {3: 1, (0, 1): 2, np.int64(7): 3}),
        (np.array("abc"), np.array("abc", object)),
        (np.array(b"a", "S1"), np.array("a")),
        (range(3), (0, 1, 2)),
        (deque([1, 2]), [1, 2]),
        (array("i", [1, 2]), [1, 2]),
        (OrderedDict(b=1, a=2), {"b": 1, "a": 2}),
        ({"x": 1}.items(), {("x", 1)}),
        (bytearray(b"ab"), b"ab"),
        (np.bytes_(b"ab"), b"ab"),
        (np.str_("ab"), "ab"),
        (memoryview(b"\x01\x02"), (1, 2)),
        (AWARE, AWARE.replace(tzinfo=None)),
        (time(0), time(0)),
        (datetime.fromisoformat("0001-01-01"), datetime.fromisoformat("0001-01-01")),
        (Decimal("NaN"), Decimal("NaN")),
        (Decimal("1.50E+7"), Decimal("1.50E+7")),
    ],
)
def test_values_come_back_as_base_types(value: Any, decoded: Any) -> None:
    assert same(unpack(pack(value)), decoded)


@pytest.mark.parametrize(
    "value",
    [
        np.float16(1),
        np.ones(2, np.longdouble),
        np.timedelta64(1, "s"),
        np.ones(2, "m8[s]"),
        np.array(["NaT"], "M8"),
        np.ones(2, ">f8"),
        np.array([b"abc"]),
        np.ones(1, "i4").view("V4"),
        np.array([(1,)], [("a", "i4")])[0],
        timedelta(1),
        object(),
        lambda: None,
        "\ud800",
        [1 << (8 * 65535)],
        np.array([(1,)], [("a\0b", "i4")]),
    ],
)
def test_refused_values(value: Any) -> None:
    with pytest.raises(DataJointError):
        pack([value])


def test_refusals_say_what_to_do() -> None:
    with pytest.raises(DataJointError, match=r"ambiguous or unknown.*newbyteorder"):
        pack(np.ones(1, ">i4"))
    with pytest.raises(DataJointError, match="object of type timedelta currently not supported!"):
        pack({"a": [timedelta(1)]})


class Frozen(dict):
    """A mapping that can be a key, and would be a dict when it is read."""

    __hash__ = object.__hash__


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({AWARE: 1, AWARE.replace(tzinfo=None): 2}, "Of 2 keys .* the same"),
        ({(0, 1), range(2)}, "Of 2 keys .* the same"),
        ({"a": [{AWARE: 1, AWARE.astimezone(timezone(timedelta(hours=2), "same")): 2}]}, None),
        ({Frozen(a=1): 1}, "could not be read back"),
        ({Frozen(a=1)}, "could not be read back"),
    ],
)
def test_keys_that_would_be_lost_are_refused(value: Any, message: str | None) -> None:
    if message is None:  # the same moment is one key from the start
        assert len(unpack(pack(value))["a"][0]) == 1
        return
    with pytest.raises(DataJointError, match=message):
        pack([value])


def test_what_is_not_kept_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    blob_writer._tell.cache_clear()
    with caplog.at_level(logging.WARNING, "datajoint"):
        for _ in range(2):
            pack([AWARE, AWARE.timetz(), datetime.fromisoformat("2024-01-02"), time(3)])
            pack(np.ma.masked_array([1.0, 2.0], [True, False]))
            pack(np.ma.masked_array([1.0, 2.0], [False, False]))
    assert [record.message.split(":")[0] for record in caplog.records] == [
        "A blob does not keep the zone of dates and times",
        "A blob does not keep masks of arrays",
    ]


def test_objects_without_dimensions_stay_arrays() -> None:
    holder = np.empty((), object)
    holder[()] = {"a": 1}
    assert same(unpack(pack(holder)), holder)
    assert unpack(pack(holder), squeeze=True) == {"a": 1}


def test_a_list_that_changes_meanwhile_has_the_length_it_is_written_with() -> None:
    class Growing(deque):
        def __iter__(self) -> Any:
            yield from (1, 2, 3)

    assert unpack(pack(Growing([1]))) == [1, 2, 3]


def test_value_that_contains_itself() -> None:
    circle: list[Any] = []
    circle.append(circle)
    with pytest.raises(DataJointError, match="contains itself"):
        pack(circle)


def test_deep_nesting_is_read_back_or_refused() -> None:
    value: Any = 1
    for _ in range(150):
        value = [value]
    assert unpack(pack(value)) == value
    item = b"\xff"
    for _ in range(5000):
        item = b"\x02" + struct.pack("<QQ", 1, len(item)) + item
    with pytest.raises(DataJointError, match="nested too deeply"):
        unpack(b"dj0\0" + item)


# --- round trips

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.complex_numbers(),
    st.text(),
    st.binary(),
    st.decimals(allow_nan=False),
    st.uuids(),
    st.dates(),
    st.times(),
    st.datetimes(),
)
hashable = st.one_of(st.integers(), st.text(), st.binary(), st.dates(), st.tuples(st.integers(), st.text()))
numeric = st.sampled_from(
    ["?", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f4", "f8", "c8", "c16", "M8[us]", "M8[D]"]
)
arrays = npst.arrays(numeric, npst.array_shapes(min_dims=1, max_dims=4, min_side=0, max_side=4))
values = st.recursive(
    scalars | arrays,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.lists(inner, max_size=4).map(tuple),
        st.dictionaries(hashable, inner, max_size=4),
        st.sets(hashable, max_size=4),
    ),
    max_leaves=12,
)


@given(values)
def test_round_trip(value: Any) -> None:
    assert same(unpack(pack(value)), value)
    assert same(unpack(pack(value, compress=False)), value)


@given(npst.arrays(npst.array_dtypes(numeric.map(np.dtype), max_size=3), npst.array_shapes(min_side=0, max_side=3)))
def test_records_round_trip(records: np.ndarray) -> None:
    assume("\0" not in "".join(records.dtype.names))
    decoded = unpack(pack(records))
    assert decoded.dtype.names == records.dtype.names
    assert decoded.shape == records.shape
    for name in records.dtype.names:
        assert same(np.asarray(decoded[name]), np.asarray(records[name]))


@given(st.lists(values, max_size=5))
def test_object_arrays_and_cells_round_trip(elements: list[Any]) -> None:
    vector = np.empty(len(elements), object)
    for index, element in enumerate(elements):
        vector[index] = element
    assert same(unpack(pack(vector)), vector)
    assert same(unpack(pack(vector.view(MatCell))), vector.view(MatCell))


# --- damaged and hostile bytes

BLOBS = [bytes.fromhex(vector.digits) for vector in VECTORS] + [
    bytes.fromhex(MATLAB_CELL),
    bytes.fromhex(COMPRESSED_ZEROS),
]


def value_or_error(data: bytes) -> None:
    with contextlib.suppress(DataJointError):
        unpack(data)


@pytest.mark.parametrize("blob", BLOBS, ids=range(1, len(BLOBS) + 1))
def test_every_shortened_blob_is_refused(blob: bytes) -> None:
    for length in range(len(blob)):
        with pytest.raises(DataJointError):
            unpack(blob[:length])
    with pytest.raises(DataJointError):
        unpack(blob + b"\0")


@given(st.sampled_from(BLOBS), st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), min_size=1, max_size=6))
@settings(max_examples=1500, suppress_health_check=[HealthCheck.too_slow])
def test_mutated_blobs_end_in_a_value_or_our_error(blob: bytes, changes: list[tuple[int, int]]) -> None:
    data = bytearray(blob)
    for position, byte in changes:
        data[position % len(data)] = byte
    value_or_error(bytes(data))


@given(st.sampled_from(BLOBS), st.sampled_from(BLOBS), st.integers(0, 400), st.integers(0, 400))
def test_spliced_blobs_end_in_a_value_or_our_error(left: bytes, right: bytes, cut: int, start: int) -> None:
    value_or_error(left[: cut % len(left)] + right[start % len(right) :])


@given(st.binary(max_size=200))
def test_any_bytes_end_in_a_value_or_our_error(data: bytes) -> None:
    value_or_error(b"dj0\0" + data)
    value_or_error(data)


HUGE = 2**40
HOSTILE = {
    "list": b"dj0\0\x02" + struct.pack("<Q", HUGE),
    "dict": b"dj0\0\x04" + struct.pack("<Q", HUGE),
    "text": b"dj0\0\x05" + struct.pack("<Q", HUGE) + b"a",
    "numbers": b"mYm\0A" + struct.pack("<QQII", 1, HUGE, 6, 0) + b"12345678",
    "complex": b"mYm\0A" + struct.pack("<QQII", 1, HUGE, 6, 1) + b"12345678",
    "product": b"mYm\0A" + struct.pack("<QQQII", 2, HUGE, HUGE, 9, 0) + b"12345678",
    "objects": b"dj0\0A" + struct.pack("<QQII", 1, HUGE, 5, 0) + b"12345678",
    "characters": b"mYm\0A" + struct.pack("<QQII", 1, HUGE, 4, 0) + b"ab",
    "dimensions": b"mYm\0A" + struct.pack("<Q", HUGE),
    "product of many dimensions": b"mYm\0A" + struct.pack("<Q", 10**5) + b"\xff" * 8 * 10**5 + bytes(8),
    "unhashable keys": b"dj0\0\x04" + struct.pack("<QQ", 1, 9) + b"\x02" + bytes(8) + struct.pack("<QB", 1, 0xFF),
    "lengths in a circle": b"dj0\0\x02" + struct.pack("<QQBQQB", 1, 26, 2, 1, 26, 2),
    "part beyond its whole": b"dj0\0\x02" + struct.pack("<QQBQQB", 1, 10, 2, 1, 1, 0xFF),
    "text beyond its part": b"dj0\0\x02" + struct.pack("<QQBQ", 1, 10, 5, 2**63) + b"a",
    "integer beyond its part": b"dj0\0\x02" + struct.pack("<QQBH", 1, 4, 0x0A, 500) + b"a",
    "short float": b"dj0\0\x02" + struct.pack("<QQB", 1, 5, 0x0D) + b"abcd",
    "names without an end": b"dj0\0F" + struct.pack("<I", 1) + b"abc",
    "cell": b"mYm\0C" + struct.pack("<QQQ", 2, HUGE, HUGE),
    "struct": b"mYm\0S" + struct.pack("<QQI", 1, HUGE, 1) + b"a\0",
    "fields": b"dj0\0F" + struct.pack("<I", 2**32 - 1) + b"a\0",
    "inflation": b"ZL123\0" + struct.pack("<Q", HUGE) + zlib.compress(b"dj0\0\xff"),
    "more inflated than declared": b"ZL123\0" + struct.pack("<Q", 5000) + zlib.compress(b"\0" * 10**8),
    "less inflated than declared": b"ZL123\0" + struct.pack("<Q", 6) + zlib.compress(b"dj0\0\xff"),
    "after the stream": b"ZL123\0" + struct.pack("<Q", 5) + zlib.compress(b"dj0\0\xff") + b"more",
    "no stream": b"ZL123\0" + struct.pack("<Q", 5) + b"no zlib",
    "unknown header": b"abc\0\xff",
    "unknown code": b"dj0\0\x7f",
    "unknown array": b"mYm\0A" + struct.pack("<QQII", 1, 1, 16, 0) + b"12345678",
    "sparse": b"mYm\0P",
    "no such month": b"dj0\0t" + struct.pack("<iq", 20241301, -1),
    "no time at all": b"dj0\0t" + struct.pack("<iq", -1, -1),
    "list as a key": b"dj0\0\x03" + struct.pack("<QQ", 1, 9) + b"\x02" + struct.pack("<Q", 0),
    "no decimal": b"dj0\0d" + struct.pack("<Q", 1) + b"x",
    "no text": b"dj0\0\x05" + struct.pack("<Q", 1) + b"\xff",
    "empty": b"",
}  # fmt: skip


@pytest.mark.parametrize("data", HOSTILE.values(), ids=HOSTILE)
def test_hostile_blobs_are_refused_in_little_memory(data: bytes) -> None:
    unpack(pack(np.ones(1)))
    tracemalloc.start()
    try:
        with pytest.raises(DataJointError):
            unpack(data)
        assert tracemalloc.get_traced_memory()[1] < 10**6
    finally:
        tracemalloc.stop()


def test_what_exceeds_the_memory_of_the_machine_is_refused() -> None:
    memory = blob_format._memory()
    stream = bytes(memory // 1000)  # as far as its length goes, it could hold so much
    assert memory >= 2**28
    with pytest.raises(DataJointError, match="inflates to .* memory"):
        unpack(b"ZL123\0" + struct.pack("<Q", memory + 1) + stream)


def test_nothing_is_unpickled() -> None:
    class Called:
        def __reduce__(self) -> Any:
            return pytest.fail, ("a blob ran code",)

    pickled = pickle.dumps(Called())
    head = struct.pack("<QQII", 1, 1, 5, 0) + struct.pack("<Q", len(pickled))
    for data in (pickled, b"dj0\0" + pickled, b"dj0\0A" + head + pickled):
        with pytest.raises(DataJointError):
            unpack(data)


def test_uuid_is_in_network_order() -> None:
    uuid = UUID(int=1)
    assert pack(uuid)[-16:] == uuid.bytes
