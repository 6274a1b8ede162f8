from __future__ import annotations

import builtins
import typing

import pytest

import datajoint as dj
from datajoint import types, utils
from datajoint.errors import DataJointError


@pytest.mark.parametrize(
    ("table", "cls"), [("#look_up", "LookUp"), ("__comp", "Comp"), ("m__p", "MP"), ("This_is_Mixed", "ThisIsMixed")]
)
def test_to_camel_case(table, cls):
    assert dj.utils.to_camel_case(table) == cls


@pytest.mark.parametrize(
    ("cls", "table"), [("SessionTrial", "session_trial"), ("EMGData", "e_m_g_data"), ("A1B", "a1_b")]
)
def test_from_camel_case(cls, table):
    assert utils.is_camel_case(cls)
    assert utils.from_camel_case(cls) == table


def test_names_that_are_not_in_camel_case():
    with pytest.warns(UserWarning, match="contains underscores"):
        assert utils.from_camel_case("Session_Trial") == "session_trial"
    with pytest.raises(DataJointError):
        utils.from_camel_case("session")
    assert not utils.is_camel_case("a_b")


def test_a_question_is_repeated_until_it_is_answered(monkeypatch):
    asked, answers = [], iter(["perhaps", "", "YES"])
    monkeypatch.setattr(builtins, "input", lambda prompt: asked.append(prompt) or next(answers))
    assert utils.user_choice("Go?") == "yes"
    assert asked == ["Go? [yes, no]: "] * 3
    monkeypatch.setattr(builtins, "input", lambda prompt: asked.append(prompt) or "")
    assert utils.user_choice("Go?", default="no") == "no"
    assert asked[-1] == "Go? [yes, No]: "
    with pytest.raises(AssertionError):
        utils.user_choice("Go?", default="perhaps")


def test_safe_write(tmp_path):
    path = tmp_path / "a" / "b.bin"
    utils.safe_write(path, b"1")
    utils.safe_write(str(path), b"2")
    assert path.read_bytes() == b"1"
    assert list(path.parent.iterdir()) == [path]


def test_safe_copy(tmp_path):
    source, target = tmp_path / "s", tmp_path / "d" / "t"
    source.write_bytes(b"1")
    utils.safe_copy(source, target)
    source.write_bytes(b"2")
    utils.safe_copy(str(source), str(target))
    assert target.read_bytes() == b"1"
    utils.safe_copy(source, target, overwrite=True)
    utils.safe_copy(source, source, overwrite=True)
    assert target.read_bytes() == source.read_bytes() == b"2"
    assert list(target.parent.iterdir()) == [target]


def test_aliases_of_types():
    names = (
        "PrimaryKey PrimaryKeyList Row RowList AttributeName AttributeNames TableName FullTableName SchemaName ForeignKeyMap "
        "Restriction FetchResult"
    )
    for name in names.split():
        assert typing.Optional[getattr(types, name)]  # noqa: UP045 - it can be used in an annotation
