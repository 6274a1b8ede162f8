"""The populate panel in a real JupyterLab: every control, with workers at work, killed and failing."""

from __future__ import annotations

import os
import re
import signal

import pytest

from tests.jupyter.browser.axe import serious_findings
from tests.jupyter.browser.panel_pipeline import EXTENSION, Files, set_up
from tests.jupyter.browser.pipeline import QUICK

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


@pytest.fixture
def expect():
    from playwright.sync_api import expect

    return expect


def button(view, name):
    return view.get_by_role("button", name=name, exact=True)


def kernel_process(notebook, index, expect):
    output = notebook.cell(index).locator(".jp-OutputArea-output").last
    expect(output).to_have_text(re.compile(r"pid \d+"))
    return int(re.search(r"pid (\d+)", output.inner_text())[1])


def test_every_control(new_notebook, lab, pictures, expect):
    name = "panel-light"
    files = Files(lab, name)
    notebook = new_notebook()
    notebook.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    notebook.write(f"{name}.ipynb", set_up(name), EXTENSION, "%dj populate lab --workers 2 -o panel")
    notebook.open(f"{name}.ipynb")
    notebook.run_all()
    view = notebook.cell(2).locator(".dj-work")
    phase, score = view.locator(".dj-phase"), view.locator("[data-table='lab.__score']")

    # Two keys are being made, and say how far they are and who makes them.
    expect(phase).to_have_text("working")
    running = view.locator(".dj-running-key")
    expect(running).to_have_count(2)
    expect(running.first).to_contain_text(re.compile(r"\{'session': 0\}.*25 %.*reading.*process \d+", re.DOTALL))
    expect(view.locator(".dj-member")).to_have_attribute("data-state", "alive")
    (pictures / f"panel-running-{name}.png").write_bytes(view.screenshot())

    # Pause: those are finished, no others begun; with another number of workers it goes on.
    button(view, "Pause").click()
    expect(phase).to_have_text("pausing after the current keys")
    files.go()
    expect(phase).to_have_text("paused")
    files.hold()
    assert files.count("lab.__score") == 2
    assert files.jobs("reserved") == 0
    view.get_by_label("Number of workers").fill("0")
    button(view, "Resume").click()
    expect(view.locator(".dj-answer")).to_have_text("The number of workers is from 1 to 32.")
    view.get_by_label("Number of workers").fill("3")
    button(view, "Resume").click()
    expect(running).to_have_count(3)

    # Kill: nothing is kept of the three keys, and they are there for others.
    button(view, "Kill").click()
    expect(phase).to_have_text(re.compile("^ended; keys"))
    expect(running).to_have_count(0)
    assert (files.count("lab.__score"), files.jobs("pending"), files.jobs("reserved")) == (2, 10, 0)

    # Stop: after the keys that are being made, within a second.
    view.get_by_label("Number of workers").fill("1")
    button(view, "Start").click()
    expect(running).to_have_count(1)
    button(view, "Stop").click()
    expect(phase).to_have_text("stopping after the current keys")
    files.go()
    expect(phase).to_have_text("stopped", timeout=3_000)
    expect(button(view, "Start")).to_be_visible()

    # To the end, in processes.
    view.get_by_label("Kind of workers").select_option("processes")
    view.get_by_label("Number of workers").fill("2")
    button(view, "Start").click()
    expect(phase).to_have_text("finished")
    expect(score.locator(".dj-text")).to_have_text("10 of 12 · 2 failed")
    expect(view.locator("[data-table='lab.__rank'] .dj-text")).to_have_text("10 of 10")
    assert (files.count("lab.__rank"), files.jobs("error")) == (10, 2)

    # Errors: one kind with two keys; a key is copied, another ignored, the first retried.
    kind = view.locator(".dj-kind-of-error")
    expect(kind.locator("> summary")).to_contain_text(re.compile(r"ValueError in lab.__score, make, line \d+ 2 keys"))
    kind.locator("> summary").click()
    failures = kind.locator(".dj-failure")
    expect(failures).to_have_count(2)
    failures.first.locator("> summary").click()
    expect(failures.first.locator("pre")).to_contain_text("Traceback")
    expect(failures.first.locator("> summary")).to_contain_text("<b>no trace</b> to score")
    (pictures / f"panel-errors-{name}.png").write_bytes(view.screenshot())
    failed = failures.first.locator("> summary code").inner_text()
    button(failures.first, "Copy key").click()
    expect(view.locator(".dj-said")).to_have_text("Copied.")
    assert notebook.page.evaluate("navigator.clipboard.readText()") == f"Score & {failed}"
    button(failures.first, "Ignore").click()
    expect(score.locator(".dj-text")).to_have_text("10 of 11 · 1 failed · 1 ignored")
    assert (files.jobs("ignore"), files.jobs("error")) == (1, 1)
    files.mend()
    button(failures.first, "Retry") if failures.first.evaluate("n => n.open") else failures.first.locator(
        "> summary"
    ).click()
    button(failures.first, "Retry").click()
    expect(score.locator(".dj-text")).to_have_text("11 of 11 · 1 ignored")
    expect(view.locator(".dj-failures")).to_be_hidden()
    expect(phase).to_have_text("finished")
    assert files.count("lab.__rank") == 11
    (pictures / f"panel-done-{name}.png").write_bytes(view.screenshot())
    assert serious_findings(notebook.page, ".dj-work") == []


def test_looks_and_accessibility_in_the_dark(new_notebook, lab, pictures, expect):
    name = "panel-dark"
    files = Files(lab, name)
    notebook = new_notebook(dark=True)
    before = "(here / 'go').touch(); Score.populate(reserve_jobs=True, suppress_errors=True, max_calls=4); (here / 'go').unlink()"
    notebook.write(f"{name}.ipynb", set_up(name) + before, EXTENSION, "%dj populate lab --workers 2 -o panel")
    notebook.open(f"{name}.ipynb")
    notebook.run_all()
    view = notebook.cell(2).locator(".dj-work")
    expect(view.locator(".dj-running-key")).to_have_count(2)
    view.locator(".dj-kind-of-error > summary").click()
    view.locator(".dj-failure > summary").first.click()
    expect(view.locator(".dj-failure pre").first).to_contain_text("Traceback")
    (pictures / f"panel-running-{name}.png").write_bytes(view.screenshot())
    assert serious_findings(notebook.page, ".dj-work") == []
    files.go()
    expect(view.locator(".dj-phase")).to_have_text("finished")
    (pictures / f"panel-done-{name}.png").write_bytes(view.screenshot())


def test_a_second_notebook_tells_the_same_and_nothing_is_lost(new_notebook, lab, pictures, expect):
    files = Files(lab, "shared")
    first = new_notebook()
    first.write("shared.ipynb", set_up("shared"), EXTENSION, "%dj populate Score --workers 2")
    first.write(
        "other.ipynb",
        f"import datajoint as dj\ndj.conn('sqlite:///shared.db'){QUICK}",
        EXTENSION,
        "%dj watch lab -o watched",
    )
    first.open("shared.ipynb")
    first.run_all()
    process = kernel_process(first, 0, expect)
    here = first.cell(2).locator(".dj-work")
    expect(here.locator(".dj-running-key")).to_have_count(2)
    second = new_notebook()
    second.open("other.ipynb")
    second.run_all()
    there = second.cell(2).locator(".dj-work")
    expect(there.locator(".dj-running-key")).to_have_count(2)
    expect(there.locator(".dj-phase")).to_have_text("1 worker at work")
    assert (
        there.locator(".dj-running-key code").all_inner_texts()
        == here.locator(".dj-running-key code").all_inner_texts()
    )
    expect(there.locator(".dj-member")).to_have_attribute("data-state", "alive")
    expect(there.locator(".dj-remark")).to_contain_text("Only watched here")
    expect(there.locator(".dj-controls")).to_be_hidden()

    # The first kernel is killed: its worker is seen to be gone, and its keys are given back.
    os.kill(process, signal.SIGKILL)
    expect(there.locator(".dj-member")).to_have_attribute("data-state", "gone")
    (pictures / "panel-gone.png").write_bytes(there.screenshot())
    assert files.jobs("reserved") >= 2
    button(there, "Recover").click()
    expect(there.locator(".dj-running-key")).to_have_count(0)
    expect(there.locator(".dj-member")).to_have_count(0)
    assert (files.jobs("pending"), files.jobs("reserved"), files.count("lab.__score")) == (12, 0, 0)

    # A new kernel makes them all, and the second notebook sees it.
    files.go()
    third = new_notebook()
    third.open("shared.ipynb")
    third.run_all()
    expect(third.cell(2).locator(".dj-phase")).to_have_text("finished")
    score = there.locator("[data-table='lab.__score']")
    expect(score.locator(".dj-text")).to_have_text("10 of 12 · 2 failed")
    expect(there.locator(".dj-kind-of-error .dj-tally")).to_have_text("2 keys")

    # What failed can be put back from a kernel that does not know the class, and all of a kind ignored.
    kind = there.locator(".dj-kind-of-error")
    kind.locator("> summary").click()
    button(kind, "Retry all").click()
    expect(score.locator(".dj-text")).to_have_text("10 of 12 · 2 waiting")
    assert files.jobs("pending") == 2
    button(third.cell(2).locator(".dj-work"), "Start").click()
    expect(score.locator(".dj-text")).to_have_text("10 of 12 · 2 failed")
    kind.locator("> summary").click()
    button(kind, "Ignore all").click()
    expect(score.locator(".dj-text")).to_have_text("10 of 10 · 2 ignored")
    assert files.jobs("ignore") == 2
    # The front end complains of the kernel that was killed.
    for page in (first, third):
        page.faults[:] = [
            fault for fault in page.faults if not re.search("kernel|WebSocket|widget|model|comm", fault, re.IGNORECASE)
        ]


def test_by_keyboard(new_notebook, lab, expect):
    files = Files(lab, "keys")
    notebook = new_notebook()
    notebook.write("keys.ipynb", set_up("keys"), EXTENSION, "%dj populate Score")
    notebook.open("keys.ipynb")
    notebook.run_all()
    view, keyboard = notebook.cell(2).locator(".dj-work"), notebook.page.keyboard
    phase = view.locator(".dj-phase")
    expect(view.locator(".dj-running-key")).to_have_count(1)
    button(view, "Pause").focus()
    keyboard.press("Enter")
    expect(phase).to_have_text("pausing after the current keys")
    # The button is gone; the focus went on to the one in its place.
    expect(button(view, "Resume")).to_be_focused()
    files.go()
    expect(phase).to_have_text("paused")
    keyboard.press("Shift+Tab")
    expect(view.get_by_label("Kind of workers")).to_be_focused()
    keyboard.press("Shift+Tab")
    count = view.get_by_label("Number of workers")
    expect(count).to_be_focused()
    keyboard.press("ArrowUp")
    expect(count).to_have_value("2")
    keyboard.press("Tab")
    keyboard.press("Tab")
    keyboard.press("Space")
    expect(phase).to_have_text("finished")
    errors = view.get_by_role("region", name="Errors")
    expect(errors).to_be_visible()
    errors.focus()
    keyboard.press("Tab")
    keyboard.press("Enter")
    keyboard.press("Tab")
    expect(button(view, "Retry all")).to_be_focused()
    files.mend()
    keyboard.press("Enter")
    expect(view.locator("[data-table='lab.__score'] .dj-text")).to_have_text("12 of 12")
    assert files.count("lab.__score") == 12
