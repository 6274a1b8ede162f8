"""The static form of a view in front of a page that is alive: written again after what was clicked, by the view's thread."""

from __future__ import annotations

import threading

import pytest

import datajoint as dj
from datajoint_jupyter.widgets import changing
from datajoint_jupyter.widgets.browser import TableBrowser
from datajoint_jupyter.widgets.builder import RestrictionBuilder
from datajoint_jupyter.widgets.diagram import DiagramView

pytestmark = [pytest.mark.usefixtures("close_widgets")]


@pytest.fixture
def session(lab_schema):
    @lab_schema
    class Session(dj.Manual):
        definition = """
        session : int32
        ---
        name : varchar(30)
        """

    Session.insert({"session": i, "name": f"n{i}"} for i in range(30))
    return Session()


@pytest.fixture
def written(monkeypatch):
    """The outputs that are written over others, with the threads that wrote them."""
    outputs = []
    monkeypatch.setattr(changing, "page_answers", lambda: True)
    monkeypatch.setattr(changing, "display", lambda *args, **more: None)
    monkeypatch.setattr(
        changing,
        "update_display",
        lambda bundle, *, raw, display_id: outputs.append((display_id, bundle, threading.current_thread().name)),
    )
    return outputs


def wait_for(*workers):
    for worker in workers:
        done = threading.Event()
        worker.submit(done.set, urgent=False)
        assert done.wait(20)


def test_a_browser(session, sent, written):
    browser = TableBrowser(session, source="Session")
    browser.order_by = "name DESC"
    wait_for(browser._slow)
    assert written == []  # it is not displayed
    browser._ipython_display_()
    for asked in (
        ("filter", {"condition": {"kind": "compare", "name": "session", "operator": ">", "value": "7"}}),
        ("sort", {"sort": [{"name": "session", "descending": True}]}),
    ):
        browser._on_message(browser, {"id": "v:1", "kind": asked[0], "payload": asked[1]}, [])
    wait_for(browser._slow)
    identifier, bundle, thread = written[-1]
    assert identifier == browser.twin_key
    assert thread.startswith("dj browse")
    assert "      29  n29\n      28  n28\n" in bundle["text/plain"]
    assert bundle["text/plain"].endswith("(12 of 22 rows)\n" + browser.code)
    assert browser.code.count("7") == 1
    assert "dj.Top" in bundle["text/html"]
    assert len(written) <= 2


def test_a_builder(session, sent, written):
    builder = RestrictionBuilder(session, source="Session")
    builder._ipython_display_()
    assert "every row" in builder.static().text
    builder.restriction = {"name": "n1"}
    builder.restriction = {"name": "n3"}
    wait_for(builder._worker)
    _, bundle, thread = written[-1]
    assert thread.startswith("dj restrict")
    assert "Session & {'name': 'n3'}" in bundle["text/plain"]
    assert "(1 row)" in bundle["text/plain"]
    assert "every row" not in bundle["text/plain"]
    written.clear()
    session.drop_quick()  # what cannot be read is told where it is asked for
    builder.restriction = {"name": "n4"}
    wait_for(builder._worker)
    assert written == []


def test_a_diagram(session, sent, written):
    view = DiagramView(dj.Diagram(session))
    view._ipython_display_()
    view._on_message(
        view,
        {"id": "v:1", "kind": "arrange", "payload": {"collapsed": ["lab"], "folded": False, "overview": False}},
        [],
    )
    assert sent.get(timeout=20)["kind"] == "done"
    wait_for(view._worker)
    _, bundle, thread = written[-1]
    assert thread == "dj diagram"
    assert bundle["text/plain"] == repr(view.diagram)
    assert bundle["image/svg+xml"] == view.diagram._repr_svg_()
    assert view.collapsed == ["lab"]
    view.close()
    written.clear()
    view.renew_twin(view._worker)
    assert written == []
