"""What is shown, as HTML and as text: pure functions, everything escaped."""

from __future__ import annotations
