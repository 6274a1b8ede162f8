"""Previews under the module name that DataJoint 2.3 gives them."""

from __future__ import annotations

from typing import Any

from datajoint.expression.preview import preview_html, preview_text

__all__ = ["preview", "repr_html"]


def preview(query_expression: Any, limit: int | None = None, width: int | None = None) -> str:
    """Return the first rows as text; see `QueryExpression.preview`."""
    return preview_text(query_expression, limit, width)


def repr_html(query_expression: Any) -> str:
    """Return the first rows as HTML."""
    return preview_html(query_expression)
