"""Where rows stand in the tables below them: against a count row by row, in how many statements, and why."""

from __future__ import annotations

import pytest

import datajoint as dj
from datajoint.status import StatusMatrix, TableCounts
from datajoint.status.reasons import missing_keys, reasons_of


@pytest.fixture
def lab(schema, new_schema):
    """A pipeline in two schemas, with a renamed key, a part, key sources of their own, and a key that fails."""
    analysis = new_schema()

    @schema
    class Rig(dj.Lookup):
        definition = "rig : varchar(8)"
        contents = [{"rig": "a"}, {"rig": "b"}]

    @schema
    class Subject(dj.Manual):
        definition = "subject : int32"

    @schema
    class Session(dj.Manual):
        definition = "-> Subject\nsession : int32\n---\n-> Rig"

    @schema
    class Scan(dj.Manual):
        definition = "-> Session\nscan : int32"

    @analysis
    class Params(dj.Lookup):
        definition = "params : int16"
        contents = [{"params": 1}, {"params": 2}]

    @analysis
    class Segment(dj.Computed):
        definition = "-> Scan\n-> Params\n---\nn : int32"

        class Cell(dj.Part):
            definition = "-> master\ncell : int32"

        def make(self, key):
            if key["scan"] == 1 and key["params"] == 2:
                raise ValueError("no cells")
            self.insert1({**key, "n": 1})

    @analysis
    class Trace(dj.Computed):
        definition = "-> Segment"

        @property
        def key_source(self):
            return Segment & "params = 1"

        def make(self, key):
            self.insert1(key)

    @analysis
    class Twin(dj.Computed):
        definition = "-> Subject.proj(one='subject')\n-> Subject.proj(two='subject')"

        @property
        def key_source(self):
            return (Subject.proj(one="subject") * Subject.proj(two="subject")).proj() & "one < two"

        def make(self, key):
            self.insert1(key)

    Subject.insert({"subject": i} for i in range(3))
    Session.insert({"subject": i // 2, "session": i % 2, "rig": "ab"[i % 2]} for i in range(5))
    Scan.insert({"subject": i // 2, "session": i % 2, "scan": j} for i in range(4) for j in range(2))
    return {c.__name__: c for c in (Rig, Subject, Session, Scan, Params, Segment, Trace, Twin)}


def by_hand(matrix, page, context):
    """Count each cell for itself."""
    found = []
    for key in page.keys:
        row = []
        for column in matrix.columns:
            own = {theirs: key[name] for name, theirs in column.dependent.link.pairs}
            table = context[column.title]
            if column.computed and column.dependent.link.carrier is None:
                keys = table().key_source & own
                row.append((len(keys), len(keys & table)))
            elif column.dependent.link.carrier is None:
                row.append((len(table & own),) * 2)
            else:
                row.append(None)
        found.append(row)
    return found


@pytest.mark.parametrize("rows", ["Subject", "Session", "restricted", "joined", "grouped"])
def test_it_counts_as_one_would_by_hand(lab, rows):
    Segment, Session = lab["Segment"], lab["Session"]
    Segment.populate("subject = 0", reserve_jobs=True, suppress_errors=True)
    lab["Trace"].populate(max_calls=1)
    lab["Twin"].populate(max_calls=1)
    chosen = {
        "restricted": lambda: Session & "session = 1",
        "joined": lambda: lab["Subject"] * lab["Params"],
        "grouped": lambda: dj.U("subject") & Session,
    }.get(rows, lambda: lab[rows])()
    matrix = StatusMatrix(chosen, context=lab)
    page = matrix.read()
    assert len(page.keys) == len(matrix)
    for key, cells, numbers in zip(page.keys, page.cells, by_hand(matrix, page, lab), strict=True):
        for column, cell, expected in zip(matrix.columns, cells, numbers, strict=True):
            if expected is not None:
                assert (cell.counts.total, cell.counts.done) == expected, (key, column.title)


def test_states(lab):
    lab["Segment"].populate("subject = 0 AND session = 0", reserve_jobs=True, suppress_errors=True)
    lab["Segment"].jobs.refresh()
    lab["Segment"].jobs.ignore({"subject": 1, "session": 0, "scan": 0, "params": 1})
    taken = {"subject": 0, "session": 1, "scan": 0, "params": 1}
    assert lab["Segment"].jobs.reserve(taken)
    matrix = StatusMatrix(lab["Session"], context=lab)
    assert [column.title for column in matrix.columns] == ["Scan", "Segment", "Trace"]
    frame = matrix.to_pandas()
    assert frame.loc[(0, 0)].tolist() == ["done", "error", "pending"]
    assert frame.loc[(0, 1)].tolist() == ["done", "running", "blocked"]
    assert frame.loc[(1, 0)].tolist() == ["done", "pending", "blocked"]
    assert frame.loc[(2, 0)].tolist() == ["empty", "blocked", "blocked"]
    cell = matrix.read().cells[0][1]
    assert (cell.text, cell.counts.errors) == ("3/4", 1)
    for key in missing_keys(matrix.columns[1], {"subject": 1, "session": 0}):
        lab["Segment"].jobs.ignore(key)
    assert matrix.to_pandas().loc[(1, 0)].tolist() == ["done", "ignored", "blocked"]
    # Nothing to do, although all above is done.
    nothing = StatusMatrix(lab["Segment"] & "params = 2", context=lab)
    assert set(nothing.to_pandas()["Trace"]) == {"excluded"}


def test_a_carrier_leads_to_tables_without_the_key(lab):
    lab["Segment"].populate("subject = 0", suppress_errors=True)
    matrix = StatusMatrix(lab["Rig"], context=lab)
    page = matrix.read()
    assert [column.title for column in matrix.columns] == ["Session", "Scan", "Segment", "Trace"]
    for key, cells in zip(page.keys, page.cells, strict=True):
        sessions = lab["Session"] & key
        for column, cell in zip(matrix.columns, cells, strict=True):
            table = lab[column.title]
            keys = table().key_source if column.computed else table()
            assert cell.counts.total == len(keys & sessions.proj())
            assert cell.counts.done == len(keys & sessions.proj() & table)


def test_two_statements_a_table_for_a_thousand_rows(lab, connection):
    lab["Session"].insert({"subject": 0, "session": i, "rig": "a"} for i in range(10, 1100))
    for name in ("Segment", "Trace"):
        lab[name].jobs.refresh()
    matrix = StatusMatrix(lab["Session"], context=lab)
    matrix.read(0, 1000)
    with connection.query_log() as log:
        page = matrix.read(0, 1000)
    assert len(page.keys) == 1000
    texts = [record.text for record in log]
    assert len(texts) <= 1 + 2 * len(matrix.columns) + 1  # the keys; and once a second whether the structure changed
    last = matrix.read(1000, 1000)
    assert len(last.keys) == len(matrix) - 1000
    assert page.keys[-1] != last.keys[0]


def test_reasons(lab):
    Segment = lab["Segment"]
    matrix = StatusMatrix(lab["Session"], context=lab)
    Segment.populate("subject = 0 AND session = 0", reserve_jobs=True, suppress_errors=True)

    def why(key, title):
        page = matrix.read()
        row = page.keys.index(key)
        column = next(column for column in matrix.columns if column.title == title)
        return reasons_of(matrix, column, key, page.cells[row])

    key = {"subject": 0, "session": 0}
    failed = why(key, "Segment")
    assert failed.sentences == ("3 of 4 keys computed in Segment.",)
    (one,) = failed.keys
    assert (one.state, one.key["scan"], one.key["params"]) == ("error", 1, 2)
    assert "ValueError: no cells" in one.sentence
    assert "no cells" in one.traceback
    assert "delete()" in one.command
    assert why(key, "Scan").sentences == ("Scan has 2 rows of it.",)
    waiting = why({"subject": 1, "session": 0}, "Trace")
    assert waiting.sentences == ("Trace waits: Segment is still to be computed.",)
    empty = why({"subject": 2, "session": 0}, "Trace")
    assert empty.sentences == ("Trace waits: Segment waits itself.", "First of all, Scan has no rows.")
    assert why({"subject": 2, "session": 0}, "Scan").sentences == (
        "Nobody has entered rows of it into Scan, which is not computed.",
    )
    nothing = StatusMatrix(lab["Segment"] & "params = 2", context=lab)
    page = nothing.read()
    told = reasons_of(nothing, nothing.columns[0], page.keys[0], page.cells[0]).sentences
    assert told[0] == "The key source of Trace has no key of it, although all above is done."
    assert len(told) > 1


def test_chosen_columns_and_parts(lab):
    matrix = StatusMatrix(lab["Session"], [lab["Trace"], "Scan"], context=lab)
    assert [(column.title, column.parents) for column in matrix.columns] == [("Scan", ()), ("Trace", (0,))]
    assert "Segment.Cell" in [column.title for column in StatusMatrix(lab["Session"], context=lab, parts=True).columns]
    with pytest.raises(dj.DataJointError, match="does not depend on the rows"):
        StatusMatrix(lab["Session"], ["Rig"], context=lab)
    with pytest.raises(dj.DataJointError, match="No table depends on the key"):
        StatusMatrix(lab["Trace"], context=lab)
    with pytest.raises(dj.DataJointError, match="not of a int"):
        StatusMatrix(3)


def test_classes_that_are_not_known(lab, schema):
    """Other processes have no classes: key sources are taken to be the parents' keys."""
    connection = schema.connection
    schema._bound.clear()
    for name in connection.schemas:
        connection.schemas[name]._bound.clear()
    matrix = StatusMatrix(dj.FreeTable(connection, lab["Session"]().full_table_name))
    titles = [column.title for column in matrix.columns]
    assert titles[1].endswith(".__segment")
    assert matrix.read().cells[0][1].counts.total == 4


def test_many_tables_in_one_statement(lab, connection):
    names = [table().name for table in lab.values()]
    counts = TableCounts(connection, names, lab)
    assert set(counts.tables) == {lab[name]().name for name in ("Segment", "Trace", "Twin")}
    assert counts.lacks_queues
    lab["Segment"].populate("subject = 0", reserve_jobs=True, suppress_errors=True)
    counts.look_again()
    with connection.query_log() as log:
        found = counts.read()
    assert len(log) == 1
    segment = found[lab["Segment"]().name]
    assert (segment.done, segment.total, segment.running, segment.errors) == (6, 16, 0, 2)
    trace = found[lab["Trace"]().name]
    assert (trace.done, trace.total, trace.running, trace.errors) == (0, 4, None, None)
    assert TableCounts(connection, [lab["Scan"]().name], lab).read() == {}
