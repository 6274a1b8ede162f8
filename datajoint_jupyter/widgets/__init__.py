"""Live views: each is one class, one plain ES module and one style sheet."""

from __future__ import annotations
