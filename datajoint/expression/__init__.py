"""Query expressions: the relational algebra over tables, and fetching of its results."""

from datajoint.expression.expression import Aggregation, QueryExpression, Union
from datajoint.expression.near import Near
from datajoint.expression.top import AndList, Not, Top
from datajoint.expression.universal import U

__all__ = ["Aggregation", "AndList", "Near", "Not", "QueryExpression", "Top", "U", "Union"]
