"""SQLite files in places where a database should not be, and copies of files in use."""

import logging
import os
import pwd
import shutil
import sqlite3
import tempfile
import threading
from pathlib import Path

import pytest

import datajoint as dj
from datajoint.backends import sqlite_file
from datajoint.errors import DataJointError

DEFINITION = {"definition": "n: int32\n---\nm=0: int32"}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "lab.db"


def opened(path, settings, **options):
    return dj.Connection(f"sqlite:///{path}", config_override=settings, **options)


def filled(path, settings, count=5):
    with opened(path, settings) as connection:
        table = dj.Schema("s", connection=connection)(type("Numbers", (dj.Manual,), DEFINITION), context={})
        table.insert({"n": n} for n in range(count))


# --- networks and synchronised folders
@pytest.mark.parametrize(
    ("folder", "kind", "said"),
    [("Dropbox", "ext4", "synchronised"), ("lab", "nfs4", "on a network"), ("lab", "cifs", "on a network")],
)
def test_folders_of_several_machines_are_warned_about_and_get_a_plain_journal(
    tmp_path, settings, monkeypatch, caplog, folder, kind, said
):
    monkeypatch.setattr(sqlite_file, "_file_system", lambda place: kind)
    sqlite_file._warn_of_place.cache_clear()
    (tmp_path / folder).mkdir()
    path = tmp_path / folder / "lab.db"
    with caplog.at_level(logging.WARNING, "datajoint"):
        filled(path, settings)
        filled(path, settings, 0)
    warnings = [r.getMessage() for r in caplog.records if r.levelno == logging.WARNING]
    assert len(warnings) == 1
    assert said in warnings[0]
    assert "local disk" in warnings[0]
    with opened(path, settings) as connection:
        assert connection.query("PRAGMA journal_mode").fetchone() == ("delete",)
        assert not path.with_name("lab.db-wal").exists()
        table = dj.FreeTable(connection, "s.numbers")
        with connection.transaction:
            table.insert1({"n": 100})
        assert len(table) == 6


def test_readers_and_a_writer_take_turns_where_there_is_no_shared_memory(path, settings, monkeypatch):
    monkeypatch.setattr(sqlite_file, "_file_system", lambda place: "nfs")
    filled(path, settings)
    reader, writer = opened(path, settings), opened(path, settings)
    table, theirs = dj.FreeTable(reader, "s.numbers"), dj.FreeTable(writer, "s.numbers")
    written = threading.Event()

    def write():
        theirs.insert({"n": n} for n in range(10, 20))
        written.set()
        writer.close_thread()

    with reader.transaction(read_only=True):
        assert len(table) == 5
        thread = threading.Thread(target=write)
        thread.start()
        assert not written.wait(0.2)
        assert len(table) == 5
    thread.join()
    assert len(table) == 15
    reader.close()
    writer.close()


def test_a_log_made_elsewhere_is_given_up_on_a_network(path, settings, monkeypatch):
    filled(path, settings)
    monkeypatch.setattr(sqlite_file, "_file_system", lambda place: "nfs")
    with opened(path, settings) as connection:
        assert connection.query("PRAGMA journal_mode").fetchone() == ("delete",)
        assert len(dj.FreeTable(connection, "s.numbers")) == 5


# --- without permission to write
def read_and_write(path, settings):
    """Return what comes of reading the file and of writing to it."""
    with opened(path, settings) as connection:
        table = dj.FreeTable(connection, "s.numbers")
        count = len(table)
        try:
            table.insert1({"n": 77})
        except DataJointError as error:
            return f"{count} rows; {type(error).__name__} {error}"
        return f"{count} rows; written"


def as_nobody(path, settings):
    """Do so as a user who owns nothing, in a child: a process cannot come back from that."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            if os.geteuid() == 0:
                nobody = pwd.getpwnam("nobody")
                os.setgroups([])
                os.setgid(nobody.pw_gid)
                os.setuid(nobody.pw_uid)
            said = read_and_write(path, settings)
        except DataJointError as error:
            said = f"{type(error).__name__} {error}"
        finally:
            os.write(writer, said.encode())
            os._exit(0)
    os.close(writer)
    os.waitpid(child, 0)
    with os.fdopen(reader) as pipe:
        return pipe.read()


@pytest.fixture
def public(settings):
    """A folder that others may look into."""
    folder = Path(tempfile.mkdtemp(prefix="dj-public-")) / "inner"
    folder.mkdir()
    folder.parent.chmod(0o755)
    yield folder
    folder.chmod(0o755)
    shutil.rmtree(folder.parent)


forking = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")


@forking
@pytest.mark.parametrize(("folder_mode", "file_mode"), [(0o555, 0o444), (0o755, 0o444), (0o555, 0o644)])
def test_what_may_not_be_written_can_be_read(public, settings, folder_mode, file_mode):
    path = public / "lab.db"
    filled(path, settings)
    assert read_and_write(path, settings) == "5 rows; written"  # the child can load no module that was not loaded here
    path.chmod(file_mode)
    public.chmod(folder_mode)
    said = as_nobody(path, settings)
    assert said.startswith("6 rows; AccessError The database refuses to write to s.numbers"), said


@forking
def test_what_may_not_be_read_is_refused_in_words(public, settings):
    path = public / "lab.db"
    filled(path, settings)
    path.chmod(0o600 if os.geteuid() == 0 else 0)
    assert "the file may not be read. Ask its owner" in as_nobody(path, settings)


# --- copies
def test_a_backup_is_one_state_of_a_database_in_use(path, tmp_path, settings):
    filled(path, settings, 2000)
    copy, stop = tmp_path / "copy.db", threading.Event()
    with opened(path, settings) as connection:
        table = dj.FreeTable(connection, "s.numbers")

        def write():
            n = 10_000
            while not stop.is_set():
                with connection.transaction:
                    table.insert([{"n": n}, {"n": n + 1}])
                n += 2
            connection.close_thread()

        thread = threading.Thread(target=write)
        thread.start()
        try:
            connection.backup(copy)
        finally:
            stop.set()
            thread.join()
        assert sorted(p.name for p in tmp_path.iterdir() if "copy" in p.name) == ["copy.db"]
    with opened(copy, settings) as second:
        again = dj.FreeTable(second, "s.numbers")
        count = len(again)
        assert count >= 2000
        assert count % 2 == 0
        again.insert1({"n": 5000})
        assert second.query("PRAGMA integrity_check").fetchone() == ("ok",)


def test_a_backup_overwrites_nothing_and_leaves_nothing_half_done(path, tmp_path, settings, monkeypatch):
    filled(path, settings)
    with opened(path, settings) as connection:
        (tmp_path / "there.db").write_text("mine")
        with pytest.raises(DataJointError, match=r"the file exists.*Name a new file"):
            connection.backup(tmp_path / "there.db")
        with pytest.raises(DataJointError, match="does not exist.*Create the folder"):
            connection.backup(tmp_path / "no" / "copy.db")

        class Full(sqlite3.Connection):
            def execute(self, *arguments):
                raise sqlite3.OperationalError("database or disk is full")

        connect = sqlite3.connect
        monkeypatch.setattr(sqlite3, "connect", lambda name, **options: connect(name, **({"factory": Full} | options)))
        with pytest.raises(DataJointError, match="Cannot back up.*full.*Check the folder"):
            connection.backup(tmp_path / "copy.db")
        monkeypatch.undo()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["lab.db", "there.db"]
    assert (tmp_path / "there.db").read_text() == "mine"


def test_servers_are_backed_up_by_their_own_tools(connection, engine, tmp_path):
    if engine == "sqlite":
        connection.backup(tmp_path / "copy.db")
        return
    with pytest.raises(DataJointError, match="the server's own tools"):
        connection.backup(tmp_path / "copy.db")
