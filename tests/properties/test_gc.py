"""Garbage collection against a model: rows come, go and are copied; writers are at any point of their work.

A writer marks an object, writes it (or finds it there), commits the row, and takes the mark back. It may be at any of
these points, or dead, when garbage is collected; and one works in another thread at the very same time.
"""

from __future__ import annotations

import threading
import uuid

import hypothesis
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
    run_state_machine_as_test,
)

import datajoint as dj
from datajoint.sql import Sql
from datajoint.sql.fragment import Identifier
from datajoint.storage import get_store_backend
from datajoint.storage.hashing import hash_metadata, put_hash
from tests.stored_codecs import make_marks, mark, set_state

DEFINITION = """
id : varchar(32)
---
x : <test_given@main>
"""
CONTENTS = [b"0", b"11", b"222"]


class Writer:
    """A program at some point of writing one row."""

    def __init__(self, world, content, *, folder):
        self.world, self.content, self.folder = world, content, folder
        self.connection = world.new_connection()
        self.table = dj.FreeTable(self.connection, world.table.full_table_name)
        self.id, self.worker = uuid.uuid4().hex, str(uuid.uuid4())
        schema = world.schema.database
        if folder:
            path = f"_schema/{schema}/thing/id={self.id}/x_{self.id[:8]}"
            self.document = {"path": path, "store": "main", "is_dir": True}
        else:
            self.document = hash_metadata(content, schema, "main", world.settings)
        self.clear = None

    @property
    def path(self):
        return self.document["path"]

    def mark(self):
        set_state(self.connection, self.world.schema.database, self.worker, "running")
        self.clear = mark(self.connection, self.world.schema.database, [self.path], worker=self.worker)

    def put(self):
        if self.folder:
            backend = get_store_backend("main", self.world.settings)
            backend.put_many([(f"{self.path}/data", self.content), (f"{self.path}/.more/x", b"")])
            backend.put_buffer(b"{}", f"{self.path}.manifest.json")
        else:
            put_hash(self.content, self.world.schema.database, "main", self.world.settings)

    def commit(self):
        self.table.insert1({"id": self.id, "x": self.document})

    def run(self):
        self.mark()
        self.put()
        self.commit()
        self.clear()
        self.connection.close()


class World:
    """Two schemas and a store, emptied for each example."""

    def __init__(self, new_schema, new_connection, connection, settings, new_store):
        store = new_store()
        settings.stores = {"default": "main", "main": store, "same": dict(store, location=f"{store['location']}/.")}
        self.connection, self.new_connection, self.settings = connection, new_connection, settings
        self.schema, self.copies = new_schema("gc"), new_schema("copies")

        class Thing(dj.Manual):
            definition = DEFINITION

        class Copy(dj.Manual):
            definition = DEFINITION

        self.table, self.copy = self.schema(Thing), self.copies(Copy)
        make_marks(connection, self.schema.database)
        self.collector = dj.gc.GarbageCollector(self.schema, store="same")
        self.backend = get_store_backend("main", settings)

    def empty(self):
        self.table.delete_quick()
        self.copy.delete_quick()
        for name in ("~dj_lease", "~dj_worker"):
            self.connection.execute(Sql("DELETE FROM ", Identifier((self.schema.database, name))))
        for folder in ("_hash", "_schema"):
            self.backend.remove_folder(folder)

    def stored(self):
        return {file.path for file in self.backend.list_files()}


def machine(world):
    class Collection(RuleBasedStateMachine):
        rows, copies = Bundle("rows"), Bundle("copies")
        marked, put, committed, plans = Bundle("marked"), Bundle("put"), Bundle("committed"), Bundle("plans")
        contents = st.sampled_from(CONTENTS)

        def __init__(self):
            super().__init__()
            world.empty()
            self.table, self.copy = {}, {}  # id -> (document, content), as committed
            self.marks = {}  # worker -> path
            self.writers = []

        def teardown(self):
            for writer in self.writers:
                writer.connection.close()

        # Each example begins in the midst of things: rows, copies whose originals are gone, writers at every point.
        @initialize(target=rows, chosen=st.lists(st.tuples(contents, st.booleans()), min_size=2, max_size=4))
        def begin_with_rows(self, chosen):
            return multiple(*[self.insert_one(content, folder) for content, folder in chosen])

        @initialize(target=copies, chosen=st.lists(st.tuples(contents, st.booleans()), min_size=1, max_size=2))
        def begin_with_copies(self, chosen):
            made = [self.insert_one(content, folder) for content, folder in chosen]
            for row in made:
                self.copy_one(row)
                self.delete_one(row)
            return multiple(*made)

        @initialize(target=put, content=contents, folder=st.booleans())
        def begin_with_a_writer(self, content, folder):
            writer = self.marked_writer(content, folder)
            writer.put()
            return writer

        @initialize(content=contents)
        def begin_with_an_orphan(self, content):
            put_hash(content, world.schema.database, "main", world.settings)

        def writer(self, content, folder):
            made = Writer(world, content, folder=folder)
            self.writers.append(made)
            return made

        # --- rows
        @rule(target=rows, content=contents, folder=st.booleans())
        def insert(self, content, folder):
            return self.insert_one(content, folder)

        def insert_one(self, content, folder):
            writer = self.writer(content, folder)
            writer.run()
            self.table[writer.id] = (writer.document, content)
            return writer.id

        @rule(row=consumes(rows))
        def delete(self, row):
            self.delete_one(row)

        def delete_one(self, row):
            (world.table & {"id": row}).delete_quick()
            del self.table[row]

        @rule(target=copies, row=rows)
        def copy_to_another_schema(self, row):
            if row in self.table and row not in self.copy:
                self.copy_one(row)
            return row

        def copy_one(self, row):
            world.copy.insert(world.table & {"id": row})
            self.copy[row] = self.table[row]

        @rule(row=consumes(copies))
        def delete_copy(self, row):
            (world.copy & {"id": row}).delete_quick()
            self.copy.pop(row, None)

        @rule(content=contents)
        def leave_an_orphan(self, content):
            put_hash(content, world.schema.database, "main", world.settings)

        # --- writers
        @rule(target=marked, content=contents, folder=st.booleans())
        def writer_marks(self, content, folder):
            return self.marked_writer(content, folder)

        def marked_writer(self, content, folder):
            writer = self.writer(content, folder)
            writer.mark()
            self.marks[writer.worker] = writer.path
            return writer

        @rule(target=put, writer=consumes(marked))
        def writer_puts(self, writer):
            writer.put()
            return writer

        @rule(target=committed, writer=consumes(put))
        def writer_commits(self, writer):
            writer.commit()
            self.table[writer.id] = (writer.document, writer.content)
            return writer

        @rule(target=rows, writer=consumes(committed))
        def writer_takes_its_mark_back(self, writer):
            writer.clear()
            del self.marks[writer.worker]
            return writer.id

        @rule(writer=st.one_of(consumes(marked), consumes(put), consumes(committed)))
        def writer_dies(self, writer):
            writer.connection.close()
            set_state(world.connection, world.schema.database, writer.worker, "dead")
            del self.marks[writer.worker]

        # --- collections
        def expected(self, before):
            needed = {document["path"] for document, _ in (*self.table.values(), *self.copy.values())}
            needed |= set(self.marks.values())

            def is_needed(path):
                return any(
                    path == root or path.startswith(f"{root}/") or path == f"{root}.manifest.json" for root in needed
                )

            return {path for path in before if is_needed(path)}

        @precondition(lambda self: self.table and (self.copy or self.marks))
        @rule()
        def collect(self):
            before = world.stored()
            found = world.collector.collect()
            orphans = set(found["orphaned_hash_paths"]) | set(found["orphaned_schema_paths"])
            assert before - orphans == self.expected(before)
            done = world.collector.collect(dry_run=False)
            assert done["errors"] == 0
            assert world.stored() == self.expected(before)

        @rule(target=plans)
        def plan(self):
            return world.collector.plan()

        @rule(plan=consumes(plans))
        def execute_an_old_plan(self, plan):
            before = world.stored()
            plan.execute()
            assert world.stored() >= self.expected(before)

        @rule(target=rows, steps=st.integers(1, 4))
        def execute_after_a_writer_found_an_orphan_of_use(self, steps):
            content = uuid.uuid4().bytes
            put_hash(content, world.schema.database, "main", world.settings)
            plan = world.collector.plan()
            writer = self.writer(content, folder=False)
            actions = [writer.mark, writer.put, writer.commit, lambda: writer.clear()]
            for action in actions[:steps]:
                action()
            plan.execute()
            for action in actions[steps:]:
                action()
            self.table[writer.id] = (writer.document, content)
            return writer.id

        @rule(target=rows, content=contents, folder=st.booleans())
        def collect_while_another_writes(self, content, folder):
            writer = self.writer(content, folder)
            thread = threading.Thread(target=writer.run)
            thread.start()
            world.collector.collect(dry_run=False)
            thread.join()
            self.table[writer.id] = (writer.document, content)
            return writer.id

        @invariant()
        def every_row_has_its_object(self):
            for table, model in ((world.table, self.table), (world.copy, self.copy)):
                assert {row["id"]: row["x"] for row in table.to_dicts()} == {n: c for n, (_, c) in model.items()}

    return Collection


def test_collections_never_take_what_is_needed(new_schema, new_connection, connection, settings, new_store):
    world = World(new_schema, new_connection, connection, settings, new_store)
    profile = hypothesis.settings.default
    run_state_machine_as_test(
        machine(world),
        settings=hypothesis.settings(
            profile,
            max_examples=max(5, profile.max_examples // 6),
            stateful_step_count=25,
            # A smaller example is not worth hundreds of runs against a server.
            phases=set(hypothesis.Phase) - {hypothesis.Phase.shrink, hypothesis.Phase.explain},
            suppress_health_check=list(hypothesis.HealthCheck),
        ),
    )
