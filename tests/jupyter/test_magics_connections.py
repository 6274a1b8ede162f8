"""`%dj connect` and `%dj use`: several databases in one notebook."""

from __future__ import annotations

import pytest

import datajoint as dj


@pytest.fixture
def other(tmp_path, settings):
    """The URL of a second database, which has a table of five rows and one that the first has too."""
    url = f"sqlite:///{tmp_path / 'other.db'}"
    connection = dj.Connection(url, config_override=settings)
    schema = dj.Schema("rig", connection=connection)

    @schema
    class Camera(dj.Manual):
        definition = """
        camera : int32   # number on its case
        """

    Camera.insert({"camera": i} for i in range(5))
    connection.close()
    return url


@pytest.fixture
def close_opened(shell, monkeypatch):
    """Close what a test opened by the magic; the process keeps none of it."""
    monkeypatch.setattr("datajoint.singleton._connection", None)
    yield
    magics = shell.find_line_magic("dj").__self__
    for name in list(magics.context.workspace.opened):
        magics.context.workspace.close(name)


def test_open_choose_list_and_close(run, shell, lab_schema, other, close_opened):
    shell.user_ns["schema"] = lab_schema
    listed = run(f"%dj connect {other} --read-only")
    assert "in use" in next(line for line in listed.splitlines() if line.startswith("other"))
    assert "rig" in run("%dj schemas")
    assert "lab" in run("%dj connect")
    run("%dj use rig")
    assert "(5 rows)" in run("%dj browse Camera")
    # The database itself refuses a write through a connection that only reads.
    run("%%dj sql --write\nDELETE FROM `rig.camera`", fails="AccessError")
    run(f"%dj connect {other} --name again --read-only")
    assert "again" in run("%dj connect other")
    assert "already" in run(f"%dj connect {other} --name again", fails="CommandError")
    assert "Did you mean 'again'?" in run("%dj connect agan", fails="CommandError")
    assert "again" not in run("%dj connect again --close")


def test_a_table_is_found_on_the_connection_that_is_named(run, shell, lab_schema, other, close_opened):
    run_in_lab = """
import datajoint as dj

@schema
class Camera(dj.Manual):
    definition = '''
    camera : int32
    '''

Camera.insert1({"camera": 77})
"""
    shell.user_ns["schema"] = lab_schema
    run(run_in_lab)
    run(f"%dj connect {other} --name rig --read-only")
    run("%dj use rig")
    assert "(1 row)" in run("%dj browse Camera")  # the notebook's own variable comes first
    assert "(5 rows)" in run("%dj browse Camera --conn rig")
    assert run("%%dj --conn rig\nlen(Camera)").strip().endswith("5")
    assert "There is no connection 'rg'. Did you mean 'rig'?" in run(
        "%dj browse Camera --conn rg", fails="CommandError"
    )


def test_use(run, shell, lab_connection, lab_schema, other, close_opened):
    run(f"%dj connect {other} --name rig")
    assert "Did you mean 'rig'?" in run("%dj use rg", fails="CommandError")
    assert "Add --create" in run("%dj use fresh", fails="CommandError")
    assert "It has no tables yet" in run("%dj use fresh --create")
    assert "Camera" in run("%dj use rig")
    assert "camera" in run("%dj find case")
    assert "Nothing" in run("%dj find unobtainium")
    assert "no words" in run("%dj find", fails="CommandError")


def test_a_password_is_not_shown(run, shell):
    said = run("%dj connect mysql://me:secret@127.0.0.1:1/", fails="DataJointError")
    assert "part of this notebook" in said
    assert "secret" not in said
