"""A pipeline in which work waits, runs, fails and is blocked, for tests of what shows it."""

from __future__ import annotations

from tests.jupyter.browser.pipeline import QUICK

MODULE = """
import os
import time
import datajoint as dj

schema = dj.Schema("lab")
analysis = dj.Schema("analysis")


@schema
class Subject(dj.Manual):
    definition = '''
    # an animal
    subject_id : int32
    ---
    species : enum('mouse', 'rat')
    '''


@schema
class Session(dj.Manual):
    definition = '''
    # a recording
    -> Subject
    session : int32
    ---
    comment=null : varchar(200)   # <b>bold</b> & "quoted"
    '''


@schema
class Scan(dj.Imported):
    definition = '''
    # images
    -> Session
    ---
    frames : int32
    '''

    class Plane(dj.Part):
        definition = '''
        -> master
        plane : int16
        '''

    def make(self, key):
        while os.path.exists("hold"):
            time.sleep(0.05)
        if key["session"] == 2 and not os.path.exists("mended"):
            raise ValueError("<script>no frames</script>")
        self.insert1({**key, "frames": 10 * key["session"]})
        self.Plane.insert({**key, "plane": i} for i in range(2))


@analysis
class Params(dj.Lookup):
    definition = '''
    params : int16
    '''
    contents = [{"params": 1}, {"params": 2}]


@analysis
class Segment(dj.Computed):
    definition = '''
    # cells
    -> Scan
    -> Params
    ---
    cells : int32
    '''

    def make(self, key):
        self.insert1({**key, "cells": key["params"]})


@analysis
class Trace(dj.Computed):
    definition = '''
    -> Segment
    '''

    key_source = Segment & "session < 3"

    def make(self, key):
        self.insert1(key)
"""

CONNECT = """
import os
import datajoint as dj
dj.conn("sqlite:///{name}.db")
"""

FILL = """
Subject.insert([{{"subject_id": i, "species": "mouse"}} for i in range(2)], skip_duplicates=True)
Session.insert([{{"subject_id": i % 2, "session": i // 2}} for i in range({sessions})], skip_duplicates=True)
print("sessions", len(Session()))
"""


def set_up(name, sessions=8):
    """Return the cell that makes the pipeline in a database of its own, in the notebook itself."""
    return CONNECT.format(name=name) + MODULE + QUICK + FILL.format(sessions=sessions)
