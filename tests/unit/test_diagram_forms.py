"""Further forms of pictures: legend, status in boxes, overview, parts told in masters; files; what programs read."""

from __future__ import annotations

import io
import itertools
import re
import sys
from xml.etree import ElementTree as ET

import pytest

from datajoint.diagram import Diagram, render
from datajoint.diagram.overlay import TableStatus
from datajoint.diagram.palette import DARK, LIGHT
from datajoint.errors import DataJointError
from tests.unit.pipelines import DIALECTS, EPHYS, LABORATORIES, FakeConnection
from tests.unit.test_diagram_pictures import SVG, box_of, contrast, diagram_of, shapes, wasm, width_of

__all__ = ["wasm"]  # a fixture

STATUS = {
    "lab.subject": TableStatus(rows=12),
    "lab.session__note": TableStatus(rows=1),
    "ephys._recording": TableStatus(rows=1234567, done=300, total=320, running=2, errors=3),
    "ephys.__sorting": TableStatus(rows=0, done=120, total=900, running=0, errors=0, drift=""),
    "ephys.#params": TableStatus(drift="threshold is int8, not float32"),
}


def with_status(diagram):
    names = {str(name): node for node, name in diagram._table_names.items()}
    return diagram.overlay(statuses={names[table]: status for table, status in STATUS.items()})


def nodes_of(root):
    return {g.get("id"): g for g in root.iter(f"{SVG}g") if g.get("class", "").startswith("node")}


def texts_of(group):
    return [text.text for text in group.iter(f"{SVG}text") if text.get("class") != "tier"]


# --- geometry of all forms
FORMS = {
    "plain": lambda d: d,
    "status": with_status,
    "masters": lambda d: with_status(d).collapse(by="master"),
    "overview": lambda d: with_status(d).overview(),
}


@pytest.mark.parametrize("direction", ["LR", "TB"])
@pytest.mark.parametrize("form", FORMS)
def test_all_texts_lie_inside_their_boxes(wasm, form, direction):
    root = ET.fromstring(FORMS[form](diagram_of(EPHYS, direction=direction))._repr_svg_())
    boxes = []
    for group in nodes_of(root).values():
        outline = next(e for e in group.iter() if e.tag in {f"{SVG}path", f"{SVG}ellipse", f"{SVG}polygon"})
        left, top, right, bottom = box_of(outline)
        boxes.append((left, top, right, bottom))
        extents = []
        for text in group.iter(f"{SVG}text"):
            half, middle, foot = width_of(text) / 2, float(text.get("x")), float(text.get("y"))
            rise = 0.76 * float(text.get("font-size"))
            extents.append((foot - rise, foot))
            assert left <= middle - half, f"{text.text} leaves its box"
            assert middle + half <= right, f"{text.text} leaves its box"
            assert top <= foot - rise, f"{text.text} leaves its box"
            assert foot <= bottom, f"{text.text} leaves its box"
            if outline.tag == f"{SVG}ellipse":
                center, radius = (top + bottom) / 2, (bottom - top) / 2
                for height in (foot - rise, foot):
                    reach = ((height - center) / radius) ** 2 + (half / ((right - left) / 2)) ** 2
                    assert reach <= 1.02, f"{text.text} leaves its ellipse"
        for (_, foot), (head, _) in itertools.pairwise(sorted(extents)):
            assert foot <= head + 0.01, "two lines overlap"
    for a, b in itertools.combinations(boxes, 2):
        assert a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1]


@pytest.mark.parametrize("direction", ["LR", "TB"])
@pytest.mark.parametrize("pipeline", LABORATORIES)
def test_labels_of_schemas_hide_no_table_and_frames_are_apart(wasm, pipeline, direction):
    root = ET.fromstring(diagram_of(LABORATORIES[pipeline], direction=direction)._repr_svg_())
    nodes = [box_of(outline) for outline, _ in shapes(root, "node")]
    frames = [(box_of(outline), label) for outline, label in shapes(root, "cluster") if label is not None]
    for _, label in frames:
        right, foot = float(label.get("x")), float(label.get("y"))
        mine = (right - width_of(label), foot - 0.76 * float(label.get("font-size")), right, foot)
        for other in nodes:
            assert mine[2] <= other[0] or other[2] <= mine[0] or mine[3] <= other[1] or other[3] <= mine[1]
    for (a, _), (b, _) in itertools.combinations(frames, 2):
        assert a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1]


@pytest.mark.parametrize("lost", [1, 2, 3])
def test_links_that_the_engine_loses_are_drawn_after_all(wasm, monkeypatch, lost):
    """An engine that loses a link as long as parts stand beside their masters, as they do once or twice."""
    asked = []

    def lose(dot, form):
        asked.append(dot)
        drawn = render._draw_by_wasm(dot, form)
        if len(asked) > lost:
            return drawn
        edges = re.findall(rb'<g id="edge\d+" class="edge">.*?</g>\n', drawn, re.DOTALL)
        title = b"<title>Sorting&#45;&gt;Sorting.Unit</title>"
        return drawn.replace(next(edge for edge in edges if title in edge), b"")

    monkeypatch.setattr(render, "ENGINES", (render.Engine("losing", frozenset({"svg"}), lose),))
    svg = diagram_of(EPHYS)._repr_svg_()
    assert svg.count('class="edge"') == 12
    assert len(asked) == 1 + lost
    assert "rank=same" in asked[0]
    assert asked[1] != asked[0]
    assert ("splines=line" in asked[-1]) == (lost == 3)


# --- tiers and status
def test_tiers_are_told_in_words(wasm):
    nodes = nodes_of(ET.fromstring(diagram_of(EPHYS)._repr_svg_()))
    told = {key: [t.text for t in g.iter(f"{SVG}text") if t.get("class") == "tier"] for key, g in nodes.items()}
    assert told["dj-node-lab-subject"] == ["manual"]
    assert told["dj-node-ephys-#params"] == ["lookup"]
    assert told["dj-node-ephys-_recording"] == ["imported"]
    assert told["dj-node-ephys-__sorting"] == ["computed"]
    assert told["dj-node-lab-session__note"] == []  # its shape is no other's


def test_the_status_is_told_in_words_and_data(wasm):
    diagram = with_status(diagram_of(EPHYS))
    nodes = nodes_of(ET.fromstring(diagram._repr_svg_()))
    recording, sorting = nodes["dj-node-ephys-_recording"], nodes["dj-node-ephys-__sorting"]
    assert texts_of(recording) == ["Recording", "1,234,567 rows", "300 of 320 keys", "▶ 2 running", "✕ 3 failed"]
    assert texts_of(sorting) == ["Sorting", "0 rows", "120 of 900 keys"]
    assert texts_of(nodes["dj-node-lab-session__note"]) == ["Note", "1 row"]
    assert texts_of(nodes["dj-node-ephys-#params"]) == ["Params", "≠ definition"]
    assert texts_of(nodes["dj-node-lab-session"]) == ["Session"]
    assert {k: v for k, v in recording.attrib.items() if k.startswith("data-")} == {
        "data-schema": "ephys",
        "data-tier": "imported",
        "data-table": "_recording",
        "data-rows": "1234567",
        "data-done": "300",
        "data-total": "320",
        "data-running": "2",
        "data-errors": "3",
    }
    assert recording.get("aria-label") == (
        "Recording, imported, 1,234,567 rows, 300 of 320 keys, ▶ 2 running, ✕ 3 failed"
    )
    strokes = {key: next(e.get("stroke") for e in g.iter() if e.get("stroke")) for key, g in nodes.items()}
    alerts = {key for key, stroke in strokes.items() if stroke == LIGHT.alert.lower()}
    assert alerts == {"dj-node-ephys-_recording", "dj-node-ephys-#params"}
    assert "Recording (1,234,567 rows, 300 of 320 keys" in repr(diagram)
    assert "12 rows" in diagram.make_mermaid()
    assert (diagram + 1).statuses == diagram.statuses


def test_statuses_add_up():
    total = TableStatus(rows=1, errors=2) + TableStatus(rows=3, done=4, drift="") + TableStatus(drift="x")
    assert total == TableStatus(rows=4, done=4, errors=2, drift="x")
    assert total.as_dict() == {"rows": 4, "done": 4, "errors": 2, "drift": "x"}
    assert not TableStatus(errors=0, drift="").alerts


def test_an_unknown_overlay_is_refused():
    with pytest.raises(DataJointError, match="cannot tell 'colour'.*rows, progress, errors, drift"):
        diagram_of(EPHYS).overlay("colour")


@pytest.mark.parametrize("palette", [LIGHT, DARK], ids=["light", "dark"])
def test_what_needs_attention_stands_out(palette):
    assert contrast(palette.alert, palette.background or "#FFFFFF") >= 4.5


# --- smaller forms
def test_parts_are_told_in_their_masters(wasm):
    diagram = diagram_of(EPHYS).collapse(by="master")
    scene = diagram._scene()
    assert "Session.Note" not in scene.boxes
    assert scene.boxes["Session"].notes == ("+ 1 part",)
    assert scene.boxes["Session"].count == 2
    assert ("Recording", "Sorting") in {(link.parent, link.child) for link in scene.links}
    assert all(link.parent != link.child for link in scene.links)
    assert scene.title == "Diagram of 11 tables in ephys, lab"
    assert diagram.nodes_to_show == diagram_of(EPHYS).nodes_to_show
    with pytest.raises(DataJointError, match="cannot be collapsed by 'colour'"):
        diagram.collapse(by="colour")


def test_the_overview_has_a_box_for_each_schema(wasm):
    overview = diagram_of(EPHYS).overview()
    boxes = overview._scene().boxes.values()
    assert [(box.label, box.notes) for box in boxes] == [
        ("(6 tables)", ("1 lookup", "1 imported", "2 computed", "2 parts")),
        ("(5 tables)", ("2 manual", "2 lookup", "1 part")),
    ]
    assert [link.count for link in overview._scene().links] == [2]
    assert "2 foreign keys" in overview.svg_string()
    everything = diagram_of(LABORATORIES["300 tables"])
    assert len(everything.nodes_to_show) == 300
    assert everything.shown == [table.full_table_name for table in everything.tables]
    assert len(everything.overview()._scene().boxes) == 10


# --- legend
@pytest.mark.parametrize("theme", ["light", "dark", "auto"])
@pytest.mark.parametrize("pipeline", ["small", "parts", "long names"])
def test_the_legend_lies_below_the_picture(wasm, pipeline, theme):
    diagram = diagram_of(LABORATORIES[pipeline])
    plain, root = ET.fromstring(diagram.svg_string()), ET.fromstring(diagram.svg_string(legend=True, theme=theme))
    _, _, width, height = map(float, root.get("viewBox").split())
    legend = next(g for g in root if g.get("class") == "legend")
    x, y = map(float, re.findall(r"-?[\d.]+", legend.get("transform")))
    assert y == float(plain.get("viewBox").split()[3])
    canvas = box_of(next(root.iter(f"{SVG}polygon")))
    assert canvas[2] - canvas[0] == pytest.approx(width, abs=1)  # the engine rounds
    assert canvas[3] - canvas[1] == pytest.approx(height, abs=1)
    spans = []
    for entry in legend:
        dx, dy = map(float, re.findall(r"-?[\d.]+", entry.get("transform")))
        text = entry.find(f"{SVG}text")
        spans.append((dy, x + dx, x + dx + float(text.get("x")) + width_of(text)))
        assert spans[-1][2] <= width
        assert y + dy + 8 <= height
    for (row, _, end), (other_row, begin, _) in itertools.pairwise(spans):
        assert row < other_row or end < begin


def test_the_legend_tells_what_is_there_and_no_more(wasm):
    def told(diagram):
        root = ET.fromstring(diagram.svg_string(legend=True))
        legend = next(g for g in root if g.get("class") == "legend")
        return [text.text for text in legend.iter(f"{SVG}text")]

    assert told(diagram_of("a.x: x\na.__y: > a.x")) == [
        "manual",
        "computed",
        "has key attributes of its own",
        "one to one",
    ]
    assert {"part", "master and parts", "outside the key", "renamed", "one to many"} <= set(told(diagram_of(EPHYS)))
    assert told(diagram_of(EPHYS).overview()) == ["several tables", "foreign keys between schemas"]
    assert "needs attention (✕ failed, ≠ definition)" in told(with_status(diagram_of(EPHYS)))


# --- where pictures are shown
@pytest.mark.parametrize("form", FORMS)
def test_the_picture_may_be_shown_where_nothing_may_run_or_be_fetched(wasm, form):
    svg = FORMS[form](diagram_of(EPHYS)).svg_string(legend=True)
    root = ET.fromstring(svg)
    tags = {element.tag.removeprefix(SVG) for element in root.iter()}
    assert tags <= {"svg", "g", "title", "path", "polygon", "polyline", "ellipse", "rect", "text", "style"}
    for element in root.iter():
        assert not [name for name in element.attrib if name.startswith("on") or name.endswith("href")]
    assert not re.search(r"url\(|@import|javascript:|<!ENTITY|https?://(?!www\.w3\.org/)", svg)
    # Where the style sheet is taken out, the picture is the light one on its own canvas.
    polygon = next(root.iter(f"{SVG}polygon"))
    assert polygon.get("fill") == "white"
    assert all(text.get("font-size") and text.get("font-family") for text in root.iter(f"{SVG}text"))


def test_ids_are_the_same_every_time(wasm):
    ids = [sorted(nodes_of(ET.fromstring(diagram_of(EPHYS)._repr_svg_()))) for _ in range(2)]
    assert ids[0] == ids[1]
    assert "dj-node-ephys-__sorting__unit" in ids[0]


# --- files
def test_png_and_pdf_are_made_of_the_svg(wasm, tmp_path):
    pytest.importorskip("svg2pdf_py")
    from PIL import Image

    diagram = diagram_of(EPHYS)

    def picture(file):
        with Image.open(file) as image:
            return image.convert("RGB")

    small, large = (picture(diagram.make_png(dpi=dpi)) for dpi in (72, 144))
    assert large.width == pytest.approx(2 * small.width, abs=2)
    assert large.getpixel((3, 3)) == (255, 255, 255)
    dark = picture(diagram.make_png(theme="dark", legend=True))
    assert dark.getpixel((3, 3)) == (0x16, 0x1A, 0x21)
    assert dark.height > large.height
    diagram.save(tmp_path / "a.pdf")
    diagram.save(tmp_path / "b.png", legend=True)
    diagram.save(tmp_path / "c.dot", direction="TB")
    assert (tmp_path / "a.pdf").read_bytes().startswith(b"%PDF")
    assert picture(tmp_path / "b.png").height == dark.height
    assert "rankdir=TB" in (tmp_path / "c.dot").read_text()
    assert isinstance(diagram.make_pdf(), io.BytesIO)


def test_images_for_matplotlib(wasm, monkeypatch):
    pyplot = pytest.importorskip("matplotlib.pyplot")
    pyplot.switch_backend("agg")
    diagram = diagram_of(EPHYS)
    image = diagram.make_image(dpi=72)
    assert image.shape[2] == 4
    shown = []
    monkeypatch.setattr(pyplot, "show", lambda: shown.append(pyplot.gcf()))
    assert diagram.draw(dpi=72) is None
    (figure,) = shown
    assert not figure.axes[0].axison
    pyplot.close(figure)
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(DataJointError, match="pyplot was not imported"):
        diagram.make_image()


def test_the_look_is_chosen_by_keyword(wasm):
    diagram = diagram_of(EPHYS)
    assert "rankdir=TB" in diagram.make_dot(direction="TB").source
    assert diagram.make_mermaid(direction="TB").startswith("flowchart TB")
    assert 'font-family="Charter, Helvetica' in diagram.svg_string(font="Charter")
    assert "prefers-color-scheme" not in diagram.svg_string(theme="dark")
    with pytest.raises(DataJointError, match="no direction 'RL'"):
        diagram.svg_string(direction="RL")


def test_a_look_can_be_kept(wasm):
    diagram = diagram_of(EPHYS).with_look(legend=True, direction="TB", font="Charter")
    assert 'class="legend"' in diagram._repr_svg_()
    assert 'class="legend"' not in diagram.svg_string(legend=False)
    assert "rankdir=TB" in diagram.make_dot().source
    assert 'class="legend"' in (diagram + 1).with_look(theme="dark").svg_string()
    assert "Charter" in diagram.make_dot().source
    assert 'class="legend"' not in diagram_of(EPHYS)._repr_svg_()


# --- what programs read from DOT
def test_dot_has_getters():
    dot = diagram_of(EPHYS).make_dot()
    nodes = {node.get_name(): node for node in dot.get_nodes()}
    assert len(nodes) == 11
    assert nodes['"Session"'].get_label() == "<<u>Session</u>>"
    assert nodes['"Recording"'].get_shape() == "ellipse"
    assert nodes['"Session.Note"'].get_fillcolor() == "#FFFFFF"
    assert nodes['"Session"'].get_nothing() is None
    assert (nodes['"Session"'].get_fontname(), nodes['"Session"'].get_margin()) == ("Helvetica", "0.11,0.06")
    assert dot.get_node("Session")[0] is dot.get_node('"Session"')[0]
    edges = {(edge.get_source(), edge.get_destination(), edge.get_color()): edge for edge in dot.get_edges()}
    assert len(edges) == 12
    plain = edges['"Session"', '"Recording"', "#171C399E"]
    assert (float(plain.get_penwidth()), plain.get_style(), plain.get_weight()) == (2, "solid", "3")
    renamed = edges['"Sorting"', '"Comparison"', "#C77D3A9E"]
    assert renamed.get_tooltip() == "other ← params_id"
    assert edges['"Species"', '"Subject"', "#171C399E"].get_style() == "dashed"
    assert float(edges['"Species"', '"Subject"', "#171C399E"].get_penwidth()) == 0.75
    frames = {graph.get_name(): graph for graph in dot.get_subgraphs()}
    assert set(frames) == {'"cluster_lab"', '"cluster_ephys"'}
    inner = {g.get_name() for g in frames['"cluster_lab"'].get_subgraphs()}
    assert inner == {'"cluster_entity_Session"'}
    assert dot.get_rankdir() == "LR"
    assert dot.to_string() == dot.source
    with pytest.raises(AttributeError):
        dot.no_such_thing


@pytest.mark.parametrize("dialect", DIALECTS.values(), ids=DIALECTS)
def test_dot_has_getters_for_names_of_the_database(dialect):
    connection = FakeConnection(EPHYS, dialect=dialect)
    dot = Diagram(connection.schema("lab"), {}).make_dot()
    names = {node.get_name() for node in dot.get_nodes()}
    assert all(name.startswith('"') and name.endswith('"') for name in names)
    assert {edge.get_source() for edge in dot.get_edges()} <= names


def test_dot_draws_itself(wasm, tmp_path):
    dot = diagram_of(EPHYS).make_dot()
    assert b"<svg" in dot.create_svg()
    assert dot.create("svg") == dot.create_svg()
    assert dot.write_svg(tmp_path / "a.svg")
    assert dot.write(tmp_path / "a.dot")
    assert (tmp_path / "a.dot").read_text() == dot.source
    with pytest.raises(DataJointError, match="cannot be drawn as 'gif'"):
        dot.create("gif")


# --- the engine in WebAssembly
def test_the_engine_draws_also_where_its_code_cannot_be_kept(wasm, monkeypatch):
    import wasmtime

    def refuse():
        raise OSError("read-only")

    before = diagram_of(EPHYS)._repr_svg_()
    render._kept_wasm_engine.cache_clear()
    monkeypatch.setattr(wasmtime, "Config", refuse)
    try:
        assert render._kept_wasm_engine() is None
        assert diagram_of(EPHYS)._repr_svg_() == before
    finally:
        render._kept_wasm_engine.cache_clear()
