"""Tables: expressions that stand for a table of the database and can be written to."""

from datajoint.table.free import FreeTable
from datajoint.table.meta import TableMeta
from datajoint.table.part import Part
from datajoint.table.table import Table
from datajoint.table.user_table import UserTable

__all__ = ["FreeTable", "Part", "Table", "TableMeta", "UserTable"]
