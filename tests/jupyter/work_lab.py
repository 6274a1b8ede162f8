"""A small pipeline whose computations can be made to wait and to fail, on a connection of a test's own."""

from __future__ import annotations

import datajoint as dj


def make_lab(connection):
    """Return the classes by name; `faults` are sessions that fail, `waits` events to wait for."""
    schema = dj.Schema("lab", connection=connection)
    faults, waits = {2}, []

    @schema
    class Subject(dj.Manual):
        definition = """
        subject_id : int32
        """

    @schema
    class Session(dj.Manual):
        definition = """
        -> Subject
        session : int32
        """

    @schema
    class Segment(dj.Computed):
        definition = """
        # cells <b>found</b>
        -> Session
        ---
        cells : int32
        """

        class Cell(dj.Part):
            definition = """
            -> master
            cell : int16
            """

        def make(self, key):
            for event in waits:
                event.wait(20)
            if key["session"] in faults:
                raise ValueError("<script>no frames</script>")
            self.insert1({**key, "cells": 1})

    @schema
    class Trace(dj.Computed):
        definition = """
        -> Segment
        """

        def make(self, key):
            self.insert1(key)

    Subject.insert({"subject_id": i} for i in range(2))
    Session.insert({"subject_id": i // 4, "session": i % 4} for i in range(8))
    classes = {cls.__name__: cls for cls in (Subject, Session, Segment, Trace)}
    return {**classes, "faults": faults, "waits": waits}
