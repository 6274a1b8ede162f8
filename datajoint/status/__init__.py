"""Where the work stands: of whole tables in one statement, and of each row of an expression in every table below it."""

from datajoint.status.cells import STATES, Cell, State
from datajoint.status.live import TableCounts
from datajoint.status.matrix import Column, Page, StatusMatrix
from datajoint.status.reasons import KeyReason, Reasons

__all__ = ["STATES", "Cell", "Column", "KeyReason", "Page", "Reasons", "State", "StatusMatrix", "TableCounts"]
