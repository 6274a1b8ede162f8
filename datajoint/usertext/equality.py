"""Two attributes of different types, to be matched with each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from datajoint.sql.fragment import Sql
from datajoint.usertext.comparison import alike
from datajoint.usertext.operand import COMPARISON, Builder, Operand
from datajoint.values.model import ValueType

if TYPE_CHECKING:
    from datajoint.backends.base import Backend


def as_one_type(
    left: Sql, left_type: ValueType, right: Sql, right_type: ValueType, backend: Backend
) -> tuple[Sql, Sql]:
    """Return two columns as what engines can compare: numbers as they are, enums as text, dates as datetimes.

    Columns of one type are returned as they are, so that an index serves.

    Raises
    ------
    QuerySyntaxError
        For types of different families.
    """
    same_enum = left_type.kind != "enum" or left_type.enum_type == right_type.enum_type
    if (left_type == right_type and same_enum) or "unknown" in {left_type.kind, right_type.kind}:
        return left, right
    build = Builder(f"{left_type.text} = {right_type.text}", backend)
    first, second = alike(build, Operand(left, left_type), Operand(right, right_type))
    # what has been converted may need parentheses beside the equals sign
    return build.wrapped(first, COMPARISON - 1), build.wrapped(second, COMPARISON - 1)
