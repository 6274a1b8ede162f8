"""Results kept in files, and answered from these."""

import pytest

import datajoint as dj
from datajoint.errors import DataJointError


@pytest.fixture
def numbers(schema):
    table = schema(type("Numbers", (dj.Manual,), {"definition": "n: int32\n---\nt=null: datetime"}), context={})
    table.insert([{"n": n, "t": "2024-01-05 12:30:00"} for n in range(3)])
    return table


@pytest.fixture
def cached(connection, settings, tmp_path):
    settings.query_cache = tmp_path / "cache"
    yield settings.query_cache
    connection.set_query_cache()


def test_a_second_fetch_is_answered_without_the_database(connection, numbers, cached):
    plain = numbers.to_dicts(), len(numbers()), numbers.to_arrays("n").tolist()
    connection.set_query_cache("mine")
    assert (numbers.to_dicts(), len(numbers()), numbers.to_arrays("n").tolist()) == plain
    assert len(list(cached.iterdir())) >= 3
    with connection.query_log() as log:
        assert (numbers.to_dicts(), len(numbers()), numbers.to_arrays("n").tolist()) == plain
    assert log == []
    connection.set_query_cache()
    numbers.insert1({"n": 3, "t": None})
    connection.set_query_cache("mine")
    assert len(numbers()) == 3
    connection.set_query_cache("another")
    assert len(numbers()) == 4


def test_only_queries_are_allowed(connection, numbers, cached):
    connection.set_query_cache("mine")
    for write in (
        lambda: numbers.insert1({"n": 9, "t": None}),
        lambda: connection.query("BEGIN"),
        lambda: numbers.delete_quick(),
    ):
        with pytest.raises(DataJointError, match=r"Only SELECT queries.*set_query_cache\(\)"):
            write()
    assert not connection.in_transaction
    connection.set_query_cache()
    assert len(numbers()) == 3


def test_cursors_of_the_cache_are_like_others(connection, numbers, cached):
    connection.set_query_cache("mine")
    text = f"select n, t from {numbers.full_table_name} where n < %s order by n"
    for _ in range(2):
        cursor = connection.query(text, (2,))
        assert cursor.rowcount == 2
        assert [row[0] for row in cursor] == [0, 1]
        assert [row["n"] for row in connection.query(text, (2,), as_dict=True).fetchall()] == [0, 1]
        assert connection.query(text, (1,)).fetchone()[0] == 0
        assert connection.query(text, (0,)).fetchall() == []


def test_purging_deletes_what_was_kept_and_nothing_else(connection, numbers, cached):
    connection.set_query_cache("mine")
    len(numbers())
    (cached / "notes.txt").write_text("mine")
    connection.purge_query_cache()
    assert [path.name for path in cached.iterdir()] == ["notes.txt"]


def test_without_a_folder_it_says_which_setting(connection, numbers, settings):
    settings.query_cache = None
    connection.set_query_cache("mine")
    with pytest.raises(DataJointError, match="query_cache"):
        len(numbers())
    with pytest.raises(DataJointError, match="query_cache"):
        connection.purge_query_cache()
    connection.set_query_cache()
