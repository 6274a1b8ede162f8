"""The definition language: text to a table in the database, and back.

`grammar` reads the text, `resolve` gives its names and types a meaning, `create` makes the table, `stored` reads a
table's heading and `describe` its definition. `difference` compares both, `alter` makes the table follow its definition.
"""

from datajoint.declare.alter import AlterPlan, plan_alter
from datajoint.declare.create import create_table
from datajoint.declare.describe import describe
from datajoint.declare.grammar import ParsedDefinition, parse_definition
from datajoint.declare.reference import Referent
from datajoint.declare.resolve import resolve
from datajoint.declare.stored import read_heading

__all__ = [
    "AlterPlan",
    "ParsedDefinition",
    "Referent",
    "create_table",
    "describe",
    "parse_definition",
    "plan_alter",
    "read_heading",
    "resolve",
]
