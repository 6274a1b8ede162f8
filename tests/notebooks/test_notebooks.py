"""Every notebook runs from top to bottom on an embedded database, shows what is stored, and checks its exercises."""

from __future__ import annotations

import copy
import importlib.util
import json
import re
import sys
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
FIRST = FOLDER / "01_first_pipeline.ipynb"
EACH = [pytest.param(path, id=path.stem, marks=pytest.mark.xdist_group(path.stem)) for path in NOTEBOOKS]

SECONDS = 60
"""Twenty on an idle machine; tests share theirs."""
MACHINE = re.compile(r"(?<![\w:/.])/(home|root|tmp|work|usr|opt|Users|private)/|[A-Z]:\\\\")


def module(name):
    """Load a module of the notebooks' folder, which is no package."""
    spec = importlib.util.spec_from_file_location(name, FOLDER / f"{name}.py")
    found = importlib.util.module_from_spec(spec)
    sys.modules[name] = found
    spec.loader.exec_module(found)
    return found


execution = module("execution")
tutorial = module("tutorial")


def read(path):
    return nbformat.read(path, as_version=4)


def tags(cell):
    return cell.metadata.get("tags", [])


def code(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def texts(notebook):
    """Return the text of every output, in order."""
    return [text for cell in notebook.cells for text in execution.said(cell)]


def answered(client, notebook):
    """Answer each exercise wrongly, then rightly; return what its check says to either."""
    found, exercise = [], None
    for number, cell in enumerate(notebook.cells):
        exercise = execution.solution(cell) or exercise
        if "check" in tags(cell):
            said = []
            for answer in (exercise["wrong"], exercise["solution"]):
                for source in (answer, cell.source):
                    ran = copy.deepcopy(cell)
                    ran.source = source
                    notebook.cells[number] = ran
                    client.execute_cell(ran, number)
                said.append("".join(execution.said(ran)))
            notebook.cells[number] = cell
            found.append((cell.source, *said))
    return found


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
    """Execute notebooks, each once, in folders of their own; then answer their exercises in the same kernel."""
    done = {}

    def once(path):
        if path not in done:
            notebook, folder = read(path), tmp_path_factory.mktemp(path.stem)
            for cell in code(notebook):
                cell.outputs = []
            with execution.kernel(notebook, folder) as client:
                seconds = execution.execute(client, notebook)
                answers = answered(client, copy.copy(notebook))
            execution.tidy(notebook, folder)
            done[path] = notebook, folder, seconds, answers
        return done[path]

    return once


@pytest.mark.parametrize("path", EACH)
def test_notebook_runs(path, executed):
    notebook, folder, seconds, _ = executed(path)
    assert (folder / "datajoint.db").exists()
    assert seconds < SECONDS
    assert [o.text for cell in code(notebook) for o in cell.outputs if o.get("name") == "stderr"] == []


@pytest.mark.parametrize("path", EACH)
def test_notebook_is_stored_with_what_a_fresh_run_shows(path, executed):
    notebook, stored = executed(path)[0], read(path)
    assert [cell.source for cell in stored.cells] == [cell.source for cell in notebook.cells]
    for fresh, kept in zip(code(notebook), code(stored), strict=True):
        assert len(fresh.outputs) == len(kept.outputs)
        if execution.VOLATILE not in tags(fresh):
            assert execution.said(kept) == execution.said(fresh), "python notebooks/execution.py stores it anew"


@pytest.mark.parametrize("path", EACH)
def test_exercises_are_checked(path, executed):
    answers = executed(path)[3]
    assert len(answers) >= 2
    for check, wrong, right in answers:
        assert wrong.startswith("Not yet"), check
        assert right.startswith("Right"), check


@pytest.mark.parametrize("path", EACH)
def test_notebook_is_stored_clean(path):
    notebook = read(path)
    nbformat.validate(notebook)
    assert not MACHINE.search(path.read_text(encoding="utf-8"))
    assert path.stat().st_size < 400_000
    for cell in code(notebook):
        for output in cell.outputs:
            assert "application/vnd.jupyter.widget-view+json" not in output.get("data", {})
            assert (output.output_type == "error") == ("raises-exception" in tags(cell))


@pytest.mark.parametrize("path", EACH)
def test_no_exercise_is_given_away(path):
    """Neither the cells nor their outputs show a solution."""
    for cell in code(read(path)):
        if (exercise := execution.solution(cell)) is not None:
            assert exercise["solution"] != exercise["wrong"]
            assert exercise["solution"].strip() not in cell.source
        if "check" in tags(cell):
            assert "".join(execution.said(cell)).startswith(("Your turn", "Not yet"))


@pytest.mark.parametrize("path", EACH)
def test_links_lead_somewhere(path):
    for cell in read(path).cells:
        if cell.cell_type == "markdown":
            for target in re.findall(r"\]\(([^)#]+)\)", cell.source):
                assert (FOLDER / target).exists(), target


def test_every_sealed_answer_is_asked_for():
    sources = [cell.source for path in NOTEBOOKS for cell in code(read(path)) if "check" in tags(cell)]
    asked = [name for source in sources for name in re.findall(r'check\("(.+?)"', source)]
    assert sorted(asked) == sorted(json.loads(tutorial.EXERCISES.read_text(encoding="utf-8")))
    assert len(asked) == len(set(asked))


def test_the_list_of_notebooks_is_complete():
    listed = re.findall(r"\]\((\w+)\.ipynb\)", (FOLDER / "README.md").read_text(encoding="utf-8"))
    assert listed == [path.stem for path in NOTEBOOKS]


def test_first_pipeline_finds_the_blobs(executed):
    outputs = texts(executed(FIRST)[0])
    assert any("12 detections" in text for text in outputs)
    summary = outputs[-1]
    assert "3 pictures, 9 detections" in summary
    assert "24 in coins (coarse)" in summary
    assert "1 in cell (coarse)" in summary
    assert re.search(r"3\d\d in hubble \(fine\)", summary)


@pytest.mark.slow
@pytest.mark.parametrize("path", EACH)
def test_notebook_can_be_run_again(path, executed):
    """On the database of the first run, whose exercises were solved."""
    _, folder, _, _ = executed(path)
    notebook = read(path)
    with execution.kernel(notebook, folder) as client:
        execution.execute(client, notebook)


class TestHelper:
    def test_only_schemas_of_tutorials_are_dropped(self):
        with pytest.raises(ValueError, match="begin with 'tutorial_'"):
            tutorial.begin("lab")

    def test_equal_answers_have_one_seal(self):
        assert tutorial.seal([1, 2.0]) == tutorial.seal((1.0, 2))
        assert tutorial.seal({"b": 1, "a": 2}) == tutorial.seal({"a": 2, "b": 1})
        assert tutorial.seal({3, 1}) == tutorial.seal({1, 3})
        assert tutorial.seal(1 / 3) == tutorial.seal(0.33333333)

    def test_different_answers_have_different_seals(self):
        answers = [1, 2, [1], [[1]], [1, 2], [2, 1], "a", ["a"], {"a": 1}, 1 / 3, 0.3333, None, {"x", "y"}]
        assert len({tutorial.seal(answer) for answer in answers}) == len(answers)

    def test_check_says_what_to_do(self, capsys, tmp_path, monkeypatch):
        monkeypatch.setattr(tutorial, "EXERCISES", tmp_path / "exercises.json")
        known = {"00-1": {"sealed": tutorial.seal(3), "hint": "Count again."}}
        tutorial.EXERCISES.write_text(json.dumps(known), encoding="utf-8")
        for answer, said in [(..., "Your turn"), (None, "Your turn"), (3, "Right!"), (4, "Not yet. Count again.")]:
            tutorial.check("00-1", answer)
            assert capsys.readouterr().out.startswith(said)

    def test_paths_and_widgets_are_left_out(self, tmp_path):
        view = {"application/vnd.jupyter.widget-view+json": {}, "text/plain": ""}
        outputs = [
            nbformat.v4.new_output("stream", text=f"[2026-01-01 10:00:00][ERROR]: {tmp_path}/data"),
            nbformat.v4.new_output("stream", text=f".db is locked\nin {str(tmp_path)[:-3]}…\n"),
            nbformat.v4.new_output("display_data", data=view),
            nbformat.v4.new_output("display_data", data={"text/html": '<p data-dj-static="a1b2">a1b2</p>'}),
        ]
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("x", outputs=outputs)])
        execution.tidy(notebook, tmp_path)
        stream, twin = notebook.cells[0].outputs
        assert stream.text == "[ERROR]: data.db is locked\nin …\n"
        assert twin.data["text/html"] == '<p data-dj-static="c0-0">c0-0</p>'

    def test_what_is_stored_stays_unless_something_new_is_shown(self):
        def notebook(*texts):
            cells = [nbformat.v4.new_code_cell("x", id=f"c{n}", outputs=[nbformat.v4.new_output("stream", text=text)])
                     for n, text in enumerate(texts)]  # fmt: skip
            return nbformat.v4.new_notebook(cells=cells)

        fresh = notebook("3 keys in 2.0 s", "/sound_aB3-x_9z.npy", "4 keys in 2.0 s")
        execution.settle(fresh, notebook("3 keys in 1.5 s", "/sound_qqqqqqqq.npy", "3 keys in 2.0 s"))
        shown = [cell.outputs[0].text for cell in fresh.cells]
        assert shown == ["3 keys in 1.5 s", "/sound_qqqqqqqq.npy", "4 keys in 2.0 s"]
