"""Work on several tables, seen and steered."""

from __future__ import annotations
