"""What users' SQL text means, on three rows of a table with one attribute of each kind.

The third row is NULL wherever it can be. Each example lists what the rows yield, in order of `id`.
"""

from __future__ import annotations

import datetime as dt
import math
import uuid
from decimal import Decimal
from typing import Any

DEFINITION = """
id : int32
---
n = null : int32
big = null : int64
f = null : float32
d = null : float64
m = null : decimal(6,2)
flag : bool
c = null : char(5)
v = null : varchar(20)
e = null : enum('low','mid','high')
day = null : date
at = null : datetime
at3 = null : datetime(3)
u = null : uuid
j = null : json
key : int16
tm = null : time
raw = null : bytes
w = null : decimal(30,10)
pos = null : int unsigned
"""

ROWS: list[dict[str, Any]] = [
    {
        "id": 1, "n": 7, "big": 5_000_000_000, "f": 0.1, "d": 2.5, "m": Decimal("12.50"), "flag": True, "c": "ab", "v": "a%b",
        "e": "mid", "day": dt.date(2024, 1, 31), "at": dt.datetime(2024, 2, 29, 10, 20, 30),
        "at3": dt.datetime(2024, 1, 31, 23, 59, 59, 500_000), "u": uuid.UUID(int=1),
        "j": {"a": 1, "b": {"x": [10, 20.5]}, "s": "txt", "t": True, "z": None}, "key": 1,
        "tm": dt.timedelta(hours=10, minutes=20, seconds=30), "raw": b"\x00\xff", "w": Decimal("12345678901234567890.0123456789"), "pos": 4_000_000_000,
    },
    {
        "id": 2, "n": -7, "big": -3, "f": 1.5, "d": -2.5, "m": Decimal("-0.75"), "flag": False, "c": "it", "v": "it's \\ Xé",
        "e": "low", "day": dt.date(2023, 12, 1), "at": dt.datetime(2023, 12, 1), "at3": dt.datetime(2023, 12, 1),
        "u": uuid.UUID(int=2), "j": {"a": 22, "s": "10"}, "key": 2,
        "tm": dt.timedelta(0), "raw": b"", "w": Decimal("-0.5"), "pos": 1,
    },
    {"id": 3, "flag": False, "key": 3},
]  # fmt: skip

# condition -> ids of the rows for which it holds
CONDITIONS: dict[str, set[int]] = {
    # literals take the attribute's type
    "n = 7": {1}, "n = '7'": {1}, "n = ' 7.0 '": {1}, "n = 7.5": set(), "n < 7.5": {1, 2}, "n > -7.5": {1, 2}, "7 = n": {1},
    "7 > n": {2}, "n <> 7": {2}, "n != 7": {2}, "n < 100000000000000000000": {1, 2}, "n = 100000000000000000000": set(),
    "NOT n = 100000000000000000000": {1, 2}, "big = 5e9": {1}, "f = 0.1": {1}, "f < 0.2": {1}, "d = '2.5'": {1},
    "m = 12.5": {1}, "m = 12.501": set(), "m > 12.499": {1}, "m = '-.75'": {2}, "flag": {1}, "not flag": {2, 3},
    "flag = 1": {1}, "flag = 'true'": {1}, "flag = false": {2, 3}, "flag <> TRUE": {2, 3}, "flag = 2": set(),
    "flag is true": {1}, "flag is not true": {2, 3}, "flag <=> true": {1}, "flag in (0)": {2, 3}, "c = 'ab   '": {1},
    "v = 'a%b'": {1}, 'v = "a%b"': {1}, "v = 'it''s \\\\ Xé'": {2}, 'v = "it\'s \\\\ Xé"': {2}, "v = 'A%B'": set(),
    "v > 'b'": {2}, "e = 'mid'": {1}, "e = 'MID'": set(), "e <> 'none'": {1, 2}, "e < 'm'": {2}, "e > 'lox'": {1},
    "day = '2024-1-31'": {1}, "day = '20240131'": {1}, "day >= '2023-12-01'": {1, 2}, "day = '2024-01-31 12:00:00'": set(),
    "day < '2024-01-31 00:00:01'": {1, 2}, "day = date '2024-01-31'": {1}, "at = '2023-12-01'": {2},
    "at > timestamp '2024-02-29 10:20:29'": {1}, "at3 = '2024-01-31 23:59:59.5'": {1},
    "u = '00000000-0000-0000-0000-000000000001'": {1}, "u > '00000000000000000000000000000001'": {2},
    "tm = '10:20:30'": {1}, "tm > '1:00'": {1}, "hour(tm) = 10 and minute(tm) = 20 and second(tm) = 30": {1},
    "raw = x'00ff'": {1}, "length(raw) = 0": {2}, "w = 12345678901234567890.0123456789": {1}, "w in ('-0.5', 3)": {2},
    # logic
    "n": {1, 2}, "n and d": {1, 2}, "id = 1 or id = 2 and n > 0": {1}, "(id = 1 or id = 2) and n < 0": {2},
    "id = 1 xor flag": set(), "id = 2 XOR flag": {1, 2}, "not (id = 1 or id = 3)": {2}, "!(id = 1)": {2, 3},
    "id = 1 && n = 7": {1}, "TRUE": {1, 2, 3}, "FALSE": set(), "null": set(), "1 = 1": {1, 2, 3}, "1": {1, 2, 3},
    "n is null": {3}, "n IS NOT NULL": {1, 2}, "n = null": set(), "n <=> null": {3}, "n <=> 7": {1}, "not n <=> 7": {2, 3},
    "(n > 0) is unknown": {3}, "(n > 0) is not true": {2, 3}, "isnull(n)": {3}, "n > 0 = true": {1}, "flag = (n > 0)": {1, 2},
    "n <=> -big": {3}, "v <=> c": {3},
    # rows in parentheses
    "(n, id) = (7, 1)": {1}, "(n, id) <> (7, 1)": {2, 3}, "(id, v) in ((1, 'a%b'), (2, 'x'))": {1},
    "(id, n) not in ((1, 7), (9, 9))": {2, 3}, "(id, e) = (1, 'other')": set(), "not (id, n) in ((1, 7), (2, 7))": {2, 3},
    "(n, id) = (null, 3)": set(), "(id, n) in ((n - 6, '7'))": {1},
    # lists and ranges
    "n in (1, 7, 7.5)": {1}, "n not in (7)": {2}, "n in (7, null)": {1}, "n not in (7, null)": set(), "n in ('7', -7)": {1, 2},
    "v in ('x', 'a%b')": {1}, "e in ('high', 'other')": set(), "n in (big, 7)": {1},
    "n between -7 and 0": {2}, "n not between -7 and 0": {1}, "v between 'a' and 'b'": {1}, "id between 1 and 2": {1, 2},
    "day between '2024-01-01' and '2024-12-31'": {1}, "`day` between '2024-01-01' and '2024-12-31'": {1},
    "day between date '2024-01-31' - interval 30 day and '2024-01-31'": {1}, "day is NULL": {3},
    # patterns
    "v like 'a%'": {1}, "v like 'A%'": set(), "v like 'a\\%_'": {1}, "v like 'a|%b' escape '|'": {1}, "v not like 'a%'": {2},
    "v like '%\\\\\\\\%'": {2}, "n like '7%'": {1}, "n like '-%'": {2}, "c like 'ab'": {1}, "v ilike 'A%'": {1},
    "v like '_%%'": {1, 2}, "v regexp '^a.b$'": {1}, "v rlike '^A'": set(), "v not regexp '^a'": {2}, "day like '2024-%'": {1},
    # attributes against attributes
    "n = key + 6": {1}, "n > d": {1}, "m > n": {1, 2}, "f < n": {1}, "at > day": {1}, "at = day": {2}, "at3 = at": {2},
    "c = v": set(), "e <> v": {1, 2}, "n < big": {1, 2},
    # names
    "N = 7": {1}, "key = 1": {1}, "`key` = 1": {1}, "t.s.n = 7": {1},
    # JSON
    "j->>'$.a' = 1": {1}, "j->'$.a' > 20": {2}, "j->>'$.s' = 'txt'": {1}, "j->'$.s' = 'txt'": {1}, "j->>'$.t' = true": {1},
    "j->>'$.b.x[1]' = 20.5": {1}, "json_value(j, '$.z') is null": {1, 2, 3}, "j->>'$.s' in ('10', 'x')": {2},
    "json_unquote(json_extract(j, '$.s')) = 'txt'": {1}, "j->>'b'->>'x'->>1 = 20.5": {1}, "j->>'$.a' + 1 = 23": {2}, "j->>'$.s' > 5": {2}, "j->>'$.s' < 5": set(), "j->>'$.t' < 5": {1}, "j->>'$.b' = 0": set(),
    "not j->>'$.b' = 0": set(),
    "j->>'$.s' is not null": {1, 2},
    # functions and arithmetic
    "n % 2 = 1": {1}, "n %% 2 = -1": {2}, "abs(n) = 7": {1, 2}, "year(day) = 2024": {1}, "date(at) = '2024-02-29'": {1},
    "if(flag, n, big) = -3": {2}, "case when n > 0 then v else c end = 'it'": {2}, "length(v) > 8": {2},
    "now() > day": {1, 2}, "curdate() > '2020-01-01'": {1, 2, 3}, "day < current_date": {1, 2}, "at < CURRENT_TIMESTAMP": {1, 2},
}  # fmt: skip

# expression -> what the three rows yield
EXPRESSIONS: dict[str, tuple[Any, Any, Any]] = {
    "3": (3, 3, 3), "1.5": (1.5, 1.5, 1.5), "'human'": ("human",) * 3, '"human"': ("human",) * 3, "NULL": (None,) * 3,
    "true": (True,) * 3, "-5": (-5,) * 3, "'a%b'": ("a%b",) * 3,
    # comparisons are truth values
    "n > 0": (True, False, None), "n is null": (False, False, True), "flag or n < 0": (True, True, None),
    "v like 'a%'": (True, False, None), "not flag": (False, True, True), "n in (7)": (True, False, None),
    # arithmetic
    "n + 1": (8, -6, None), "n + n": (14, -14, None), "n * 1000000000": (7_000_000_000, -7_000_000_000, None),
    "n - 0.5": (6.5, -7.5, None), "n / 2": (3.5, -3.5, None), "1 / 3 * 3": (1.0,) * 3, "n / (n - 7)": (None, 0.5, None),
    "n DIV 2": (3, -3, None), "n % 4": (3, -3, None), "mod(n, 4)": (3, -3, None), "n % (n - 7)": (None, -7, None),
    "d % 2": (0.5, -0.5, None), "d div 2": (1, -1, None), "-n": (-7, 7, None), "flag + 1": (2, 1, 1), "n + '1'": (8, -6, None),
    "m + m": (Decimal("25.00"), Decimal("-1.50"), None), "m * 2": (Decimal("25.00"), Decimal("-1.50"), None), "m * 1.5": (Decimal("18.750"), Decimal("-1.125"), None),
    "m * m": (Decimal("156.2500"), Decimal("0.5625"), None), "m - 1": (Decimal("11.50"), Decimal("-1.75"), None), "m / 4": (3.125, -0.1875, None),
    "m % 5": (Decimal("2.50"), Decimal("-0.75"), None), "f * 2": (0.20000000298023224, 3.0, None), "d * n": (17.5, 17.5, None),
    "n - -1": (8, -6, None), "-1 * pos": (-4_000_000_000, -1, None), "key - pos": (-3_999_999_999, 1, None), "-key * year(day)": (-2024, -4046, None),
    "2 * (n + 1)": (16, -12, None),
    # functions of numbers
    "abs(d)": (2.5, 2.5, None), "ceil(d)": (3.0, -2.0, None), "floor(m)": (12, -1, None), "sign(n)": (1, -1, None),
    "round(d)": (2.0, -2.0, None), "round(m, 1)": (Decimal("12.5"), Decimal("-0.8"), None), "round(d * 1.1, 1)": (2.8, -2.8, None),
    "round(n, -1)": (10, -10, None), "sqrt(n + 2)": (3.0, None, None), "pow(n, 2)": (49.0, 49.0, None),
    "log2(id * 0 + 8)": (3.0, 3.0, 3.0), "ln(n - 6)": (0.0, None, None), "log10(100)": (2.0,) * 3, "log(2, 8)": (3.0,) * 3,
    "exp(n - n)": (1.0, 1.0, None), "greatest(n, 0)": (7, 0, None), "least(n, d)": (2.5, -7.0, None),
    "greatest(v, 'b')": ("b", "it's \\ Xé", None),
    # text
    "concat(c, '-', n)": ("ab-7", "it--7", None), "concat(flag, day, '|', m)": ("12024-01-31|12.50", "02023-12-01|-0.75", None),
    "concat(at, '/', at3)": ("2024-02-29 10:20:30/2024-01-31 23:59:59.500", "2023-12-01 00:00:00/2023-12-01 00:00:00.000", None),
    "concat('', u)": (str(uuid.UUID(int=1)), str(uuid.UUID(int=2)), None), "c || '!'": ("ab!", "it!", None),
    "concat(d, ' ', f)": ("2.5 0.1", "-2.5 1.5", None), "cast(d * 2 as char)": ("5", "-5", None), "concat(n / 7, '')": ("1", "-1", None),
    "concat(tm, '')": ("10:20:30", "00:00:00", None), "concat(w, '')": ("12345678901234567890.0123456789", "-0.5000000000", None),
    "e || ''": ("mid", "low", None), "length(v)": (3, 10, None), "char_length(v)": (3, 9, None), "char_length(c)": (2, 2, None),
    "substr(v, 2)": ("%b", "t's \\ Xé", None), "substr(v, 2, 1)": ("%", "t", None), "substring(v from 1 for 2)": ("a%", "it", None),
    "substr(v, -2)": ("%b", "Xé", None), "substr(v, -4, 2)": ("", "\\ ", None), "substr(v, 0)": ("", "", None),
    "substr(v, id, 1)": ("a", "t", None), "left(v, 2)": ("a%", "it", None), "left(v, n)": ("a%b", "", None),
    "right(v, 2)": ("%b", "Xé", None), "right(v, n)": ("a%b", "", None), "trim(' x ')": ("x",) * 3, "ltrim(' x ')": ("x ",) * 3,
    "rtrim(' x ')": (" x",) * 3, "trim(both 'a' from v)": ("%b", "it's \\ Xé", None), "trim(leading 'a' from v)": ("%b", "it's \\ Xé", None),
    "upper(c)": ("AB", "IT", None), "lower('ABC')": ("abc",) * 3, "replace(v, '%', '')": ("ab", "it's \\ Xé", None),
    "replace(c, 'z', v)": ("ab", "it", None), "replace(c, 'z', nullif(v, v))": (None, None, None), "cast(e as signed)": (0, 0, None),
    "lpad(n, 3, '0')": ("007", "0-7", None), "rpad(c, 4, 'xy')": ("abxy", "itxy", None), "lpad(v, 1, ' ')": ("a", "i", None),
    "locate('b', v)": (3, 0, None), "instr(v, 'b')": (3, 0, None), "position('b' in v)": (3, 0, None), "reverse(c)": ("ba", "ti", None),
    # choices
    "if(n > 0, 'up', 'down')": ("up", "down", "down"), "if(flag, n, d)": (7.0, -2.5, None), "ifnull(n, 0)": (7, -7, 0),
    "coalesce(n, big, 5)": (7, -7, 5), "nullif(n, 7)": (None, -7, None), "nullif(v, c)": ("a%b", "it's \\ Xé", None),
    "case when n > 0 then 1 when n < 0 then 2.5 end": (1.0, 2.5, None), "case e when 'mid' then 'm' when 'no' then 'n' else c end": ("m", "it", None),
    "case n when 7 then day else '2000-01-01' end": (dt.date(2024, 1, 31), dt.date(2000, 1, 1), dt.date(2000, 1, 1)),
    "if(n > 0, day, at)": (dt.datetime(2024, 1, 31), dt.datetime(2023, 12, 1), None), "if(flag, flag, 0)": (True, False, False),
    "if(flag, m, n)": (Decimal("12.50"), Decimal("-7.00"), None), "greatest(m, key)": (Decimal("12.50"), Decimal("2.00"), None),
    "coalesce(e, 'none')": ("mid", "low", "none"), "if(flag, 1, 'x')": ("1", "x", "x"), "coalesce(m, 0)": (Decimal("12.50"), Decimal("-0.75"), Decimal("0.00")),
    # casts
    "cast(n as char)": ("7", "-7", None), "cast(v as signed)": (0, 0, None), "cast('12ab' as signed)": (12,) * 3,
    "cast(d as signed)": (2, -2, None), "cast(m as signed)": (13, -1, None), "cast(d as decimal(6,1))": (Decimal("2.5"), Decimal("-2.5"), None),
    "cast('2.345' as decimal(6,2))": (Decimal("2.35"),) * 3, "cast(n as double)": (7.0, -7.0, None), "at::date": (dt.date(2024, 2, 29), dt.date(2023, 12, 1), None),
    "cast(day as datetime)": (dt.datetime(2024, 1, 31), dt.datetime(2023, 12, 1), None), "n::text": ("7", "-7", None),
    "cast('2024-01-05' as date)": (dt.date(2024, 1, 5),) * 3, "cast(v as char(1))": ("a", "i", None), "cast(n as bool)": (True, True, None),
    # dates and times
    "year(day)": (2024, 2023, None), "month(at)": (2, 12, None), "day(at)": (29, 1, None), "hour(at)": (10, 0, None),
    "hour(day)": (0, 0, None), "minute(at)": (20, 0, None), "second(at3)": (59, 0, None), "quarter(day)": (1, 4, None),
    "dayofweek(day)": (4, 6, None), "weekday(day)": (2, 4, None), "dayofyear(at)": (60, 335, None),
    "extract(year from at)": (2024, 2023, None), "date(at)": (dt.date(2024, 2, 29), dt.date(2023, 12, 1), None),
    "datediff(at, day)": (29, 0, None), "datediff('2024-03-01', day)": (30, 91, None),
    "timestampdiff(day, day, at)": (29, 0, None), "timestampdiff(hour, at, day)": (-706, 0, None),
    "timestampdiff(second, at, '2024-02-29 10:20:31')": (1, 7_813_231, None), "timestampdiff(month, day, at)": (0, 0, None),
    "timestampdiff(month, day, '2024-03-01')": (1, 3, None), "timestampdiff(year, at, '2025-02-28')": (0, 1, None),
    "timestampdiff(quarter, day, '2024-12-31')": (3, 4, None), "timestampdiff(week, day, '2024-02-14')": (2, 10, None),
    "timestampdiff(minute, at, at3)": (-40940, 0, None),
    "day + interval 1 day": (dt.date(2024, 2, 1), dt.date(2023, 12, 2), None), "day + interval 1 month": (dt.date(2024, 2, 29), dt.date(2024, 1, 1), None),
    "day - interval 1 year": (dt.date(2023, 1, 31), dt.date(2022, 12, 1), None), "interval 2 week + day": (dt.date(2024, 2, 14), dt.date(2023, 12, 15), None),
    "day + interval 90 minute": (dt.datetime(2024, 1, 31, 1, 30), dt.datetime(2023, 12, 1, 1, 30), None),
    "at - interval n hour": (dt.datetime(2024, 2, 29, 3, 20, 30), dt.datetime(2023, 12, 1, 7), None),
    "at3 + interval 1 second": (dt.datetime(2024, 2, 1, 0, 0, 0, 500_000), dt.datetime(2023, 12, 1, 0, 0, 1), None),
    "date_add(day, interval 1 quarter)": (dt.date(2024, 4, 30), dt.date(2024, 3, 1), None), "timestampadd(day, -1, day)": (dt.date(2024, 1, 30), dt.date(2023, 11, 30), None),
    "date_sub(at, interval 1 month)": (dt.datetime(2024, 1, 29, 10, 20, 30), dt.datetime(2023, 11, 1), None),
    "date_format(at, '%Y/%m/%d %H-%i-%s')": ("2024/02/29 10-20-30", "2023/12/01 00-00-00", None),
    "date_format(at, '%e. %M %y, %W %l%p 100%%')": ("29. February 24, Thursday 10AM 100%", "1. December 23, Friday 12AM 100%", None),
    "date_format(at, '%d%a%b%j')": ("29ThuFeb060", "01FriDec335", None),
    # JSON
    "j->>'$.s'": ("txt", "10", None), "j->>'$.t'": ("true", None, None), "j->>'$.z'": (None, None, None),
    "j->>'$.b.x[0]'": ("10", None, None), "json_value(j, '$.a')": ("1", "22", None),
}  # fmt: skip

# summary of all rows -> value
SUMMARIES: dict[str, Any] = {
    "count(*)": 3, "count(n)": 2, "count(distinct flag)": 2, "sum(n)": 0, "sum(big)": 4_999_999_997, "sum(flag)": 1, "sum(n > 0)": 1,
    "sum(n = 7) + 1": 2, "sum(m)": Decimal("11.75"), "sum(d)": 0.0, "sum(f)": 1.6000000014901161, "avg(n)": 0.0, "avg(id)": 2.0,
    "avg(flag)": 1 / 3, "avg(m)": 5.875, "min(n)": -7, "max(v)": "it's \\ Xé", "min(v)": "a%b",
    "min(e)": "low", "max(e)": "mid", "max(flag)": True, "min(day)": dt.date(2023, 12, 1), "max(at3)": dt.datetime(2024, 1, 31, 23, 59, 59, 500_000),
    "max(u)": uuid.UUID(int=2), "max(m)": Decimal("12.50"), "min(f)": 0.1, "std(n)": 7.0, "stddev(id)": math.sqrt(2 / 3), "variance(n)": 49.0,
    "var_samp(id)": 1.0, "stddev_samp(id)": 1.0, "round(avg(id) / 3, 2)": 0.67, "sum(n * 0 + 0.5)": 1.0, "max(n) - min(n)": 14,
    "group_concat(v order by v)": "a%b,it's \\ Xé", "group_concat(id order by id desc separator ';')": "3;2;1",
    "group_concat(distinct flag order by flag desc)": "1,0", "group_concat(e order by e desc)": "mid,low",
    "group_concat(id order by n, id desc separator '')": "321", "string_agg(v, '; ' order by id)": "a%b; it's \\ Xé",
    "group_concat(distinct key order by key)": "1,2,3", "group_concat(m order by m)": "-0.75,12.50",
    "group_concat(j->>'$.none')": None, "if(count(n) > 1, 'many', 'few')": "many", "count(if(n > 0, 1, null))": 1,
    "count(distinct v) = 2": True, "sum(n) / count(*)": 0.0, "coalesce(sum(n), 5)": 0, "group_concat(day order by day)": "2023-12-01,2024-01-31",
}  # fmt: skip
