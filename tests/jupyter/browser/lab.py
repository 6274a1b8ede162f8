"""A JupyterLab server on loopback, in a process group and folders of its own, and notebooks opened in it."""

from __future__ import annotations

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import nbformat
import pytest

from tests.provision.fetched import NotFetchedError

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
_CHECKOUT = Path(__file__).parents[3]

# Of another environment, say a newcomer's, which has this project installed and nothing of the tests.
_ELSEWHERE = os.environ.get("DJ_TEST_LAB_PYTHON")


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def fetched(fetch):
    """Return what `fetch` fetches; where it cannot, the test is skipped, or fails where CI=true."""
    try:
        return fetch()
    except NotFetchedError as error:
        is_ci = os.environ.get("CI", "").lower() == "true"
        (pytest.fail if is_ci else pytest.skip)(str(error))


class LabServer:
    """One JupyterLab for a test session."""

    def __init__(self, root: Path):
        self.root, self.port, self.token = root, free_port(), secrets.token_hex(16)
        self.log = root / "server.log"
        self.private = root / ".private"
        self.data = self.private / "data"

    def __enter__(self):
        # Other settings and workspaces must not leak in, nor ours out.
        environment = dict(
            os.environ,
            JUPYTER_CONFIG_DIR=str(self.private / "config"),
            JUPYTER_DATA_DIR=str(self.data),
            JUPYTER_RUNTIME_DIR=str(self.private / "run"),
            JUPYTERLAB_SETTINGS_DIR=str(self.private / "settings"),
            JUPYTERLAB_WORKSPACES_DIR=str(self.private / "workspaces"),
            JUPYTER_PLATFORM_DIRS="1",
            IPYTHONDIR=str(self.private / "ipython"),
            PYTHONPATH=""
            if _ELSEWHERE
            else os.pathsep.join(filter(None, [str(_CHECKOUT), os.environ.get("PYTHONPATH")])),
            DJ_IGNORE_CONFIG_FILE="true",
            NO_PROXY="127.0.0.1,localhost",
        )
        self.set_theme(dark=False)
        self._setting("apputils-extension/notification", {"fetchNews": "false", "checkForUpdates": False})
        self._setting("docmanager-extension/plugin", {"autosave": False})
        command = [
            _ELSEWHERE or sys.executable,
            "-m",
            "jupyter",
            "lab",
            "--no-browser",
            "--ip=127.0.0.1",
            f"--port={self.port}",
            "--ServerApp.port_retries=0",
            "--LabApp.expose_app_in_browser=True",
            f"--IdentityProvider.token={self.token}",
            f"--ServerApp.root_dir={self.root}",
            "--ServerApp.allow_root=True",
        ]
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                command, env=environment, cwd=self.root, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
            )
        self._wait_until_up(time.monotonic() + 90)
        return self

    def _wait_until_up(self, deadline):
        while True:
            if self.process.poll() is not None:
                raise RuntimeError(f"JupyterLab ended:\n{self.log.read_text()[-3000:]}")
            try:
                self.api("GET", "api/status")
            except OSError:
                if time.monotonic() > deadline:
                    self.__exit__()
                    raise TimeoutError(self.log.read_text()[-3000:]) from None
                time.sleep(0.2)
            else:
                return

    def __exit__(self, *exception):
        # The server ends its kernels when told to; only our own group is ever signalled.
        for number, patience in ((signal.SIGTERM, 15), (signal.SIGKILL, 5)):
            try:
                os.killpg(self.process.pid, number)
                self.process.wait(patience)
            except ProcessLookupError:
                break
            except subprocess.TimeoutExpired:
                continue
            else:
                break

    def api(self, method, path):
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/{path}", method=method, headers={"Authorization": f"token {self.token}"}
        )
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=10) as answer:
            body = answer.read()
        return json.loads(body) if body else None

    def _setting(self, plugin, value):
        file = self.private / "settings" / "@jupyterlab" / f"{plugin}.jupyterlab-settings"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(value))

    def set_theme(self, *, dark):
        self._setting("apputils-extension/themes", {"theme": "JupyterLab Dark" if dark else "JupyterLab Light"})

    def set_comms(self, way):
        """Choose whether widgets' messages wait for the running cell (``disabled``) or not (``perCommTarget``)."""
        self._setting("apputils-extension/kernels-settings", {"commsOverSubshells": way})

    # --- kernels
    def shut_kernels_down(self):
        for session in self.api("GET", "api/sessions"):
            self.api("DELETE", f"api/sessions/{session['id']}")

    def wait_for_idle_kernel(self, notebook, patience=60):
        """Wait until the kernel of a notebook, by its path, is there and has nothing to do."""
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            try:
                sessions = self.api("GET", "api/sessions")
            except urllib.error.HTTPError:  # the server trips over a kernel that is just being removed
                sessions = []
            if any(s["path"] == notebook and s["kernel"]["execution_state"] == "idle" for s in sessions):
                return
            time.sleep(0.2)
        raise TimeoutError(f"No kernel of {notebook} became idle:\n{self.log.read_text()[-3000:]}")


class NotebookPage:
    """A notebook in the browser; notes what must not happen."""

    def __init__(self, server, page):
        self.server, self.page = server, page
        self.outside, self.faults = [], []
        page.on("request", self._request)
        page.on("console", lambda message: self.faults.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: self.faults.append(f"pageerror: {error}"))

    def _request(self, request):
        if request.url.startswith("http") and not request.url.startswith(f"http://127.0.0.1:{self.server.port}/"):
            self.outside.append(request.url)

    def write(self, name, *cells, kernel="python3"):
        """Make a notebook of `cells`, to be run by the kernel of that name."""
        notebook = nbformat.v4.new_notebook(
            cells=[nbformat.v4.new_code_cell(cell.strip("\n")) for cell in cells],
            metadata={"kernelspec": {"name": kernel, "display_name": kernel, "language": "python"}},
        )
        nbformat.write(notebook, self.server.root / name)

    def open(self, name, *, front="lab/tree"):
        """Open a notebook, in JupyterLab or with ``notebooks`` in Notebook 7, and wait until its kernel can run cells."""
        self.page.goto(f"http://127.0.0.1:{self.server.port}/{front}/{name}?reset&token={self.server.token}")
        self.page.locator(".jp-Notebook .jp-CodeCell").first.wait_for(timeout=60_000)
        self.page.locator(".jp-NotebookPanel-toolbar").first.wait_for()
        self.page.wait_for_function("() => !document.querySelector('.jp-Dialog')", timeout=30_000)
        self.server.wait_for_idle_kernel(name)

    def run_all(self, patience=60):
        """Run all cells, and see that the first one is begun."""
        from playwright.sync_api import TimeoutError as NotYet

        prompt = self.cell(0).locator(".jp-InputPrompt")
        before, deadline = prompt.inner_text(), time.monotonic() + patience
        while True:
            self.page.get_by_role("menuitem", name="Run", exact=True).click()
            self.page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
            try:
                # A page that is not attached to its kernel yet drops the request without a word.
                self.page.wait_for_function(
                    "before => document.querySelector('.jp-Notebook .jp-CodeCell .jp-InputPrompt').innerText !== before",
                    arg=before,
                    timeout=5_000,
                )
            except NotYet:
                if time.monotonic() > deadline:
                    raise
            else:
                return

    def cell(self, index):
        return self.page.locator(".jp-Notebook .jp-CodeCell").nth(index)

    def run_cell(self, index):
        cell = self.cell(index)
        cell.locator(".jp-InputPrompt").first.click()
        # On a busy machine the key would reach the cell that was active before.
        self.page.wait_for_function(
            "index => document.querySelectorAll('.jp-Notebook .jp-CodeCell')[index].matches('.jp-mod-active')",
            arg=index,
        )
        self.page.keyboard.press("Control+Enter")

    def save(self):
        self.cell(0).locator(".jp-InputPrompt").first.click()
        self.page.keyboard.press("Control+s")
        self.page.wait_for_function("() => !document.querySelector('.jp-mod-dirty, .lm-TabBar-tab.jp-mod-dirty')")
