"""Which functions there are, by name."""

from __future__ import annotations

from datajoint.usertext.aggregates import SUMMARIES
from datajoint.usertext.calls import CALLS
from datajoint.usertext.moments import MOMENTS

ROW_FUNCTIONS = {**CALLS, **MOMENTS}
# Those with words of their own between the parentheses.
SPECIAL = frozenset({
    "cast", "extract", "substring", "trim", "timestampdiff", "timestampadd", "date_add", "date_sub", "adddate", "subdate",
    "group_concat", "string_agg",
})  # fmt: skip
FUNCTIONS = frozenset(ROW_FUNCTIONS) | frozenset(SUMMARIES) | SPECIAL
