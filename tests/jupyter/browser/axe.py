"""axe-core's judgement of a page, without what belongs to the front end."""

from __future__ import annotations

from tests.jupyter.browser.lab import fetched
from tests.provision.fetched import axe_core

_SERIOUS = {"serious", "critical"}


def serious_findings(page, selector: str) -> list[str]:
    """Return what axe-core finds wrong, seriously or worse, in what `selector` finds."""
    page.add_script_tag(content=fetched(axe_core).read_text("utf-8"))
    found = page.evaluate(
        "selector => axe.run(selector, {resultTypes: ['violations']}).then(result => result.violations)", selector
    )
    return [
        f"{violation['id']}: {violation['help']}: {[node['html'][:200] for node in violation['nodes'][:3]]}"
        for violation in found
        if violation["impact"] in _SERIOUS
    ]
