"""The universal set: all possible values of some attributes."""

from __future__ import annotations

from typing import Any

from datajoint.errors import DataJointError
from datajoint.expression import algebra
from datajoint.expression.operand import as_operand


class U:
    """The set of all combinations of values of the attributes `names`.

    It has no rows of its own: it is restricted by an expression, ``dj.U("species") & Subject`` (the distinct values
    that occur), or groups one, ``dj.U("species").aggr(Subject, n="count(*)")``. ``dj.U()`` groups everything into one
    row.

    Parameters
    ----------
    *names : str
    """

    def __init__(self, *names: str) -> None:
        self._names = tuple(names)

    @property
    def primary_key(self) -> tuple[str, ...]:
        """The names."""
        return self._names

    def __and__(self, other: Any) -> Any:
        from datajoint.expression.expression import QueryExpression  # noqa: PLC0415 - made of this module's results

        operand = as_operand(other)
        if operand is None:
            raise DataJointError("Set U can only be restricted with a QueryExpression.")
        return QueryExpression._of(algebra.distinct(operand._node, self._names), operand.connection)

    def aggr(self, group: Any, *, exclude_nonmatching: bool | None = None, **named_attributes: Any) -> Any:
        """Summarise `group` per distinct combination of the attributes.

        Parameters
        ----------
        group : QueryExpression or table class
        **named_attributes : str
            SQL expressions, usually with aggregate functions.

        Returns
        -------
        Aggregation
            With the attributes of the set as its key.

        Raises
        ------
        DataJointError
            If `group` is no expression, an attribute is unknown, or `exclude_nonmatching` is False.
        """
        from datajoint.expression.expression import Aggregation  # noqa: PLC0415

        if exclude_nonmatching is False:
            raise DataJointError("Cannot set exclude_nonmatching=False when aggregating on a universal set.")
        operand = as_operand(group)
        if operand is None:
            raise DataJointError("dj.U.aggr requires a QueryExpression as the group argument.")
        node = algebra.group_by(operand._node, self._names, named_attributes, operand.connection.backend)
        return Aggregation._of(node, operand.connection)

    aggregate = aggr

    def __sub__(self, other: Any) -> Any:
        raise DataJointError("dj.U(...) - table produces an infinite set and is not supported.")

    def __mul__(self, other: Any) -> Any:
        raise DataJointError(
            "dj.U(...) * table is no longer supported in DataJoint 2.0.", hint="Use dj.U(...) & table."
        )

    def __repr__(self) -> str:
        return f"U({', '.join(map(repr, self._names))})"
