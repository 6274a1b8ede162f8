"""What a `make` finds upstream of its key."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

import datajoint as dj
from datajoint.diagram import Diagram
from datajoint.errors import DataJointError
from datajoint.table.trace import Trace
from tests.behaviour.test_diagram_rows import fill


@pytest.fixture
def pipeline(schema):
    @schema
    class A(dj.Manual):
        definition = """
        a : int32
        ---
        v : int32
        """

    @schema
    class X(dj.Manual):
        definition = "x : int32"

    @schema
    class B(dj.Manual):
        definition = """
        b : int32
        ---
        -> A.proj(origin='a')
        """

    fill(A, [(1, 10), (2, 20), (3, 30)])
    fill(X, [(1,)])
    fill(B, [(1, 3), (2, 1)])
    return SimpleNamespace(A=A, B=B, X=X)


def computed(schema, pipeline, definition, make):
    class K(dj.Computed):
        pass

    K.definition, K.make = definition, make
    return schema(K, context=vars(pipeline))


def test_a_make_finds_the_rows_of_its_key(schema, pipeline):
    seen = {}

    def make(self, key):
        up = self.upstream
        assert up is self.upstream
        assert isinstance(up, Trace)
        seen[key["q"], key["b"]] = (
            sorted(up[pipeline.A].to_arrays("a").tolist()),
            up["B"].fetch1("b"),
            up.counts()[pipeline.B.full_table_name],
            len(up[self]),
        )
        with pytest.raises(DataJointError, match="not in this trace's subgraph"):
            up[Unrelated]
        with pytest.raises(DataJointError, match="only through a secondary foreign key of the row"):
            up[pipeline.X]
        assert Diagram(up, context={}).nodes_to_show == {
            t.full_table_name for t in (pipeline.A, pipeline.B, type(self))
        }
        self.insert1({**key, "x": 1})

    @schema
    class Unrelated(dj.Manual):
        definition = "u : int32"

    K = computed(schema, pipeline, "-> A.proj(q='a')\n-> B\n---\n-> X", make)
    assert K.populate() == {"success_count": 6, "error_list": []}
    # the key's own row of A, and the one that its row of B comes from
    assert seen == {(q, b): (sorted({q, {1: 3, 2: 1}[b]}), b, 1, 0) for q in (1, 2, 3) for b in (1, 2)}
    assert Diagram.trace(K & {"q": 1, "b": 1})[pipeline.X].fetch1("x") == 1


def test_two_parents_and_renames_are_followed(schema, pipeline):
    def make(self, key):
        assert self.upstream[pipeline.A].fetch1("a") == key["q"]
        assert self.upstream[pipeline.X].fetch1("x") == key["x"]
        self.insert1(key)

    K = computed(schema, pipeline, "-> A.proj(q='a')\n-> X", make)
    assert K.populate()["success_count"] == 3


def test_upstream_is_one_object_for_a_key_and_gone_afterwards(schema, pipeline):
    seen = []

    class K(dj.Computed):
        definition = """
        -> A
        ---
        w : int32
        """

        def make_fetch(self, key):
            seen.append((key["a"], self.upstream))
            return (self.upstream["A"].fetch1("v"),)

        def make_compute(self, key, v):
            seen.append((key["a"], self.upstream))
            return (v + 1,)

        def make_insert(self, key, w):
            seen.append((key["a"], self.upstream))
            self.insert1({**key, "w": w})

    table = schema(K, context=vars(pipeline))()
    table.populate()
    assert set(table.to_arrays("w").tolist()) == {11, 21, 31}
    assert len({id(trace) for _, trace in seen}) == 3
    assert len({(key, id(trace)) for key, trace in seen}) == 3
    with pytest.raises(DataJointError, match=r"only available inside make\(\)"):
        table.upstream


def test_upstream_is_gone_after_an_error(schema, pipeline):
    def make(self, key):
        assert self.upstream[pipeline.A]
        raise RuntimeError("no")

    K = computed(schema, pipeline, "-> A", make)
    table = K()
    assert len(table.populate(suppress_errors=True)["error_list"]) == 3
    with pytest.raises(DataJointError, match="construct a trace explicitly: dj.Diagram.trace"):
        table.upstream
