"""axe-core's judgement of a page, without what belongs to the front end."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

_VERSION = "4.10.3"
_SERIOUS = {"serious", "critical"}


def axe_script() -> str:
    """Return axe-core, fetched once by npm, or the file that DJ_TEST_AXE names."""
    if named := os.environ.get("DJ_TEST_AXE"):
        return Path(named).read_text("utf-8")
    cache = Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")).expanduser() / "datajoint-tests" / f"axe-{_VERSION}"
    script = cache / "node_modules" / "axe-core" / "axe.min.js"
    if not script.exists():
        npm = shutil.which("npm")
        if npm is None:
            is_ci = os.environ.get("CI", "").lower() == "true"
            (pytest.fail if is_ci else pytest.skip)(
                "Accessibility cannot be judged without npm, which fetches axe-core."
            )
        cache.mkdir(parents=True, exist_ok=True)
        command = [
            npm,
            "install",
            "--silent",
            "--no-audit",
            "--no-fund",
            "--prefix",
            str(cache),
            f"axe-core@{_VERSION}",
        ]
        subprocess.run(command, check=True, timeout=120)
    return script.read_text("utf-8")


def serious_findings(page, selector: str) -> list[str]:
    """Return what axe-core finds wrong, seriously or worse, in what `selector` finds."""
    page.evaluate(f"() => {{ {axe_script()} }}")
    found = page.evaluate(
        "selector => axe.run(selector, {resultTypes: ['violations']}).then(result => result.violations)", selector
    )
    return [
        f"{violation['id']}: {violation['help']}: {[node['html'][:200] for node in violation['nodes'][:3]]}"
        for violation in found
        if violation["impact"] in _SERIOUS
    ]
