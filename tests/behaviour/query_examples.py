"""Worked examples of the query language over the tables of `lab`: expression and what it must give."""

from __future__ import annotations

from typing import Any, NamedTuple


class Rows(NamedTuple):
    """Key, heading (None: not compared) and rows; only key values if `keys_only`; in order if `ordered`."""

    primary_key: tuple[str, ...]
    names: tuple[str, ...] | None
    rows: list[tuple[Any, ...]]
    keys_only: bool = False
    ordered: bool = False


class Raises(NamedTuple):
    """The error's class and a part of its text."""

    error: str
    text: str


EXAMPLES: dict[str, tuple[str, Any]] = {
    "R1": (
        "Subject & {'species': 'mouse'}",
        Rows(
            ("subject_id",),
            ("subject_id", "species", "sex", "weight"),
            [(1, "mouse", "M", 20.5), (2, "mouse", "F", 18.0)],
        ),
    ),
    "R2": ("Subject & {'species': 'mouse', 'zzz': 5}", Rows(("subject_id",), None, [(1,), (2,)], keys_only=True)),
    "R3": ("Subject & {'zzz': 5}", Rows(("subject_id",), None, [(1,), (2,), (3,), (4,)], keys_only=True)),
    "R4": ("Subject - {'zzz': 5}", Rows(("subject_id",), None, [], keys_only=True)),
    "R5": ("Subject & []", Rows(("subject_id",), None, [], keys_only=True)),
    "R6": ("Subject - []", Rows(("subject_id",), None, [(1,), (2,), (3,), (4,)], keys_only=True)),
    "R7": (
        "Subject & [{'subject_id': 1}, \"species = 'rat'\"]",
        Rows(("subject_id",), None, [(1,), (3,), (4,)], keys_only=True),
    ),
    "R8": ("Subject - [{'subject_id': 1}, \"species = 'rat'\"]", Rows(("subject_id",), None, [(2,)], keys_only=True)),
    "R9": (
        "Subject & dj.AndList([\"species = 'rat'\", {'sex': 'M'}])",
        Rows(("subject_id",), None, [(3,)], keys_only=True),
    ),
    "R10": ("Subject & dj.AndList([])", Rows(("subject_id",), None, [(1,), (2,), (3,), (4,)], keys_only=True)),
    "R11": ("Subject & [[]]", Rows(("subject_id",), None, [], keys_only=True)),
    "R12": ("Subject & [{}]", Rows(("subject_id",), None, [(1,), (2,), (3,), (4,)], keys_only=True)),
    "R13": (
        "Subject & [dj.AndList([\"species = 'rat'\", {'sex': 'M'}]), {'subject_id': 2}]",
        Rows(("subject_id",), None, [(2,), (3,)], keys_only=True),
    ),
    "R14": (
        "Subject & dj.Not([{'subject_id': 1}, {'subject_id': 2}])",
        Rows(("subject_id",), None, [(3,), (4,)], keys_only=True),
    ),
    "R15": ("Subject & dj.Not(dj.Not({'subject_id': 1}))", Rows(("subject_id",), None, [(1,)], keys_only=True)),
    "R16": ("Subject & None", Raises("DataJointError", "Invalid restriction type")),
    "R17": ("Subject & {'weight': None}", Rows(("subject_id",), None, [(3,)], keys_only=True)),
    "R18": ("Subject - {'weight': 18.0}", Rows(("subject_id",), None, [(1,), (4,)], keys_only=True)),
    "R19": ("Subject & Session", Rows(("subject_id",), None, [(1,), (2,), (3,)], keys_only=True)),
    "R20": ("Subject - Session", Rows(("subject_id",), None, [(4,)], keys_only=True)),
    "R21": ("Subject & Rig", Rows(("subject_id",), None, [(1,), (2,), (3,), (4,)], keys_only=True)),
    "R22": ("Subject & (Rig & 'room = 0')", Rows(("subject_id",), None, [], keys_only=True)),
    "R23": ("Subject - Rig", Rows(("subject_id",), None, [], keys_only=True)),
    "R24": ("Subject & Alien", Raises("DataJointError", "different lineages")),
    "R25": ("Subject().restrict(Alien, semantic_check=False)", Rows(("subject_id",), None, [(1,)], keys_only=True)),
    "R26": ("Subject & Alien.to_dicts()", Rows(("subject_id",), None, [(1,)], keys_only=True)),
    "R27": ("Session & Session", Raises("DataJointError", "lineage missing")),
    "R28": (
        "Session & Session.proj()",
        Rows(("subject_id", "session"), None, [(1, 1), (1, 2), (2, 1), (3, 1)], keys_only=True),
    ),
    "R29": ("Session & {'note': 'a%b'}", Rows(("subject_id", "session"), None, [(1, 1)], keys_only=True)),
    "R30": ("Session & \"note like 'a%'\"", Rows(("subject_id", "session"), None, [(1, 1)], keys_only=True)),
    "R31": ("Session & {'note': \"it's\"}", Rows(("subject_id", "session"), None, [(2, 1)], keys_only=True)),
    "R32": ("Session & {'note': 'back\\\\slash'}", Rows(("subject_id", "session"), None, [(3, 1)], keys_only=True)),
    "R33": ("SessionRig & Rig", Rows(("subject_id", "session"), None, [(1, 1), (2, 1)], keys_only=True)),
    "R34": ("SessionRig - Rig", Rows(("subject_id", "session"), None, [(1, 2)], keys_only=True)),
    "R35": ("Rig - SessionRig", Rows(("rig",), None, [("r3",)], keys_only=True)),
    "R36": (
        "Session & (Subject & dj.Top(2))",
        Rows(("subject_id", "session"), None, [(1, 1), (1, 2), (2, 1)], keys_only=True),
    ),
    "R37": (
        "Subject & ((Subject & 'subject_id=1').proj() + (Subject & 'subject_id=3').proj())",
        Rows(("subject_id",), None, [(1,), (3,)], keys_only=True),
    ),
    "R38": (
        "Subject & pd.DataFrame({'subject_id': [1, 3]})",
        Rows(("subject_id",), None, [(1,), (3,)], keys_only=True),
    ),
    "R39": ("Subject & pd.DataFrame({'subject_id': []})", Rows(("subject_id",), None, [], keys_only=True)),
    "R40": ("Subject & Subject.proj('sex').to_arrays()[0]", Rows(("subject_id",), None, [(1,)], keys_only=True)),
    "R41": ("Subject & 'zzz = 1'", Raises("DataJointError", "is not found in query")),
    "R42": ("Subject.proj() & \"species = 'rat'\"", Raises("DataJointError", "is not found in query")),
    "R43": ("(Subject & \"species = 'rat'\").proj()", Rows(("subject_id",), None, [(3,), (4,)], keys_only=True)),
    "R44": (
        "Subject & 'subject_id=1 or subject_id=2' & 'subject_id < 2'",
        Rows(("subject_id",), None, [(1,)], keys_only=True),
    ),
    "R45": ("Doc & {'j.a': 1}", Rows(("id",), None, [(1,)], keys_only=True)),
    "R46": ("Doc & {'j.n.x[2].k': 'v'}", Rows(("id",), None, [(1,)], keys_only=True)),
    "R47": ("Doc & {'j.z': None}", Rows(("id",), None, [(1,), (2,)], keys_only=True)),
    "R48": ("Doc & {'j.a:unsigned': 1}", Rows(("id",), None, [(1,)], keys_only=True)),
    "P1": ("Subject.proj()", Rows(("subject_id",), ("subject_id",), [(1,), (2,), (3,), (4,)])),
    "P2": (
        "Subject.proj('weight', 'species')",
        Rows(
            ("subject_id",),
            ("subject_id", "species", "weight"),
            [(1, "mouse", 20.5), (2, "mouse", 18.0), (3, "rat", None), (4, "rat", 300.0)],
        ),
    ),
    "P3": (
        "Subject.proj(..., '-weight', '- sex')",
        Rows(("subject_id",), ("subject_id", "species"), [(1, "mouse"), (2, "mouse"), (3, "rat"), (4, "rat")]),
    ),
    "P4": ("Subject.proj(..., '-subject_id')", Raises("DataJointError", "Cannot exclude primary key attribute")),
    "P5": ("Subject.proj('zzz')", Raises("DataJointError", "not found")),
    "P6": ("Subject.proj(a='zzz')", Raises("DataJointError", "not found")),
    "P7": ("Subject.proj(sid='subject_id')", Rows(("sid",), ("sid",), [(1,), (2,), (3,), (4,)])),
    "P8": (
        "Subject.proj(sid='(subject_id)')",
        Rows(("subject_id", "sid"), ("subject_id", "sid"), [(1, 1), (2, 2), (3, 3), (4, 4)]),
    ),
    "P9": (
        "Subject.proj('species', sp='(species)')",
        Rows(
            ("subject_id",),
            ("subject_id", "species", "sp"),
            [(1, "mouse", "mouse"), (2, "mouse", "mouse"), (3, "rat", "rat"), (4, "rat", "rat")],
        ),
    ),
    "P10": (
        "Subject.proj(species='sex', sex='species')",
        Rows(
            ("subject_id",),
            ("subject_id", "sex", "species"),
            [(1, "mouse", "M"), (2, "mouse", "F"), (3, "rat", "M"), (4, "rat", "U")],
        ),
    ),
    "P11": ("Subject.proj(..., weight='weight*2')", Raises("DataJointError", "already exists")),
    "P12": (
        "Subject.proj(weight='weight*2')",
        Rows(("subject_id",), ("subject_id", "weight"), [(1, 41.0), (2, 36.0), (3, None), (4, 600.0)]),
    ),
    "P13": (
        "Subject.proj(w='weight*2').proj(v='w+1')",
        Rows(("subject_id",), ("subject_id", "v"), [(1, 42.0), (2, 37.0), (3, None), (4, 601.0)]),
    ),
    "P14": (
        "Subject.proj(w='weight*2') & 'w > 40'",
        Rows(("subject_id",), ("subject_id", "w"), [(1, 41.0), (4, 600.0)]),
    ),
    "P15": ("(Subject.proj(a='subject_id') & 'a in (1,2)').proj(b='a')", Rows(("b",), ("b",), [(1,), (2,)])),
    "P16": (
        "Subject.proj(m='subject_id % 2')",
        Rows(("subject_id",), ("subject_id", "m"), [(1, 1), (2, 0), (3, 1), (4, 0)]),
    ),
    "P17": (
        "Subject.proj(k='NULL')",
        Rows(("subject_id",), ("subject_id", "k"), [(1, None), (2, None), (3, None), (4, None)]),
    ),
    "P18": ("(Subject & 'subject_id=1').proj(subject_id='subject_id+1')", Raises("DataJointError", "already exists")),
    "J1": (
        "Subject.proj('species') * Session.proj()",
        Rows(
            ("subject_id", "session"),
            ("subject_id", "session", "species"),
            [(1, 1, "mouse"), (1, 2, "mouse"), (2, 1, "mouse"), (3, 1, "rat")],
        ),
    ),
    "J2": (
        "Session.proj() * Subject.proj('species')",
        Rows(
            ("subject_id", "session"),
            ("subject_id", "session", "species"),
            [(1, 1, "mouse"), (1, 2, "mouse"), (2, 1, "mouse"), (3, 1, "rat")],
        ),
    ),
    "J3": (
        "SessionRig * Rig",
        Rows(
            ("subject_id", "session"), ("subject_id", "session", "rig", "room"), [(1, 1, "r1", 100), (2, 1, "r2", 200)]
        ),
    ),
    "J4": (
        "Rig * SessionRig",
        Rows(
            ("subject_id", "session"), ("subject_id", "session", "rig", "room"), [(1, 1, "r1", 100), (2, 1, "r2", 200)]
        ),
    ),
    "J5": ("XY * N", Rows(("x", "y", "z"), ("x", "y", "z"), [(1, 1, 1), (1, 2, 1), (2, 2, 2)])),
    "J6": ("XY * M", Rows(("x", "z"), ("x", "z", "y"), [(1, 1, 1), (1, 2, 2), (2, 1, 2)])),
    "J7": ("P * Q", Rows(("x", "y"), ("x", "y", "z"), [(1, 1, 1), (1, 2, 2)])),
    "J8": ("Q * P", Rows(("y", "z"), ("y", "z", "x"), [(1, 1, 1), (2, 2, 1)])),
    "J9": ("N * P", Rows(("x", "y"), ("x", "y", "z"), [(1, 1, 1)])),
    "J10": ("Subject * Alien", Raises("DataJointError", "different lineages")),
    "J11": (
        "Subject.proj().join(Alien, semantic_check=False)",
        Rows(("subject_id",), ("subject_id", "other"), [(1, "o1")]),
    ),
    "J12": (
        "Session.proj() * Session.proj(s2='session') & 'session < s2'",
        Rows(("subject_id", "session", "s2"), ("subject_id", "session", "s2"), [(1, 1, 2)]),
    ),
    "J13": (
        "Subject.proj(x='subject_id+0') * Session.proj(x='subject_id+0')",
        Raises("DataJointError", "lineage missing"),
    ),
    "J14": ("Subject.join(Session, left=True)", Raises("DataJointError", "Left join requires")),
    "J15": (
        "Session.proj().extend(SessionRig)",
        Rows(
            ("subject_id", "session"),
            ("subject_id", "session", "rig"),
            [(1, 1, "r1"), (1, 2, None), (2, 1, "r2"), (3, 1, None)],
        ),
    ),
    "J16": (
        "Session.proj().extend(SessionRig & \"rig = 'r1'\")",
        Rows(
            ("subject_id", "session"),
            ("subject_id", "session", "rig"),
            [(1, 1, "r1"), (1, 2, None), (2, 1, None), (3, 1, None)],
        ),
    ),
    "J17": (
        "Session.proj() * (Subject & dj.Top(1)).proj()",
        Rows(("subject_id", "session"), ("subject_id", "session"), [(1, 1), (1, 2)]),
    ),
    "J18": (
        "(Session & dj.Top(2, 'KEY DESC')).proj() * Subject.proj()",
        Rows(("subject_id", "session"), ("subject_id", "session"), [(2, 1), (3, 1)]),
    ),
    "J19": (
        "Subject.proj() * dj.U().aggr(Session, n='count(*)')",
        Rows(("subject_id",), ("subject_id", "n"), [(1, 4), (2, 4), (3, 4), (4, 4)]),
    ),
    "J20": (
        "Marriage * Person.proj(husband='person_id', h_name='name')",
        Rows(("husband", "wife"), ("husband", "wife", "year", "h_name"), [(1, 2, 2001, "al")]),
    ),
    "J21": ("Subject * dj.U('subject_id')", Raises("DataJointError", "no longer supported")),
    "J22": (
        "Rig.proj() * (dj.U('species') & Subject)",
        Rows(
            ("rig", "species"),
            ("rig", "species"),
            [("r1", "mouse"), ("r1", "rat"), ("r2", "mouse"), ("r2", "rat"), ("r3", "mouse"), ("r3", "rat")],
        ),
    ),
    "A1": (
        "Subject.aggr(Session, n='count(*)')",
        Rows(("subject_id",), ("subject_id", "n"), [(1, 2), (2, 1), (3, 1), (4, 1)]),
    ),
    "A2": (
        "Subject.aggr(Session, n='count(session)')",
        Rows(("subject_id",), ("subject_id", "n"), [(1, 2), (2, 1), (3, 1), (4, 0)]),
    ),
    "A3": (
        "Subject.aggr(Session, n='count(*)', exclude_nonmatching=True)",
        Rows(("subject_id",), ("subject_id", "n"), [(1, 2), (2, 1), (3, 1)]),
    ),
    "A4": (
        "Subject.aggr(Session, 'species', n='count(session)')",
        Rows(
            ("subject_id",),
            ("subject_id", "species", "n"),
            [(1, "mouse", 2), (2, "mouse", 1), (3, "rat", 1), (4, "rat", 0)],
        ),
    ),
    "A5": (
        "Subject.aggr(Session & 'session = 1', n='count(session)')",
        Rows(("subject_id",), ("subject_id", "n"), [(1, 1), (2, 1), (3, 1), (4, 0)]),
    ),
    "A6": ("Subject.aggr(Session, n='count(session)') & 'n > 1'", Rows(("subject_id",), ("subject_id", "n"), [(1, 2)])),
    "A7": (
        "Subject & (Subject.aggr(Session, n='count(session)') & 'n > 1')",
        Rows(("subject_id",), None, [(1,)], keys_only=True),
    ),
    "A8": (
        "(Subject.aggr(Session, n='count(session)') & 'n > 1').proj()",
        Rows(("subject_id",), ("subject_id",), [(1,)]),
    ),
    "A9": (
        "Subject.aggr(Session, n='count(session)').proj(m='n*2')",
        Rows(("subject_id",), ("subject_id", "m"), [(1, 4), (2, 2), (3, 2), (4, 0)]),
    ),
    "A10": (
        "Subject.aggr(Session.aggr(Trial, nt='count(trial)'), mx='max(nt)')",
        Rows(("subject_id",), ("subject_id", "mx"), [(1, 3), (2, 1), (3, 0), (4, None)]),
    ),
    "A11": (
        "Rig.aggr(SessionRig, n='count(session)')",
        Rows(("rig",), ("rig", "n"), [("r1", 1), ("r2", 1), ("r3", 0)]),
    ),
    "A12": ("Session.aggr(Rig, n='count(*)')", Raises("DataJointError", "Missing attributes")),
    "A13": (
        "Subject.aggr(Session, sid='subject_id', n='count(session)')",
        Rows(("sid",), ("sid", "n"), [(1, 2), (2, 1), (3, 1), (4, 0)]),
    ),
    "A14": (
        "Subject.aggr(Session & dj.Top(1), n='count(session)')",
        Rows(("subject_id",), ("subject_id", "n"), [(1, 1), (2, 0), (3, 0), (4, 0)]),
    ),
    "A15": (
        "(Subject & dj.Top(1)).aggr(Session, n='count(session)')",
        Rows(("subject_id",), ("subject_id", "n"), [(1, 2)]),
    ),
    "A16": (
        "Subject.aggr(Session, n='count(session)') & dj.Top(2, ['n DESC', 'KEY'])",
        Rows(("subject_id",), ("subject_id", "n"), [(1, 2), (2, 1)], ordered=True),
    ),
    "A17": (
        "dj.U('species').aggr(Subject, n='count(*)')",
        Rows(("species",), ("species", "n"), [("mouse", 2), ("rat", 2)]),
    ),
    "A18": ("dj.U().aggr(Subject, n='count(*)', m='max(weight)')", Rows((), ("n", "m"), [(4, 300.0)])),
    "A19": ("dj.U().aggr(Subject & 'subject_id=99', n='count(*)', m='max(weight)')", Rows((), ("n", "m"), [(0, None)])),
    "A20": ("dj.U().aggr(Subject.aggr(Session, n='count(session)'), m='max(n)')", Rows((), ("m",), [(2,)])),
    "A21": (
        "dj.U('n').aggr(Subject.aggr(Session, n='count(session)'), c='count(*)')",
        Rows(("n",), ("n", "c"), [(0, 1), (1, 2), (2, 1)]),
    ),
    "A22": (
        "dj.U('species').aggr(Subject.proj('species', w='weight*2'), s='sum(w)')",
        Rows(("species",), ("species", "s"), [("mouse", 77.0), ("rat", 600.0)]),
    ),
    "A23": ("dj.U().aggr(Subject & dj.Top(2), c='count(*)')", Rows((), ("c",), [(2,)])),
    "A24": (
        "dj.U().aggr((Subject & 'subject_id=1').proj() + (Subject & 'subject_id=2').proj(), c='count(*)')",
        Rows((), ("c",), [(2,)]),
    ),
    "A25": (
        "dj.U('species').aggr(Subject, n='count(*)') & \"species = 'rat'\"",
        Rows(("species",), ("species", "n"), [("rat", 2)]),
    ),
    "A26": (
        "dj.U('species').aggr(Subject, n='count(*)', exclude_nonmatching=False)",
        Raises("DataJointError", "exclude_nonmatching"),
    ),
    "A27": ("dj.U().aggr(Subject, n='count(*)') & 'n > 1'", Rows((), ("n",), [(4,)])),
    "U1": (
        "(Subject & 'subject_id=1').proj() + (Subject & 'subject_id in (1,2)').proj()",
        Rows(("subject_id",), ("subject_id",), [(1,), (2,)]),
    ),
    "U2": (
        "(Subject & 'subject_id<3').proj('sex') + (Subject & 'subject_id>1').proj('weight')",
        Rows(
            ("subject_id",),
            ("subject_id", "sex", "weight"),
            [(1, "M", None), (2, "F", 18.0), (3, None, None), (4, None, 300.0)],
        ),
    ),
    "U3": (
        "(Subject & 'subject_id=1') + (Subject & 'subject_id=2')",
        Raises("DataJointError", "must not share any secondary"),
    ),
    "U4": ("Subject + Session", Raises("DataJointError", "must share the same primary key")),
    "U5": (
        "((Subject & 'subject_id=1').proj() + (Subject & 'subject_id=3').proj()) & dj.Top(1, 'KEY DESC')",
        Rows(("subject_id",), ("subject_id",), [(3,)], ordered=True),
    ),
    "U6": (
        "((Subject & 'subject_id=1').proj() + (Subject & 'subject_id=3').proj()) * Session.proj()",
        Rows(("subject_id", "session"), ("subject_id", "session"), [(1, 1), (1, 2), (3, 1)]),
    ),
    "U7": (
        "(Subject & 'subject_id=1').proj('sex') + (Subject & 'subject_id=2').proj('weight') + (Subject & 'subject_id=3').proj('species')",
        Rows(
            ("subject_id",),
            ("subject_id", "sex", "weight", "species"),
            [(1, "M", None, None), (2, None, 18.0, None), (3, None, None, "rat")],
        ),
    ),
    "V1": ("dj.U('species') & Subject", Rows(("species",), ("species",), [("mouse",), ("rat",)])),
    "V2": ("dj.U('session') & Session", Rows(("session",), ("session",), [(1,), (2,)])),
    "V3": ("dj.U('weight') & Subject", Rows(("weight",), ("weight",), [(18.0,), (20.5,), (300.0,), (None,)])),
    "V4": ("(dj.U('species') & Subject) & \"species = 'rat'\"", Rows(("species",), ("species",), [("rat",)])),
    "V5": ("dj.U('zzz') & Subject", Raises("DataJointError", "not found")),
    "V6": (
        "(dj.U('species', 'sex') & Subject).proj(x='species')",
        Rows(("x", "sex"), ("x", "sex"), [("mouse", "F"), ("mouse", "M"), ("rat", "M"), ("rat", "U")]),
    ),
    "V7": ("dj.U('species') & (Subject & dj.Top(2))", Rows(("species",), ("species",), [("mouse",)])),
    "V8": ("dj.U('n') & Subject.aggr(Session, n='count(session)')", Rows(("n",), ("n",), [(0,), (1,), (2,)])),
    "V9": ("Subject & dj.U('zzz')", Rows(("subject_id",), None, [(1,), (2,), (3,), (4,)], keys_only=True)),
    "V10": ("dj.U('a') - Subject", Raises("DataJointError", "infinite set")),
    "V11": ("(dj.U('rig') & SessionRig) * Rig", Rows(("rig",), ("rig", "room"), [("r1", 100), ("r2", 200)])),
    "T1": (
        "Session.proj() & dj.Top()",
        Rows(("subject_id", "session"), ("subject_id", "session"), [(1, 1)], ordered=True),
    ),
    "T2": (
        "Session.proj() & dj.Top(2, 'KEY DESC')",
        Rows(("subject_id", "session"), ("subject_id", "session"), [(3, 1), (2, 1)], ordered=True),
    ),
    "T3": (
        "Session.proj() & dj.Top(2, 'KEY', offset=3)",
        Rows(("subject_id", "session"), ("subject_id", "session"), [(3, 1)], ordered=True),
    ),
    "T4": (
        "Subject.proj() & dj.Top(2, 'KEY DESC') & 'subject_id < 4'",
        Rows(("subject_id",), ("subject_id",), [(3,)], ordered=True),
    ),
    "T5": (
        "Subject.proj() & 'subject_id < 4' & dj.Top(2, 'KEY DESC')",
        Rows(("subject_id",), ("subject_id",), [(3,), (2,)], ordered=True),
    ),
    "T6": (
        "Subject.proj() & dj.Top(3, 'KEY DESC') & dj.Top(2, 'KEY')",
        Rows(("subject_id",), ("subject_id",), [(2,), (3,)], ordered=True),
    ),
    "T7": (
        "Subject.proj() & dj.Top(3, 'KEY DESC') & dj.Top(2, None, offset=1)",
        Rows(("subject_id",), ("subject_id",), [(3,), (2,)], ordered=True),
    ),
    "T8": (
        "Subject.proj() & dj.Top(2, 'KEY', offset=1) & dj.Top(2, None, offset=1)",
        Rows(("subject_id",), ("subject_id",), [(3,)], ordered=True),
    ),
    "T9": ("Subject & dj.Top(0)", Rows(("subject_id",), None, [], keys_only=True)),
    "T10": ("Subject.proj() & dj.Top(5, offset=10)", Rows(("subject_id",), ("subject_id",), [], ordered=True)),
    "T11": ("Subject & [dj.Top(2)]", Raises("DataJointError", "Invalid restriction type")),
    "T12": ("Subject - dj.Top(2)", Raises("DataJointError", "Invalid restriction type")),
    "T13": ("dj.Top('2')", Raises("TypeError", "Top limit must be an integer")),
    "T14": (
        "(Subject & dj.Top(2, 'species DESC, subject_id DESC')).proj()",
        Rows(("subject_id",), ("subject_id",), [(4,), (3,)], ordered=True),
    ),
    "T15": (
        "(Subject & dj.Top(2, 'KEY')).proj(sid='subject_id')",
        Rows(("sid",), ("sid",), [(1,), (2,)], ordered=True),
    ),
    "T16": ("Subject.proj(a='-subject_id').keys(order_by='a', limit=2)", [{"subject_id": 4}, {"subject_id": 3}]),
    "T17": (
        "Subject.aggr(Session, n='count(session)').keys(order_by=['n DESC', 'KEY'])",
        [{"subject_id": 1}, {"subject_id": 2}, {"subject_id": 3}, {"subject_id": 4}],
    ),
    "F1": (
        "(Session & {'subject_id': 1}).keys(order_by='KEY')",
        [{"subject_id": 1, "session": 1}, {"subject_id": 1, "session": 2}],
    ),
    "F2": ("(Subject & {'subject_id': 1}).fetch1('sex', 'KEY')", ("M", {"subject_id": 1})),
    "F3": ("(Subject & {'subject_id': 1}).fetch1('sex')", "M"),
    "F4": ("Subject.fetch1()", Raises("DataJointError", "fetch1 requires exactly one tuple")),
    "F5": (
        "(Subject & 'subject_id=99').fetch1('sex')",
        Raises("DataJointError", "fetch1 should only return one tuple. 0 tuples found"),
    ),
    "F6": ("Subject.to_arrays('subject_id', order_by='KEY').tolist()", [1, 2, 3, 4]),
    "F7": (
        "[a.tolist() for a in Subject.to_arrays('subject_id', 'sex', order_by='KEY', limit=2)]",
        [[1, 2], ["M", "F"]],
    ),
    "F8": ("Subject.to_arrays('weight', order_by='KEY').dtype == object", True),
    "F9": ("(Subject & 'weight is not null').to_arrays('weight').dtype == float", True),
    "F10": ("str(Subject.to_arrays(order_by='KEY')['weight'][2])", "nan"),
    "F11": ("Subject.to_arrays('KEY')", Raises("DataJointError", "not found")),
    "F12": ("Subject.to_arrays('sex', include_key=True, order_by='KEY', limit=1)[0]", [{"subject_id": 1}]),
    "F13": ("[r['subject_id'] for r in Subject.tail(2)]", [3, 4]),
    "F14": ("Session.to_pandas(order_by='KEY').index.tolist()", [(1, 1), (1, 2), (2, 1), (3, 1)]),
    "F15": ("(Subject & 'subject_id=99').to_pandas().shape", (0, 3)),
    "F16": ("({'subject_id': 1} in Subject(), {'subject_id': 99} in Subject())", (True, False)),
    "F17": ("[sorted(r) for r in (Subject & 'subject_id=1').proj('sex')]", [["sex", "subject_id"]]),
    "F18": ("Subject.to_dicts(limit=0)", []),
    "F19": ("[r['subject_id'] for r in Subject.to_dicts(order_by='KEY', offset=3)]", [4]),
    "F20": ("len(dj.U('species') & Subject)", 2),
}
