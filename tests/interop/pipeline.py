"""A pipeline with all that a definition can say, declared alike by any library with DataJoint 2.3's interface.

It is read by this library and, in another interpreter, by DataJoint 2.3 itself, so it uses what both have.
"""

from __future__ import annotations

# (schema, tier, class, definition, parts)
TABLES = [
    # --- core types
    (0, "Manual", "Integers", "a : int8 # tiny\nb : int16\n---\nc : int32 # it's\nd = null : int64", {}),
    (0, "Manual", "Floats", "id : int32\n---\na : float32\nb=1.5 : float64 # with # hash and : colon", {}),
    (0, "Manual", "Decimals", "id : decimal(6,2)\n---\na=0 : decimal(20,8)\nb=null : decimal(3,0)", {}),
    (0, "Manual", "Texts", "id : varchar(20)\n---\na='' : varchar(255)\nb=\"it's\" : char(8)\nc=null : varchar(5)", {}),
    (0, "Manual", "Moments", "id : date\n---\na : datetime\nb=null : datetime(3)\nc=CURRENT_TIMESTAMP : datetime", {}),
    (0, "Manual", "Flags", "id : int32\n---\na : bool\nb=1 : bool\nc=null : bool", {}),
    (0, "Manual", "Unique", "id : uuid # a uuid\n---\nother=null : uuid", {}),
    (0, "Manual", "Documents", "id : int32\n---\na : json\nb=null : json # maybe", {}),
    (0, "Manual", "Binaries", "id : int32\n---\na : bytes\nb=null : bytes", {}),
    (0, "Manual", "Choices", "id : enum('a','b','c') # which\n---\nx='one' : enum('one','two')\ny=null : enum('p','q')", {}),
    (0, "Manual", "Coded", "id : int32\n---\na : <blob>\nb=null : <blob> # data\nc=null : <attach>", {}),
    # --- native types
    (0, "Manual", "NativeNumbers", "id : int\n---\na : smallint\nb : bigint\nc=null : real\nd=null : numeric(8,3)", {}),
    (0, "Manual", "NativeTexts", "id : int # plain\n---\na : text\nb=null : text # long", {}),
    (0, "Manual", "NativeTimes", "id : int\n---\na : time\nb : timestamp", {}),
    # --- tiers, comments, unicode
    (0, "Lookup", "Method", "# methods, with a # and a : colon\nmethod : varchar(16)\n---\nnote='' : varchar(64) # Größe in µm", {}),
    (0, "Manual", "LongName", "a_rather_long_attribute_name_1 : int32 # one\na_rather_long_attribute_name_2 : int32\n---\nvalue : float64", {}),
    (0, "Manual", "Subject", "# a subject\nsubject_id : int32 # the id\n---\nsex : enum('F','M','U')\nborn=null : date", {}),
    (0, "Manual", "KeyOnly", "x : int16\ny : int16", {}),
    (0, "Manual", "Single", "---\nvalue=0 : int32 # one row only", {}),
    # --- foreign keys
    (0, "Manual", "Session", "# sessions\n-> Subject\nsess : int16\n---\n-> [nullable] Method\nnote='' : varchar(10) # free", {}),
    (0, "Manual", "Primary", "-> Session\n---\nvalue : float32", {}),
    (0, "Manual", "Renamed", "-> Subject.proj(mother='subject_id')\n-> Subject.proj(father='subject_id')\n---\nn=0 : int32", {}),
    (0, "Manual", "RenamedTwice", "-> Session.proj(who='subject_id', which='sess')\n---\nok=1 : bool", {}),
    (0, "Manual", "Secondary", "id : int32\n---\n-> Subject\n-> Method", {}),
    (0, "Manual", "Optional", "id : int32\n---\n-> [nullable] Session\n-> [nullable] Subject.proj(second='subject_id')", {}),
    (0, "Manual", "OneToOne", "id : int32\n---\n-> [unique] Subject\n-> [nullable, unique] Method", {}),
    (0, "Manual", "OfChoice", "-> Choices\n---\n-> [nullable] Choices.proj(other='id')", {}),
    (0, "Manual", "OfUuid", "-> Unique\n---\n-> [nullable] Unique.proj(second='id')", {}),
    (0, "Manual", "OfTexts", "-> Texts\n-> Method\n---\nx : int32", {}),
    (0, "Manual", "OfMoments", "-> Moments\n-> Decimals.proj(price='id')\n---\nx : int32", {}),
    # --- indexes
    (0, "Manual", "Indexed", "id : int32\n---\na : int32\nb : varchar(12)\nindex (a)\nunique index (a, b)", {}),
    (0, "Manual", "IndexedKey", "id : int32\n---\n-> Session\nnote='' : varchar(9)\nindex (subject_id, sess, note)\nindex (note) # why", {}),
    # --- parts
    (0, "Manual", "Scan", "-> Session\nscan : int16\n---\ndepth=0 : float32", {
        "Frame": "-> master\nframe : int32\n---\nluminance : float32",
        "Mask": "-> Scan.Frame\nmask : int16\n---\n-> Method\npixels : <blob>",
        "Summary": "-> master\n---\ntext='' : varchar(100)",
    }),
    (0, "Lookup", "Params", "params : int16\n---\ndoc : json", {"Step": "-> master\nstep : int8\n---\nname : varchar(8)"}),
    # --- another schema
    (1, "Imported", "Recording", "-> a.Session\n---\nrate : float32", {"Channel": "-> master\nchannel : int16\n---\ngain=1 : float32"}),
    (1, "Computed", "Spikes", "-> Recording.Channel\n-> a.Params\n---\ntimes : <blob>\ncount : int32", {}),
    (1, "Computed", "Rate", "# rates\n-> Spikes\n---\nhz=null : float64 # per second", {"Bin": "-> master\nbin : int16\n---\nhz : float32"}),
    (1, "Manual", "Review", "-> Spikes\n---\n-> a.Choices\ngood=null : bool", {}),
]  # fmt: skip


def declare(dj, schemas, names=None):
    """Declare the tables in `schemas`, or those in `names`; return the classes by name."""
    import types

    classes = {}
    context = {"dj": dj}
    for number, tier, name, definition, parts in TABLES:
        if names is not None and name not in names:
            continue
        base = getattr(dj, tier)
        members = {"definition": definition, "__module__": __name__}
        for part, part_definition in parts.items():
            members[part] = type(dj.Part)(
                part,
                (dj.Part,),
                {"definition": part_definition, "__module__": __name__, "__qualname__": f"{name}.{part}"},
            )
        if tier in {"Imported", "Computed"}:
            members["make"] = lambda self, key: None
        cls = schemas[number](type(base)(name, (base,), members), context=context)
        classes[name] = cls
        if number == 0:
            context.setdefault("a", types.SimpleNamespace())
            setattr(context["a"], name, cls)
        context[name] = cls
    return classes
