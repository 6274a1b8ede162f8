"""Help for the tests of people's own pipelines: rows that fit, and a pytest plugin with databases that come and go.

The plugin is loaded by pytest itself. `fill` makes rows for any table, and whatever rows they depend on.
"""

from __future__ import annotations

from datajoint.testing.rows import fill

__all__ = ["fill"]
