"""The live diagram: what it tells Python, what its page may ask, its code, its status, and that closing leaves nothing."""

from __future__ import annotations

import re
import threading

import pytest

import datajoint as dj
from datajoint.diagram.outline import shown_boxes
from datajoint_jupyter.widgets.diagram import DiagramView
from tests.jupyter.work_lab import make_lab

pytestmark = [pytest.mark.usefixtures("close_widgets")]


@pytest.fixture
def lab(lab_connection):
    return make_lab(lab_connection)


@pytest.fixture
def names(lab, lab_connection):
    """The names of a notebook with two schemas."""
    upper = dj.Schema("upper", connection=lab_connection)
    Session = lab["Session"]

    @upper
    class Rig(dj.Lookup):
        definition = """
        rig : varchar(8)
        """

    @upper
    class Calibration(dj.Manual):
        definition = """
        -> Rig
        -> Session
        """

    classes = {name: lab[name] for name in ("Subject", "Session", "Segment", "Trace")}
    return {"dj": dj, "upper": upper, "Rig": Rig, "Calibration": Calibration, **classes}


@pytest.fixture
def view(names, sent):
    both = dj.Diagram(names["upper"], context=names) + dj.Diagram(names["Session"], context=names) + 2
    return DiagramView(both + names["Subject"])


def ask(view, sent, kind, **payload):
    """Send a message as the page would; return the answer to it."""
    view._on_message(view, {"id": "page:1", "kind": kind, "payload": payload}, [])
    while True:
        answer = sent.get(timeout=20)
        if answer["id"] == "page:1":
            return answer


def titles(view):
    return {box["title"] for box in view.boxes}


def full(table):
    return table().full_table_name


def same_picture(view, names):
    """Tell whether the code makes the picture that is shown, by evaluating it."""
    made = eval(view.code, dict(names))
    made.context = dict(names)
    return made.svg_string(theme="light") == view.svg


def test_every_box_has_its_element(view):
    ids = set(re.findall(r'id="(dj-[^"]+)"', view.svg))
    assert {box["node"] for box in view.boxes} == ids
    assert titles(view) == {"Rig", "Calibration", "Subject", "Session", "Segment", "Segment.Cell", "Trace"}
    segment = next(box for box in view.boxes if box["title"] == "Segment")
    assert segment["attributes"] == ["subject_id", "session", "cells"]
    assert segment["tier"] == "computed"


def test_collapse_and_expand(view, sent, names):
    assert ask(view, sent, "arrange", collapsed=["lab"], folded=False, overview=False)["kind"] == "done"
    assert titles(view) == {"Rig", "Calibration", "lab (5 tables)"}
    assert view.collapsed == ["lab"]
    box = next(box for box in view.boxes if box["collapsed"])
    assert len(box["tables"]) == 5
    assert box["labels"][:2] == ["subject", "session"]
    assert same_picture(view, names)
    view.collapsed = ["lab", "upper"]
    assert same_picture(view, names)
    view.collapsed = []
    assert len(view.boxes) == 7
    ask(view, sent, "arrange", collapsed=[], folded=True, overview=False)
    assert "Segment.Cell" not in titles(view)
    assert next(box for box in view.boxes if box["title"] == "Segment")["tables"] == [
        full(names["Segment"]), full(names["Segment"].Cell)
    ]  # fmt: skip
    assert same_picture(view, names)
    ask(view, sent, "arrange", collapsed=["upper"], folded=True, overview=True)
    assert len(view.boxes) == 2
    assert same_picture(view, names)
    wrong = ask(view, sent, "arrange", collapsed=["nowhere"], folded=True, overview=False)
    assert "no tables of nowhere" in wrong["payload"]["message"]


@pytest.mark.parametrize(("up", "down"), [(0, 0), (1, 0), (0, 1), (1, 1), (2, 3)])
def test_focus(view, sent, names, up, down):
    node = full(names["Session"])
    assert ask(view, sent, "focus", table=node, up=up, down=down)["kind"] == "done"
    expected = (dj.Diagram(names["Session"]) - up) + (dj.Diagram(names["Session"]) + down)
    assert view.diagram.nodes_to_show == expected.nodes_to_show
    assert view.layout_state["focus"] == {"table": node, "up": up, "down": down}
    assert same_picture(view, names)
    view.arrange(folded=True)
    assert same_picture(view, names)
    ask(view, sent, "everything")
    assert len(view.diagram.nodes_to_show) == 7
    assert view.layout_state["focus"] is None


def test_focus_goes_to_tables_that_are_not_shown(names, sent):
    view = DiagramView(dj.Diagram(names["Trace"], context=names))
    (parent,) = ask(view, sent, "details", table=full(names["Trace"]))["payload"]["parents"]
    assert parent == {"table": full(names["Segment"]), "title": "lab.__segment", "shown": False}
    ask(view, sent, "focus", table=parent["table"], up=1, down=1)
    assert titles(view) == {"Session", "Segment", "Segment.Cell", "Trace"}
    assert isinstance(view.table, names["Segment"])


def test_code_names_what_the_notebook_does_not(lab, lab_connection, sent):
    view = DiagramView(dj.Diagram(dj.FreeTable(lab_connection, "lab.session"), context={"link": lab_connection}) + 1)
    assert "dj.FreeTable(link, 'lab.session')" in view.code
    assert eval(view.code, {"dj": dj, "link": lab_connection}).nodes_to_show == view.diagram.nodes_to_show


def test_details_and_rows(view, sent, names, lab):
    lab["Segment"].populate({"subject_id": 0}, reserve_jobs=True, suppress_errors=True)
    told = ask(view, sent, "details", table=full(names["Segment"]))["payload"]
    assert "# cells <b>found</b>" in told["definition"]
    assert "-> Session" in told["definition"]
    assert (told["rows"], told["jobs"]) == ("3 rows", "1 error")
    assert [child["title"] for child in told["children"]] == ["lab.__segment__cell", "lab.__trace"]
    assert view.table.full_table_name == full(names["Segment"])
    answer = ask(view, sent, "browse", table=full(names["Segment"]))
    assert answer["payload"]["model"] == view._child.browser.model_id
    assert len(view._child.browser.query) == 3
    for kind in ("details", "browse"):
        assert "knows no table" in ask(view, sent, kind, table="`lab`.`secret`")["payload"]["message"]


def test_status_is_painted_without_a_new_layout(view, sent, names, lab):
    lab["Segment"].populate({"subject_id": 0}, reserve_jobs=True, suppress_errors=True)
    lab["Trace"].jobs.refresh()
    picture = view.svg
    with view._connection.query_log() as log:
        view._look()
    assert len(log) == 1
    node = next(box["node"] for box in view.boxes if box["title"] == "Segment")
    assert view.status[node] == {
        "done": 3, "total": 8, "running": 0, "errors": 1, "state": "error", "badge": "✕1", "words": "3 of 8 keys, 1 failed",
    }  # fmt: skip
    assert view.statuses[full(names["Segment"])].total == 8
    assert view.svg == picture
    # A box tells of all its tables.
    view.arrange(["lab"])
    (box,) = (box["node"] for box in view.boxes if box["collapsed"])
    assert (view.status[box]["done"], view.status[box]["total"]) == (3, 11)


def test_running_work_is_followed(view, sent, names, lab):
    go_on, seen, done = threading.Event(), threading.Event(), threading.Event()
    lab["waits"].append(go_on)
    node = next(box["node"] for box in view.boxes if box["title"] == "Segment")

    def follow(change):
        status = change["new"].get(node, {})
        if status.get("running"):
            assert status["state"] == "running"
            assert status["badge"] == "▶1"
            seen.set()
        if status.get("done"):
            done.set()

    view.observe(follow, "status")
    ask(view, sent, "live", on=True)
    assert view.live
    work = threading.Thread(
        target=lambda: (
            lab["Segment"].populate({"subject_id": 0, "session": 0}, reserve_jobs=True),
            lab["Segment"]().connection.close_thread(),
        )
    )
    work.start()
    assert seen.wait(30)
    go_on.set()
    work.join(20)
    assert done.wait(30)
    assert view.trouble == ""
    ask(view, sent, "live", on=False)


def test_a_table_that_goes_is_told(view, sent, lab):
    view._look()
    lab["Trace"].drop_quick()
    view._look()
    assert "Error" in view.trouble


@pytest.mark.parametrize(
    ("kind", "payload"),
    [
        ("arrange", {"collapsed": "lab", "folded": False, "overview": False}),
        ("arrange", {"collapsed": [1], "folded": False, "overview": False}),
        ("arrange", {"collapsed": [], "folded": 1, "overview": False}),
        ("focus", {"table": "x", "up": -1, "down": 0}),
        ("focus", {"table": "x", "up": 1, "down": 10**9}),
        ("details", {"table": ["x"]}),
        ("browse", {}),
        ("drop", {"table": "x"}),
    ],
)
def test_what_the_page_may_not_say(view, sent, kind, payload):
    answer = ask(view, sent, kind, **payload)
    assert answer["payload"]["message"].startswith("ProtocolError")


def test_closing_leaves_nothing(names, sent):
    before = set(threading.enumerate())
    view = DiagramView(dj.Diagram(names["upper"], context=names), live=True)
    ask(view, sent, "browse", table=full(names["Rig"]))
    browser = view._child.browser
    view.close()
    view.close()
    assert browser.closed
    for thread in set(threading.enumerate()) - before:
        thread.join(20)
        assert not thread.is_alive()


def test_the_twin_is_the_picture(view):
    static = view.static()
    assert "data:image/svg+xml;base64," in static.html
    assert "Diagram of 7 tables in" in static.html
    assert "Session" in static.text


def test_boxes_of_a_diagram_without_classes(lab_connection, lab):
    boxes = shown_boxes(dj.Diagram(lab["Session"], context={}))
    assert [(box.title, box.tier, box.labels) for box in boxes] == [("lab.session", "manual", ("session",))]


@pytest.mark.parametrize(
    "make",
    [
        lambda d, n: d.overview(),
        lambda d, n: d.collapse(),
        lambda d, n: d.collapse("master").collapse(),
        lambda d, n: d.with_look(legend=True, direction="TB"),
        lambda d, n: d.collapse() + n["Session"],
        lambda d, n: d.overlay("rows"),
        lambda d, n: d - n["Segment"],
        lambda d, n: d * dj.Diagram(n["Session"], context=n),
    ],
    ids=["overview", "collapse", "master", "look", "partly", "overlay", "without", "single"],
)
def test_code_of_any_diagram(names, sent, lab_connection, make):
    names = {**names, "schema": lab_connection.schemas["lab"]}
    view = DiagramView(make(dj.Diagram(names["schema"], context=names), names))
    assert same_picture(view, names)
    view.arrange([], folded=False, overview=False)
    assert same_picture(view, names)
