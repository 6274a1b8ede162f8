"""What every expression is to the modules that take expressions apart: a node on a connection."""

from __future__ import annotations

from typing import TYPE_CHECKING

from datajoint.errors import DataJointError

if TYPE_CHECKING:
    from datajoint.connection import Connection
    from datajoint.expression.nodes import Node


class Operand:
    """An object that denotes a set of rows; base of `QueryExpression`."""

    @property
    def connection(self) -> Connection:
        """The connection on which the rows live."""
        raise NotImplementedError(f"{type(self).__name__} has no connection")

    @property
    def _node(self) -> Node:
        raise NotImplementedError(f"{type(self).__name__} has no node")


def as_operand(value: object) -> Operand | None:
    """Return `value` as an operand, a table class as an instance of it; None for anything else."""
    if isinstance(value, type) and issubclass(value, Operand):
        return value()
    return value if isinstance(value, Operand) else None


def check_connection(left: Operand, right: Operand) -> None:
    """Refuse operands on different connections.

    Raises
    ------
    DataJointError
    """
    if left.connection is not right.connection:
        raise DataJointError(
            "Cannot operate on expressions from different connections.",
            hint="Fetch the keys of one (`.keys()`) and restrict the other by them.",
        )
