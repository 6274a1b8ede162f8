"""The pytest plugin, as a project of somebody else uses it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

PIPELINE = '''
import datajoint as dj

schema = dj.Schema("lab")

@schema
class Subject(dj.Manual):
    definition = """
    subject : int32
    ---
    name : varchar(20)
    """

@schema
class Score(dj.Computed):
    definition = """
    -> Subject
    ---
    score : int32
    """

    def make(self, key):
        self.insert1({**key, "score": len((Subject & key).fetch1("name"))})
'''

EPHEMERAL = """
import pipeline

def test_one(dj_fill):
    dj_fill(pipeline.Subject, 5)
    pipeline.Score.populate()
    assert len(pipeline.Score()) == 5

def test_two():
    assert len(pipeline.Subject()) == len(pipeline.Score()) == 0
"""

ALONE = '''
import datajoint as dj

def test_schema(dj_schema, dj_new_schema, dj_connection):
    @dj_schema
    class Thing(dj.Manual):
        definition = "thing : int32"

    @dj_new_schema()
    class Other(dj.Manual):
        definition = """
        -> Thing
        """

    Thing.insert1({"thing": 1})
    Other.insert1({"thing": 1})
    assert dj_connection is Other().connection

def test_nothing_is_left(dj_connection):
    assert dj.list_schemas(dj_connection) == []
'''


def run(folder, *arguments):
    root = Path(__file__).parents[2]
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("DJ_", "PYTEST_", "COV_"))},
        "PYTHONPATH": str(root),
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
    }
    command = [sys.executable, "-m", "pytest", "-p", "datajoint.testing.plugin", "-q", *arguments]
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False
    )


def test_a_pipeline_that_activates_on_import(tmp_path):
    (tmp_path / "pipeline.py").write_text(PIPELINE)
    (tmp_path / "test_it.py").write_text(EPHEMERAL)
    (tmp_path / "pytest.ini").write_text("[pytest]\ndatajoint_ephemeral = true\npythonpath = .\n")
    done = run(tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 passed" in done.stdout
    assert not list(tmp_path.glob("*.db"))


def test_schemas_of_one_test(tmp_path):
    (tmp_path / "test_it.py").write_text(ALONE)
    done = run(tmp_path, "-W", "error")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 passed" in done.stdout
