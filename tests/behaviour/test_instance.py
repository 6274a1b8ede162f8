"""Opening databases: the shared connection, connections and instances of their own."""

from __future__ import annotations

import threading

import pydantic
import pytest

import datajoint as dj
from datajoint import singleton


@pytest.fixture
def shared(url, monkeypatch):
    """A process that has no shared connection yet and whose settings name the engine under test."""
    monkeypatch.setattr(singleton, "_connection", None)
    with dj.config.override(database__url=url, safemode=False):
        yield
        if singleton._connection is not None:
            singleton._connection.close()


def test_the_shared_connection_is_one(shared):
    assert dj.conn() is dj.conn()
    assert dj.conn().is_connected


def test_reset_closes_the_old_one(shared):
    old = dj.conn()
    new = dj.conn(reset=True)
    assert new is not old
    assert dj.conn() is new
    assert not old.is_connected


def test_the_same_arguments_are_no_conflict(shared, url):
    assert dj.conn(url) is dj.conn(url) is dj.conn()


def test_other_arguments_are_warned_about(shared, tmp_path):
    first = dj.conn()
    with pytest.warns(UserWarning, match="reset=True"):
        assert dj.conn(f"sqlite:///{tmp_path / 'other.db'}") is first


def test_threads_share_it(shared):
    found = []
    threads = [threading.Thread(target=lambda: found.append(dj.conn())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(found) == {dj.conn()}


def test_thread_safe_mode_has_none(shared, monkeypatch):
    monkeypatch.setenv("DJ_THREAD_SAFE", "1")
    with pytest.raises(dj.ThreadSafetyError):
        dj.conn()


def test_a_connection_by_url(new_connection, settings):
    connection = new_connection()
    assert connection.is_connected
    assert connection.settings is settings
    connection.close()
    connection.close()
    assert not connection.is_connected


def test_an_instance_has_settings_of_its_own(url):
    with dj.Instance(url, safemode=False, display__limit=3) as instance:
        assert instance.connection.settings is instance.config
        assert (instance.config.safemode, instance.config.display.limit) == (False, 3)
        assert dj.config.display.limit == 12
        assert repr(instance) == f"Instance({instance.connection!r})"
        connection = instance.connection
    assert not connection.is_connected


def test_an_instance_makes_schemas_and_tables(url, new_schema_name):
    name = new_schema_name()
    with dj.Instance(url, safemode=False) as instance:
        schema = instance.Schema(name)

        @schema
        class Animal(dj.Manual):
            definition = """
            animal : int
            """

        Animal.insert1({"animal": 1})
        assert instance.FreeTable(f"{name}.animal").to_dicts() == [{"animal": 1}]
        assert name in dj.list_schemas(connection=instance.connection)


def test_an_instance_answers_mistakes(url):
    with pytest.warns(UserWarning, match=r"Did you mean 'safemode'"), dj.Instance(url, safe_mode=False):
        pass
    with pytest.raises(pydantic.ValidationError):
        dj.Instance(url, backend="oracle")


def test_a_password_is_never_shown(connection, url):
    assert ":password@" not in repr(connection) + repr(connection.target) + connection.address
