"""Tell statements that surely change nothing from all others."""

from __future__ import annotations

import re
from functools import lru_cache

_OPAQUE = re.compile(r"""'(?:[^'\\]|''|\\.)*'|"(?:[^"]|"")*"|`(?:[^`]|``)*`""", re.DOTALL)
_READING = re.compile(r"[\s(]*(SELECT|SHOW|DESCRIBE|DESC|VALUES|EXPLAIN(?!\s*(?:\(|ANALY[SZ]E\b)))\b", re.IGNORECASE)
# Locks, copies into tables and variables, assignments, comments (which MySQL may carry out), further statements.
_DOUBTFUL = re.compile(
    r"\bINTO\b|\bFOR\s+(?:NO\s+KEY\s+UPDATE|UPDATE|KEY\s+SHARE|SHARE)\b|\bLOCK\s+IN\b|\bPROCEDURE\b|:=|/\*|--|\#|;\s*\S|\$\w*\$",
    re.IGNORECASE,
)
_CALL = re.compile(r"([\w$]+)\s*\(")
_HARMLESS = frozenset(
    """
    all and any as array between by case cast coalesce distinct else end except exists filter from greatest group having if ifnull
    in inner intersect interval is join key lateral least left like limit not nullif on or order over partition regexp right row
    select some table then union using values when where with within
    abs acos age array_agg array_length asin atan atan2 avg bit_and bit_count bit_length bit_or bit_xor bool_and bool_or btrim
    ceil ceiling char char_length character_length chr concat concat_ws conv convert cos cot count cume_dist curdate current_date
    current_time current_timestamp curtime date date_add date_format date_part date_sub date_trunc datediff datetime day dayname
    dayofmonth dayofweek dayofyear decode degrees dense_rank div elt encode every exp extract field find_in_set first_value floor
    format from_base64 from_days from_unixtime generate_series glob group_concat hex hour iif initcap instr julianday lag
    last_day last_value lead length ln localtime localtimestamp locate log log10 log2 lower lpad ltrim make_date make_interval
    makedate max md5 microsecond mid min minute mod month monthname now nth_value ntile octet_length ord percent_rank
    percentile_cont percentile_disc pi position pow power quarter quote radians rank regexp_like regexp_replace regexp_substr
    repeat replace reverse round row_number rpad rtrim second sec_to_time sha1 sha2 sha256 sign sin soundex space split_part sqrt
    sleep pg_sleep std stddev stddev_pop stddev_samp str_to_date strcmp strftime string_agg substr substring substring_index sum sysdate tan time
    time_format time_to_sec timediff timestamp timestampadd timestampdiff to_base64 to_char to_date to_days to_number
    to_timestamp total translate trim trunc truncate typeof unhex unicode unix_timestamp unixepoch unnest upper utc_date
    utc_time utc_timestamp uuid var_pop var_samp variance version week weekday weekofyear year yearweek
    clock_timestamp statement_timestamp transaction_timestamp current_schema current_user database user rand random
    json_array json_array_length json_contains json_each json_equals json_extract json_keys json_length json_object json_search
    json_table json_tree json_type json_unquote json_valid json_value jsonb_array_elements jsonb_array_length
    jsonb_extract_path jsonb_extract_path_text jsonb_typeof json_agg jsonb_agg to_json to_jsonb
    bigint binary decimal double float int integer numeric real text varchar signed unsigned timestamptz bytea
    """.split()
)
_OURS = "dj_"  # functions that the library adds to SQLite


@lru_cache(maxsize=512)
def is_plain_read(text: str) -> bool:
    """Tell whether a statement only reads, takes no lock and has no other effect; False where in doubt."""
    bare = _OPAQUE.sub("''", text)
    if not _READING.match(bare) or _DOUBTFUL.search(bare):
        return False
    return all(name in _HARMLESS or name.startswith(_OURS) for name in map(str.lower, _CALL.findall(bare)))
