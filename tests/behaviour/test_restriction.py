"""What may stand after ``&`` and ``-``, beyond the worked examples."""

from __future__ import annotations

import datetime as dt
import enum
import logging
import pathlib
import uuid
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import datajoint as dj
from datajoint.errors import DataJointError, InvalidTypeError

from .lab import build

DOCUMENTS = {
    1: {"name": "a", "n": 1, "x": 20.5, "ok": True, "list": [1, 2], "deep": {"a": {"b": [{"k": "v"}]}}, "none": None},
    2: {"name": "1", "n": 1.0, "x": 0, "ok": False, "list": [2, 1], "deep": {"a": 1}, "1st": "x", "é": "y"},
    3: {"name": "true", "n": "1", "x": "20.5", "ok": "true", "list": [], "deep": {}, "long": "z" * 2000},
    4: None,
    5: {"name": "", "n": 100, "x": -0.25, "ok": None, "list": [1.0, 2.0], "deep": {"b": 1, "a": {"b": []}}},
    6: {"n": True, "x": 2**53 + 1, "ok": 1, "list": {"0": 1}},
    7: {"n": None},
    8: {"n": 0, "x": 1e300, "ok": 0},
}


@pytest.fixture(scope="module")
def lab(module_schema: dj.Schema) -> SimpleNamespace:
    return build(module_schema)


@pytest.fixture(scope="module")
def documents(module_schema: dj.Schema) -> Any:
    table = module_schema(type("Paper", (dj.Manual,), {"definition": "id: int32\n---\nj=null: json"}), context={})
    table.insert({"id": i, "j": j} for i, j in DOCUMENTS.items())
    return table


def ids(expression: Any) -> list[Any]:
    return [row["id"] for row in expression.keys()]  # noqa: SIM118 - no dict


# --- JSON
@pytest.mark.parametrize(
    ("condition", "expected", "null"),
    [
        ({"j.n": 1}, [1, 2], [4, 7]),
        ({"j.n": 1.0}, [1, 2], [4, 7]),
        ({"j.n": Decimal(1)}, [1, 2], [4, 7]),
        ({"j.n": np.int64(100)}, [5], [4, 7]),
        ({"j.n": True}, [6], [4, 7]),
        ({"j.n": "1"}, [1, 3], [4, 7]),
        ({"j.n": None}, [4, 7], []),
        ({"j.n": float("nan")}, [4, 7], []),
        ({"j.x": 20.5}, [1], [4, 7]),
        ({"j.x": "20.5"}, [1, 3], [4, 7]),
        ({"j.x": -0.25}, [5], [4, 7]),
        ({"j.x": 0}, [2], [4, 7]),
        ({"j.x": 1e300}, [8], [4, 7]),
        ({"j.ok": True}, [1], [4, 5, 7]),
        ({"j.ok": False}, [2], [4, 5, 7]),
        ({"j.ok": "true"}, [1, 3], [4, 5, 7]),
        ({"j.ok": "false"}, [2], [4, 5, 7]),
        ({"j.ok": np.True_}, [1], [4, 5, 7]),
        ({"j.list": [1, 2]}, [1, 5], [4, 7, 8]),
        ({"j.list": (2, 1)}, [2], [4, 7, 8]),
        ({"j.list": np.array([1, 2])}, [1, 5], [4, 7, 8]),
        ({"j.list": []}, [3], [4, 7, 8]),
        ({"j.list[1]": 2}, [1, 5], None),
        ({"j.deep": {"a": {"b": []}, "b": 1}}, [5], [4, 6, 7, 8]),
        ({"j.deep": {}}, [3], [4, 6, 7, 8]),
        ({"j.deep.a.b[0].k": "v"}, [1], None),
        ({"j.1st": "x"}, [2], None),
        ({"j.é": "y"}, [2], None),
        ({"j.long": "z" * 2000}, [3], None),
        ({"j.name": ""}, [5], None),
        ({"j.none": None}, list(DOCUMENTS), []),
        ({"j.nowhere": 1}, [], list(DOCUMENTS)),
        ({"j.n": float("inf")}, [], None),
        ({"j.name": "a\0b"}, [], None),
        ({"j": {"n": None}}, [7], [4]),
        ({"j": DOCUMENTS[1]}, [1], [4]),
        ({"j": dict(reversed(list(DOCUMENTS[5].items())))}, [5], [4]),
        ({"j": [1]}, [], [4]),
        ({"j": "text"}, [], [4]),
        ({"j": None}, [4], []),
    ],
)
def test_json_values_compare_as_values(
    documents: Any, condition: dict[str, Any], expected: list[int], null: Any
) -> None:
    assert ids(documents & condition) == expected
    if null is not None:  # SQL's logic: what is missing is in neither
        assert ids(documents - condition) == [i for i in DOCUMENTS if i not in expected and i not in null]


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ({"j.n:unsigned": 1}, [1, 2, 3, 6]),
        ({"j.n:signed": "100"}, [5]),
        ({"j.ok:unsigned": True}, [1, 6]),
        ({"j.ok:unsigned": False}, [2, 8]),
        ({"j.x:decimal(6, 2)": Decimal("20.50")}, [1, 3]),
        ({"j.x:double": 20.5}, [1, 3]),
        ({"j.n:unsigned": None}, [4, 7]),
        ({"j.n:unsigned": 0.5}, []),
    ],
)
def test_json_values_compare_as_types(documents: Any, condition: dict[str, Any], expected: list[int]) -> None:
    # texts that are no numbers, and numbers beyond the types, are each engine's own
    tame = documents & "id not in (6, 8)" if "x:" in str(condition) else documents & [{"id": i} for i in DOCUMENTS]
    tame = tame & "id <> 3" if "j.ok:" in str(condition) else tame
    assert ids(tame & condition) == expected


def test_json_paths_are_computed_attributes(documents: Any) -> None:
    rows = (documents & "id in (1, 4, 7)").proj(t="j.n", y="j.ok", u="j.n:unsigned", d="j.x:decimal(6,2)")
    assert rows.to_dicts() == [
        {"id": 1, "t": "1", "y": "true", "u": 1, "d": Decimal("20.50")},
        {"id": 4, "t": None, "y": None, "u": None, "d": None},
        {"id": 7, "t": None, "y": None, "u": None, "d": None},
    ]
    assert rows.heading["d"].value_type.kind == "decimal"
    assert ids(rows & {"u": 1}) == [1]
    assert ids(documents.proj(t="j.n") & "t = '100'") == [5]


def test_paths_lead_into_json_only(lab: SimpleNamespace, documents: Any) -> None:
    with pytest.raises(DataJointError, match="`species`.*only JSON"):
        lab.Subject & {"species.a": 1}
    for path in ("j.a..b", "j.a[", "j.*", "j.a[*]", "j.a:blob", "j.a'b", "j.a b", "j.", "j.a;b"):
        with pytest.raises(DataJointError, match="path|type"):
            (documents & {path: 1}).to_dicts()
    with pytest.raises(InvalidTypeError, match="`j.a`"):
        documents & {"j.a": {1, 2}}


# --- values
class Species(enum.Enum):
    MOUSE = "mouse"


class Code(enum.IntEnum):
    ONE = 1


@pytest.fixture(scope="module")
def values(module_schema: dj.Schema) -> Any:
    definition = (
        "id: int32\n---\ns=null: varchar(40)\nf=null: float32\nd=null: decimal(8,2)\nb=null: bool\nday=null: date\n"
        "at=null: datetime(6)\nu=null: uuid\nraw=null: bytes\nbig=null: int64\ne=null: enum('x', 'y')"
    )
    table = module_schema(type("Sample", (dj.Manual,), {"definition": definition}), context={})
    table.insert(
        [
            {
                "id": 1,
                "s": "mouse",
                "f": 0.1,
                "d": "1.25",
                "b": True,
                "day": "2024-02-29",
                "at": "2024-02-29 01:02:03.000004",
                "u": uuid.UUID(int=7),
                "raw": b"a\0b\0",
                "big": -(2**63),
                "e": "x",
            },
            {
                "id": 2,
                "s": "/data/x",
                "f": 1.5,
                "d": 2,
                "b": False,
                "day": "1999-12-31",
                "at": "2024-02-29",
                "u": uuid.UUID(int=8),
                "raw": b"",
                "big": 2**63 - 1,
                "e": "y",
            },
            {"id": 3, **dict.fromkeys(("s", "f", "d", "b", "day", "at", "u", "raw", "big", "e"))},
        ]
    )
    return table


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ({"s": Species.MOUSE}, [1]),
        ({"id": Code.ONE}, [1]),
        ({"s": pathlib.PurePosixPath("/data/x")}, [2]),
        ({"s": np.str_("mouse")}, [1]),
        ({"s": 5}, []),
        ({"f": 0.1}, [1]),
        ({"f": np.float32(0.1)}, [1]),
        ({"f": np.float64("nan")}, [3]),
        ({"d": 1.25}, [1]),
        ({"d": Decimal("1.250")}, [1]),
        ({"d": np.float32(2)}, [2]),
        ({"b": True}, [1]),
        ({"b": np.bool_(False)}, [2]),
        ({"b": 2}, []),
        ({"b": "true"}, [1]),
        ({"day": dt.date(2024, 2, 29)}, [1]),
        ({"day": np.datetime64("2024-02-29")}, [1]),
        ({"day": dt.datetime(2024, 2, 29, 1)}, []),
        ({"day": pd.Timestamp("1999-12-31")}, [2]),
        ({"day": "2024-2-29"}, [1]),
        ({"day": pd.NaT}, [3]),
        ({"day": pd.NA}, [3]),
        ({"at": np.datetime64("2024-02-29T01:02:03.000004")}, [1]),
        ({"at": np.datetime64("2024-02-29T01:02:03.000004000")}, [1]),
        ({"at": dt.date(2024, 2, 29)}, [2]),
        ({"at": dt.datetime(2024, 2, 29, 1, 2, 3, 4)}, [1]),
        ({"u": str(uuid.UUID(int=7))}, [1]),
        ({"u": uuid.UUID(int=8)}, [2]),
        ({"u": uuid.UUID(int=8).bytes}, [2]),
        ({"raw": b"a\0b\0"}, [1]),
        ({"raw": bytearray(b"a\0b\0")}, [1]),
        ({"raw": memoryview(b"")}, [2]),
        ({"raw": b"a\0b"}, []),
        ({"big": -(2**63)}, [1]),
        ({"big": 2**63}, []),
        ({"big": np.int64(2**63 - 1)}, [2]),
        ({"big": 1e30}, []),
        ({"id": np.array(2)}, [2]),
        ({"id": np.array([1, 2])}, [1, 2]),
        ({"id": range(2, 9)}, [2, 3]),
        ({"id": {1, 3}}, [1, 3]),
        ({"id": {3: "a view, which every engine can read again"}.keys()}, [3]),
        ({"s": ["mouse", None]}, [1, 3]),
        ({"s": pd.Series(["mouse", "rat"])}, [1]),
        ({"e": ["x", "no label"]}, [1]),
        ({"id": []}, []),
        ({"id": list(range(5000))}, [1, 2, 3]),
        ({"s": [*map(str, range(5000)), "mouse", None]}, [1, 3]),
        ({"e": "no label"}, []),
    ],
)  # fmt: skip
def test_values_of_other_libraries(values: Any, condition: dict[str, Any], expected: list[int]) -> None:
    assert ids(values & condition) == expected


def test_values_that_nothing_can_be(values: Any) -> None:
    for condition, error in (
        ({"u": "no uuid"}, "Badly formed UUID.*`u`"),
        ({"id": "abc"}, "`id`"),
        ({"day": "no day"}, "`day`"),
        ({"raw": 5}, "`raw`"),
        ({"day": object()}, "`day`"),
    ):
        with pytest.raises(DataJointError, match=error):
            values & condition


def test_time_attributes(module_schema: dj.Schema) -> None:
    table = module_schema(type("Clock", (dj.Manual,), {"definition": "id: int32\n---\nt: time(3)"}), context={})
    table.insert([{"id": 1, "t": "12:30:00.5"}, {"id": 2, "t": "00:00:00"}])
    assert ids(table & {"t": dt.timedelta(hours=12, minutes=30, seconds=0.5)}) == [1]
    assert ids(table & {"t": np.timedelta64(0, "s")}) == [2]
    assert ids(table & {"t": dt.time(12, 30, 0, 500_000)}) == [1]


def test_codec_attributes_have_no_equality(module_schema: dj.Schema) -> None:
    table = module_schema(type("Image", (dj.Manual,), {"definition": "id: int32\n---\nx=null: <blob>"}), context={})
    table.insert([{"id": 1, "x": [1]}, {"id": 2, "x": None}])
    assert ids(table & {"x": None}) == [2]
    with pytest.raises(DataJointError, match="`x`"):
        table & {"x": [1]}


# --- tables of other libraries
KEYS = {"subject_id": [1, 1, 9], "session": [2, 7, 1]}


@pytest.mark.parametrize(
    "frame",
    [
        pd.DataFrame(KEYS), pd.DataFrame(KEYS).set_index(["subject_id", "session"]), pd.DataFrame(KEYS).convert_dtypes(),
        pl.DataFrame(KEYS), pl.DataFrame(KEYS).lazy(), pa.table(KEYS), pa.RecordBatch.from_pydict(KEYS),
        pd.DataFrame(KEYS).to_records(), pd.DataFrame(KEYS).to_records(index=False), [dict(zip(KEYS, r, strict=True)) for r in zip(*KEYS.values(), strict=True)],
        pa.table(KEYS).to_pandas(types_mapper=pd.ArrowDtype),
    ],
    ids=["pandas", "index", "nullable", "polars", "lazy", "arrow", "batch", "records", "records without index", "dicts", "arrow types"],
)  # fmt: skip
def test_tables_of_other_libraries(lab: SimpleNamespace, frame: Any) -> None:
    assert (lab.Session & frame).keys() == [{"subject_id": 1, "session": 2}]
    assert len(lab.Session - frame) == 3


def test_dates_in_tables_of_other_libraries(lab: SimpleNamespace) -> None:
    days = [dt.date(2021, 1, 2), None]
    for frame in (
        pd.DataFrame({"session_date": pd.to_datetime(days)}),
        pl.DataFrame({"session_date": days}),
        pa.table({"session_date": pa.array(days, pa.date32())}),
        np.array([(np.datetime64("2021-01-02"),)], dtype=[("session_date", "M8[D]")]),
    ):
        assert len(lab.Session & frame) == 1


def test_empty_tables_of_other_libraries(lab: SimpleNamespace) -> None:
    for frame in (pd.DataFrame(KEYS)[:0], pl.DataFrame(KEYS)[:0], pa.table(KEYS)[:0], np.array([], dtype=[("x", int)])):
        assert len(lab.Session & frame) == 0
        assert len(lab.Session - frame) == 4


@pytest.mark.parametrize(
    "form", ["dicts", "tuple", "generator", "frame", "polars", "arrow", "records", "reversed", "mixed nulls"]
)
def test_many_keys_travel_in_one_parameter(values: Any, form: str) -> None:
    rows = [{"id": i, "s": "mouse" if i % 2 else "rat"} for i in range(5000)]
    condition = {
        "dicts": lambda: rows,
        "tuple": lambda: tuple(rows),
        "generator": lambda: (row for row in rows),
        "frame": lambda: pd.DataFrame(rows),
        "polars": lambda: pl.DataFrame(rows),
        "arrow": lambda: pa.Table.from_pylist(rows),
        "records": lambda: pd.DataFrame(rows).to_records(index=False),
        "reversed": lambda: [dict(reversed(row.items())) if i % 2 else row for i, row in enumerate(rows)],
        "mixed nulls": lambda: [{**row, "day": None, "f": None} if row["id"] > 5 else row for row in rows],
    }[form]()
    expression = values & condition
    assert ids(expression) == [1]
    assert ids(values - (condition if form != "generator" else rows)) == [2]  # the text of row 3 is NULL
    assert len(expression._sql().parameters) <= 8


def test_thousands_of_different_conditions(values: Any) -> None:
    assert ids(values & [f"id = {i}" for i in range(2, 1500)]) == [2, 3]
    assert ids(values & [dj.AndList([{"id": i}, "s is null"]) for i in range(1500)]) == [3]


# --- what is no condition
@pytest.mark.parametrize(
    "condition", [None, 5, 2.5, object(), np.int64(3), [None], [5], np.array([1, 2]), np.array(3), b"a"]
)
def test_invalid_conditions(lab: SimpleNamespace, condition: Any) -> None:
    for restrict in (lambda: lab.Subject & condition, lambda: lab.Subject - condition):
        with pytest.raises(DataJointError, match="Invalid restriction type"):
            restrict()


def test_top_only_stands_alone(lab: SimpleNamespace) -> None:
    message = r"^Invalid restriction type Top\(limit=1, order_by=\['KEY'\], offset=0\)$"
    for condition in ([dj.Top()], dj.AndList([dj.Top()]), dj.Not(dj.Top())):
        with pytest.raises(DataJointError, match=message) as caught:
            lab.Subject & condition
        assert type(caught.value) is DataJointError


def test_conditions_nest(lab: SimpleNamespace) -> None:
    subject = lab.Subject
    assert len(subject & [dj.Not({"species": "rat"}), dj.AndList(["weight > 200", "sex = 'U'"])]) == 3
    assert len(subject & dj.AndList([[{"sex": "M"}, {"sex": "F"}], dj.Not("weight is null")])) == 2
    assert len(subject - dj.AndList([{"species": "mouse"}, {"sex": "M"}])) == 3
    assert len(subject & -subject.proj()) == 0
    assert len(subject & [lab.Session, "weight > 200"]) == 4
    assert len(subject - [lab.Session, "weight > 200"]) == 0
    assert len(subject & [[[]], dj.AndList()]) == 4
    assert len(subject & np.bool_(True)) == 4


# --- another connection
def test_operands_of_two_connections(lab: SimpleNamespace, schema: dj.Schema) -> None:
    definition = "subject_id: int32\nsession: int16"
    other = schema(type("Elsewhere", (dj.Manual,), {"definition": definition}), context={})()
    other.insert({"subject_id": i, "session": 1} for i in (1, 2, 3))
    for combine in (
        lambda: lab.Subject & other, lambda: lab.Subject - other, lambda: lab.Subject * other, lambda: lab.Subject.aggr(other),
        lambda: lab.Session.proj() + other.proj(), lambda: lab.Subject.near(other),
    ):  # fmt: skip
        with pytest.raises(DataJointError, match=r"different connections.*keys\(\)"):
            combine()
    assert len(lab.Subject & other.keys()) == 3


# --- dicts that say nothing
def test_a_dict_that_matches_no_attribute_is_reported(lab: SimpleNamespace, caplog: Any) -> None:
    with caplog.at_level(logging.WARNING, logger="datajoint"):
        assert len(lab.Subject & {"subjct_id": 3}) == 4
        assert "`subjct_id`" in caplog.text
        assert "'subject_id'" in caplog.text
        caplog.clear()
        for quiet in ({}, {"subject_id": 1, "zzz": 2}, [{}], True):
            lab.Subject & quiet
        assert not caplog.records
        lab.Subject & [{"zzz": i} for i in range(100)]
        assert len(caplog.records) == 1


def test_a_dict_that_matches_no_attribute_destroys_nothing(lab: SimpleNamespace, caplog: Any) -> None:
    for rows in (
        lab.Rig & {"rgi": "r1"}, lab.Rig & {"room": 100} & {"rgi": "r1"}, (lab.Rig & {"rgi": "r1"}) & {"room": 100},
        lab.Rig & [{"rgi": "r1"}], (lab.Rig & {"rgi": "r1"}).proj(),
    ):  # fmt: skip
        for destroy in (lambda r=rows: r.delete(prompt=False), lambda r=rows: r.delete_quick()):
            with pytest.raises(DataJointError, match="`rgi`"):
                destroy()
    assert len(lab.Rig()) == 3


def test_what_to_do_about_such_dicts_is_a_setting(lab: SimpleNamespace, caplog: Any) -> None:
    settings = lab.Subject().connection.settings
    with settings.override(query__unmatched_mapping="raise"), pytest.raises(DataJointError, match="Did you mean"):
        lab.Subject & {"subjct_id": 3}
    with settings.override(query__unmatched_mapping="ignore"), caplog.at_level(logging.WARNING, logger="datajoint"):
        lab.Subject & {"subjct_id": 3}
        assert not caplog.records


# --- the conditions themselves
def test_restrictions_can_be_read(lab: SimpleNamespace, engine: str) -> None:
    q = "`" if engine != "postgresql" else '"'
    restricted = lab.Subject & "weight > 3" & {"species": "it's"} & [{"sex": "M"}, {"sex": "F"}]
    assert restricted.restriction[1].startswith(f"{q}species{q} = 'it''s'")
    assert [text.replace(q, "").split(" ")[0] for text in restricted.restriction] == ["(weight", "species", "(sex"]
    assert restricted.restriction_attributes == {"weight", "species", "sex"}
    assert (lab.Subject & []).restriction == [False]
    assert isinstance(restricted.restriction, dj.AndList)
    assert len((restricted & dj.Top(2)).restriction) == 3
    assert len(restricted.proj().restriction) == 3
    assert "SELECT" in (lab.Subject & lab.Session).restriction[0]
    assert (lab.Subject & lab.Session).restriction_attributes == {"subject_id"}
    assert len((lab.Subject * lab.Session.proj()).restriction) == 0
    assert not lab.Subject().restriction
