"""Paths of objects: how they are built, and that none of them leads out of a store."""

from __future__ import annotations

import datetime
import os
import posixpath
import re
from pathlib import PurePosixPath, PureWindowsPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datajoint.errors import DataJointError
from datajoint.storage import (
    TOKEN_ALPHABET,
    build_hash_path,
    build_object_path,
    checked_name,
    checked_path,
    compute_hash,
    encode_pk_value,
    generate_token,
    is_url,
    normalize_to_url,
    parse_url,
)
from datajoint.storage.paths import lies_in


# --- by content
@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "2qoyzwmpaczaj2mabgmoz6ccpy"),
        (b"hello", "lvauakv4jmvhnolrtwiraf6fsi"),
        (b"raw", "xxiwnlz2mp3342ln2f5cdctp7m"),
        (b"att.txt\0attach", "t7g2mmu6giqscicrp65e5dbpxm"),
    ],
)
def test_hashes(content, expected):
    assert compute_hash(content) == expected


@pytest.mark.parametrize(
    ("folding", "prefix", "expected"),
    [
        (None, "_hash", "_hash/s/lvauakv4jmvhnolrtwiraf6fsi"),
        ([2, 2], "_hash", "_hash/s/lv/au/lvauakv4jmvhnolrtwiraf6fsi"),
        ((1, 3), "/a/b/", "a/b/s/l/vau/lvauakv4jmvhnolrtwiraf6fsi"),
        ([], "", "s/lvauakv4jmvhnolrtwiraf6fsi"),
    ],
)
def test_hash_paths(folding, prefix, expected):
    assert build_hash_path("lvauakv4jmvhnolrtwiraf6fsi", "s", folding, hash_prefix=prefix) == expected


@pytest.mark.parametrize("wrong", ["", "abc", "LVAUAKV4JMVHNOLRTWIRAF6FSI", "../../../../../../etc/passwd", "a" * 27])
def test_what_is_no_hash_is_refused(wrong):
    with pytest.raises(DataJointError, match="Invalid content hash"):
        build_hash_path(wrong, "s", hash_prefix="_hash")


# --- by schema, table and key
KEY = {"subject": 7, "trial": 3}


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"ext": "npy"}, r"_schema/lab/trial/subject=7/trial=3/trace_(.{8})\.npy"),
        ({"ext": ".npy"}, r"_schema/lab/trial/subject=7/trial=3/trace_(.{8})\.npy"),
        ({"ext": None}, r"_schema/lab/trial/subject=7/trial=3/trace_(.{8})"),
        ({"ext": ""}, r"_schema/lab/trial/subject=7/trial=3/trace_(.{8})"),
        ({"ext": None, "partition_pattern": "{subject}"}, r"_schema/subject=7/lab/trial/trial=3/trace_(.{8})"),
        (
            {"ext": None, "partition_pattern": "x/{trial}/{day}/{subject}"},
            r"_schema/trial=3/subject=7/lab/trial/trace_(.{8})",
        ),
        ({"ext": None, "partition_pattern": "subject/trial"}, r"_schema/lab/trial/subject=7/trial=3/trace_(.{8})"),
        ({"ext": None, "schema_prefix": ""}, r"lab/trial/subject=7/trial=3/trace_(.{8})"),
        ({"ext": None, "token_length": 2}, r"_schema/lab/trial/subject=7/trial=3/trace_(.{4})"),
        ({"ext": None, "token_length": 99}, r"_schema/lab/trial/subject=7/trial=3/trace_(.{16})"),
        ({"ext": None, "primary_key": {}}, r"_schema/lab/trial/trace_(.{8})"),
    ],
)
def test_object_paths(options, expected):
    given_ = {"primary_key": KEY, "schema_prefix": "_schema"} | options
    path, token = build_object_path("lab", "trial", "trace", **given_)
    found = re.fullmatch(expected, path)
    assert found, path
    assert found[1] == token
    assert set(token) <= set(TOKEN_ALPHABET)


def test_tokens_differ():
    assert len({generate_token() for _ in range(1000)}) == 1000


def test_names_of_folders_fit_file_systems():
    for value in ("é" * 101, "/" * 100, "🐭" * 100):
        path, _ = build_object_path("lab", "t", "f", {"key": value}, None, schema_prefix="_schema")
        other, _ = build_object_path("lab", "t", "f", {"key": value + "x"}, None, schema_prefix="_schema")
        assert max(len(step.encode()) for step in path.split("/")) <= 255
        assert path.rpartition("/")[0] != other.rpartition("/")[0]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (7, "7"),
        (1.5, "1.5"),
        (True, "True"),
        (datetime.datetime(2024, 1, 2, 3, 4, 5, 678), "2024-01-02T03-04-05"),
        (datetime.date(2024, 1, 2), "2024-01-02"),
        (datetime.time(3, 4, 5), "03:04:05"),
        ("x/y z", "x%2Fy%20z"),
        ("plain 50% ä", "plain 50% ä"),
        ("", ""),
        ("a:b", "a%3Ab"),
        ("é" * 101, "%C3%A9" * 50 + "_" + "2d25aee1"),
    ],
)
def test_key_values(value, expected):
    if expected.endswith("2d25aee1"):
        import hashlib

        expected = "%C3%A9" * 50 + "_" + hashlib.md5(value.encode()).hexdigest()[:8]  # noqa: S324 - a name
    assert encode_pk_value(value) == expected


# --- hostile paths
HOSTILE = [
    "../x", "..", "a/../../x", "/etc/passwd", "//server/share", "\\\\server\\share\\x", "..\\x", "a\\..\\..\\x",
    "C:\\windows\\x", "C:/windows/x", "a/\0b", "\0", "", "/", ".", "./", "a/..", "./..", "a/b/../../../c",
]  # fmt: skip


@pytest.mark.parametrize("path", HOSTILE)
def test_hostile_paths_are_refused(path):
    with pytest.raises(DataJointError, match="is not one of an object"):
        checked_path(path)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("a/b.npy", "a/b.npy"),
        ("./_hash/x", "_hash/x"),
        ("a/../b", "b"),
        ("a//b", "a//b"),
        ("..a/b..", "..a/b.."),
        ("a/...", "a/..."),
        ("t=12:30:00/x", "t=12:30:00/x"),
        ("c:x", "c:x" if os.name != "nt" else None),
        (PurePosixPath("a/b"), "a/b"),
        (PureWindowsPath("a\\b"), "a/b"),
        ("folder/", "folder/"),
    ],
)
def test_harmless_paths(path, expected):
    assert checked_path(path) == expected


def test_the_root_is_a_path_where_folders_are_asked_for():
    assert checked_path("", may_be_root=True) == ""
    assert checked_path(".", may_be_root=True) == ""


pieces = st.one_of(st.sampled_from(["..", ".", "", "a", "C:", "\\", "..\\..", "\0", "~", "_hash"]), st.text(max_size=4))


@given(st.lists(pieces, max_size=8).map("/".join))
def test_no_path_escapes(path):
    try:
        found = checked_path(path)
    except DataJointError:
        return
    joined = posixpath.normpath(posixpath.join("/root/store", found))
    assert joined.startswith("/root/store/")
    assert not PureWindowsPath(found).is_absolute()
    assert ".." not in PureWindowsPath(found).parts


@given(st.text(), st.text())
def test_no_key_value_escapes(value, name):
    try:
        path, _ = build_object_path("lab", "t", "f", {name.replace("/", ""): value}, None, schema_prefix="_schema")
    except DataJointError:
        return
    assert path.startswith("_schema/lab/t/")
    assert ".." not in path.split("/")


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "a\\b", "/x", "..\\x", "a\0"])
def test_hostile_names_are_refused(name):
    with pytest.raises(DataJointError, match="not the bare name"):
        checked_name(name)


@pytest.mark.parametrize("name", ["a.txt", "...", "x y", "ä", "-rf", "c:x"])
def test_names(name):
    assert checked_name(name) == name


def test_sections():
    assert lies_in("_hash/x", "_hash")
    assert lies_in("_hash", "/_hash/")
    assert not lies_in("_hash2/x", "_hash")
    assert lies_in("anything", "")


# --- addresses
def test_addresses(tmp_path):
    assert is_url("S3://b/k")
    assert not is_url("/a/b")
    assert parse_url("gs://b/k") == ("gcs", "b/k")
    assert parse_url("az://c/k") == ("abfs", "c/k")
    assert parse_url("HTTP://h/k") == ("http", "h/k")
    with pytest.raises(DataJointError, match="Unsupported URL protocol"):
        parse_url("/a/b")
    assert normalize_to_url("s3://b/k") == "s3://b/k"
    assert normalize_to_url(str(tmp_path / "x")) == f"file://{tmp_path.resolve()}/x"
