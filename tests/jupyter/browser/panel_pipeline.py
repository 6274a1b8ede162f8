"""A pipeline whose keys take as long as the test wants, fail if it wants, and tell how far they are."""

from __future__ import annotations

import sqlite3

from tests.jupyter.browser.pipeline import EXTENSION, QUICK

__all__ = ["EXTENSION", "Files", "set_up"]

SET_UP = """
import os, pathlib, time
import datajoint as dj
here = pathlib.Path("{name}.files")
here.mkdir(exist_ok=True)
dj.conn("sqlite:///{name}.db")
schema = dj.Schema("lab")

@schema
class Session(dj.Manual):
    definition = '''
    session : int32
    '''

@schema
class Score(dj.Computed):
    definition = '''
    -> Session
    ---
    score : float64
    '''

    def make(self, key):
        self.report(0.25, "reading")
        while not (here / "go").exists():  # as a long computation
            time.sleep(0.05)
        time.sleep(0.05)
        if key["session"] % 5 == 2 and not (here / "mended").exists():
            raise ValueError("<b>no trace</b> to score")
        self.insert1({{**key, "score": key["session"] / 3}})

@schema
class Rank(dj.Computed):
    definition = '''
    -> Score
    ---
    rank : int32
    '''

    def make(self, key):
        self.insert1({{**key, "rank": 1}})

Session.insert([{{"session": i}} for i in range(12)], skip_duplicates=True)
print("pid", os.getpid())
"""


def set_up(name):
    """Return the cell that makes the pipeline in a database of its own."""
    return SET_UP.format(name=name) + QUICK


class Files:
    """What the keys of a notebook's pipeline wait for, and what its database holds."""

    def __init__(self, lab, name):
        self._database, self._folder = lab.root / f"{name}.db", lab.root / f"{name}.files"
        self._folder.mkdir(exist_ok=True)

    def go(self):
        (self._folder / "go").touch()

    def hold(self):
        (self._folder / "go").unlink(missing_ok=True)

    def mend(self):
        (self._folder / "mended").touch()

    def count(self, table, condition="1"):
        """Return the rows of a table that meet a condition."""
        link = sqlite3.connect(f"file:{self._database}?mode=ro", uri=True, timeout=20)
        try:
            return link.execute(f'SELECT COUNT(*) FROM "{table}" WHERE {condition}').fetchone()[0]
        finally:
            link.close()

    def jobs(self, status):
        return self.count("lab.~~score", f"status = '{status}'")
