"""Pipelines without a database: catalogs, a connection and classes made from a few lines of text.

A line is ``schema.table: key | rest``; the attributes of both are separated by commas, and ``> parent`` stands for a
foreign key, ``> parent(new=old)`` for one with renamed attributes.
"""

from __future__ import annotations

import itertools
import random
import re
from functools import partial
from types import ModuleType, SimpleNamespace

from datajoint.backends.catalog import ColumnInfo, ForeignKeyInfo, SchemaCatalog, TableInfo
from datajoint.backends.dialect import Dialect
from datajoint.definition import TableName
from datajoint.graph.dependencies import Dependencies
from datajoint.naming import to_camel_case
from datajoint.table import Table

BACKTICKS = Dialect(name="mysql", grammar="mysql", quote_character="`", placeholder="%s")
DOUBLE_QUOTES = Dialect(name="postgresql", grammar="postgres", quote_character='"', placeholder="%s")
JOINED = Dialect(name="sqlite", grammar="sqlite", quote_character="`", placeholder="?", joined_names=True)
DIALECTS = {dialect.name: dialect for dialect in (BACKTICKS, DOUBLE_QUOTES, JOINED)}

EPHYS = """
    lab.#species: species
    lab.subject: subject_id | > lab.#species, birth_date
    lab.session: > lab.subject, session | session_date
    lab.session__note: > lab.session, note_id | note
    lab.#probe: probe
    ephys._recording: > lab.session | > lab.#probe, duration
    ephys._recording__channel: > ephys._recording, channel | gain
    ephys.#params: params_id | threshold
    ephys.__sorting: > ephys._recording, > ephys.#params | quality
    ephys.__sorting__unit: > ephys.__sorting, unit | > ephys._recording__channel, spikes
    ephys.__comparison: > ephys.__sorting, > ephys.__sorting(other=params_id) | agreement
"""


class FakeConnection:
    """What the graph and diagrams ask of a connection; counts the loads."""

    def __init__(self, text, *, activated=None, dialect=BACKTICKS, direction="LR", theme="auto"):
        self.all_catalogs = parse(text)
        self.dialect = dialect
        self.schemas = dict.fromkeys(self.all_catalogs if activated is None else activated)
        self.settings = SimpleNamespace(display=SimpleNamespace(diagram_direction=direction, diagram_theme=theme))
        self.backend = SimpleNamespace(related_schemas=self._related_schemas)
        self.loads = []
        self.dependencies = Dependencies(self)

    def execute(self, sql):
        raise AssertionError("a diagram asks nothing of the database")

    def catalogs(self, schemas):
        self.loads.append(sorted(schemas))
        return {schema: self.all_catalogs[schema] for schema in schemas if schema in self.all_catalogs}

    def forget_catalog(self, *schemas):
        self.dependencies.clear()

    def _related_schemas(self, execute, schemas, *, downstream):
        keys = [
            key
            for catalog in self.all_catalogs.values()
            for table in catalog.tables.values()
            for key in table.foreign_keys
        ]
        pairs = {
            (key.parent.schema, key.child.schema) if downstream else (key.child.schema, key.parent.schema)
            for key in keys
        }
        return {theirs for ours, theirs in pairs if ours in schemas and theirs not in schemas}

    def name(self, table):
        """Return the full name of ``schema.table``."""
        return self.dialect.quote(TableName(*table.split(".")).identifier)

    def schema(self, database):
        return SimpleNamespace(database=database, connection=self)

    def classes(self, module="my_pipeline", only=None):
        """Return stand-ins for the tables' classes by name, parts as attributes of their masters."""
        found = {}
        for table in self.dependencies_of_all():
            if only is not None and table.schema not in only:
                continue
            *master, own = re.split(r"(?<=[a-z0-9])__", table.name)
            name = to_camel_case(own)
            members = {"database": table.schema, "_table_name": table.name, "_connection": self, "__module__": module}
            made = type(Table)(name, (Table,), members)
            if master:
                setattr(found[to_camel_case(master[0])], name, made)
            else:
                found[name] = made
        return found

    def module(self, name, **kwargs):
        made = ModuleType(name)
        vars(made).update(self.classes(module=name, **kwargs))
        return made

    def dependencies_of_all(self):
        return sorted(
            (table for catalog in self.all_catalogs.values() for table in catalog.tables_by_name()), key=_masters_first
        )


def _masters_first(table):
    return table.name.count("__") - table.name.startswith("__"), table


class _Catalog(SchemaCatalog):
    def tables_by_name(self):
        return [table.name for table in self.tables.values()]


def parse(text):
    """Return the catalogs by schema."""
    tables = {}
    for line in filter(None, map(str.strip, text.splitlines())):
        name, _, body = line.partition(":")
        table = TableName(*name.split("."))
        key, _, rest = body.partition("|")
        columns, keys = {}, []
        for in_key, item in [(True, i) for i in _items(key)] + [(False, i) for i in _items(rest)]:
            if item.startswith(">"):
                keys.append(_foreign_key(item, table, tables))
                for column in keys[-1].columns:
                    columns.setdefault(column, in_key)
            else:
                columns[item] = in_key
        infos = tuple(ColumnInfo(column, "int", nullable=False, default=None, comment="") for column in columns)
        primary_key = tuple(column for column, in_key in columns.items() if in_key)
        tables[table] = TableInfo(table, "", infos, primary_key, tuple(keys))
    return {
        schema: _Catalog(
            schema,
            {name.name: info for name, info in tables.items() if name.schema == schema},
            partial(
                tuple,
                [
                    key
                    for info in tables.values()
                    for key in info.foreign_keys
                    if key.parent.schema == schema and key.child.schema != schema
                ],
            ),
        )
        for schema in dict.fromkeys(name.schema for name in tables)
    }


def _items(text):
    return [item.strip() for item in re.split(r",(?![^(]*\))", text) if item.strip()]


def _foreign_key(item, child, tables):
    match = re.fullmatch(r">\s*([^(\s]+)\s*(?:\((.*)\))?", item)
    parent = TableName(*match[1].split("."))
    renames = dict(reversed(pair.strip().split("=")) for pair in (match[2] or "").split(",") if pair)
    parent_columns = tables[parent].primary_key
    return ForeignKeyInfo(child, tuple(renames.get(c, c) for c in parent_columns), parent, parent_columns)


def grid(schemas, tables):
    """Return the text of a big pipeline: `schemas` schemas of `tables` tables each, in chains that cross them."""
    lines = []
    for s, t in itertools.product(range(schemas), range(tables)):
        prefix = ("", "#", "_", "__")[t % 4]
        parents = [] if t == 0 else [f"> s{s}.{('', '#', '_', '__')[(t - 1) % 4]}table{t - 1}"]
        if s and t % 7 == 0:
            parents.append(f"> s{s - 1}.{prefix}table{t}")
        if t and t % 5 == 0:
            lines.append(f"s{s}.{prefix}table{t}: {', '.join(parents)}, key{s}_{t}")
            lines.append(f"s{s}.{prefix}table{t}__item: > s{s}.{prefix}table{t}, item{t}")
        else:
            lines.append(f"s{s}.{prefix}table{t}: {', '.join(parents)}{', ' if parents else ''}key{s}_{t} | value")
    return "\n".join(lines)


def tangle(schemas, tables, seed=1):
    """Return the text of a big pipeline: `schemas` schemas of `tables` tables each, referring to up to three others."""
    rng = random.Random(seed)  # noqa: S311 - no secret
    lines, masters = [], []
    for number in range(schemas * tables):
        schema = f"s{number // tables}"
        near = [name for name in masters[-3 * tables :] if name.startswith(f"{schema}.")][-12:]
        if near and rng.random() < 0.25:
            master = near[-1]
            lines.append(f"{master}__part{number}: > {master}, part{number}")
            continue
        prefix = "#" if len(near) < 3 or rng.random() < 0.1 else rng.choice(["", "_", "__", "__"])
        parents = [] if prefix == "#" else rng.sample(near, min(len(near), rng.choice([1, 1, 2])))
        if masters and prefix != "#" and rng.random() < 0.15:
            parents.append(rng.choice(masters))
        keys = ", ".join(
            [f"> {parent}" for parent in dict.fromkeys(parents)]
            + [f"key{number}"] * (rng.random() < 0.5 or not parents)
        )
        masters.append(f"{schema}.{prefix}table{number}")
        lines.append(f"{masters[-1]}: {keys}")
    return "\n".join(lines)


# --- pipelines as laboratories have them
SMALL = """
    lab.#species: species
    lab.subject: subject | > lab.#species, birth
    lab.session: > lab.subject, session | date
    lab._recording: > lab.session | path
    lab.__spikes: > lab._recording | times
"""

DEEP = """
    imaging.subject: subject
    imaging.session: > imaging.subject, session
    imaging._scan: > imaging.session, scan
    imaging._scan_info: > imaging._scan | fps
    imaging.#motion_method: method
    imaging.__motion_correction: > imaging._scan_info, > imaging.#motion_method
    imaging.__motion_correction__field: > imaging.__motion_correction, field
    imaging.__summary_images: > imaging.__motion_correction
    imaging.#segmentation_method: seg_method
    imaging.__segmentation: > imaging.__summary_images, > imaging.#segmentation_method
    imaging.__segmentation__mask: > imaging.__segmentation, mask
    imaging.__fluorescence: > imaging.__segmentation
    imaging.__fluorescence__trace: > imaging.__fluorescence, > imaging.__segmentation__mask
    imaging.__activity: > imaging.__fluorescence
    imaging.__activity__trace: > imaging.__activity, > imaging.__fluorescence__trace
    imaging.__tuning: > imaging.__activity
    imaging.__tuning__cell: > imaging.__tuning, > imaging.__activity__trace
    imaging.__population: > imaging.__tuning | > imaging.#segmentation_method(used=seg_method)
"""

FAN = "fan.session: session\nfan.#params: params\n" + "\n".join(
    f"fan.{prefix}{name}: > fan.session{extra}"
    for prefix, name, extra in (
        ("_", "eye_tracking", ""), ("_", "treadmill", ""), ("_", "pupil", ""), ("_", "lick", ""), ("_", "reward", ""),
        ("__", "power_spectrum", ", > fan.#params"), ("__", "coherence", ", > fan.#params"), ("__", "phase", ", > fan.#params"),
        ("__", "spike_rate", ", > fan.#params"), ("__", "lfp", ", > fan.#params"), ("", "note", ", note"), ("", "exclusion", ""),
        ("__", "sleep_stage", ""), ("__", "arousal", ""), ("__", "video_quality", ""), ("", "weight", " | grams"),
    )
)  # fmt: skip

PARTS_HEAVY = """
    behavior.subject: subject
    behavior.session: > behavior.subject, session
    behavior.session__experimenter: > behavior.session, experimenter
    behavior.session__note: > behavior.session, note
    behavior.session__attachment: > behavior.session, attachment
    behavior.session__condition: > behavior.session, condition
    behavior.trial_set: > behavior.session
    behavior.trial_set__trial: > behavior.trial_set, trial
    behavior.trial_set__event: > behavior.trial_set__trial, event
    behavior.trial_set__response: > behavior.trial_set__trial | choice
    behavior.trial_set__stimulus: > behavior.trial_set__trial, stimulus | contrast
    behavior.__psychometric: > behavior.trial_set
    behavior.__psychometric__point: > behavior.__psychometric, point
    behavior.__psychometric__fit: > behavior.__psychometric, model
    behavior.__psychometric__residual: > behavior.__psychometric__fit, > behavior.__psychometric__point
"""

NETWORK = """
    net.neuron: neuron
    net.synapse: > net.neuron(pre=neuron), > net.neuron(post=neuron), synapse
    net.gap_junction: > net.neuron(first=neuron), > net.neuron(second=neuron)
    net.mouse: mouse
    net.litter: > net.mouse(dam=mouse), > net.mouse(sire=mouse), born
    net.litter__pup: > net.litter, > net.mouse(pup=mouse)
    net.cage: cage | > net.mouse(occupant=mouse), > net.mouse(neighbour=mouse)
    net.__motif: > net.synapse, > net.synapse(pre2=pre, post2=post, synapse2=synapse)
    net.__pair_correlation: > net.neuron, > net.neuron(other=neuron) | r
"""

PEDIGREE = """
    colony.#strain: strain
    colony.animal: animal | > colony.#strain, sex
    colony.animal__parent: > colony.animal, > colony.animal(parent=animal)
    colony.animal__genotype: > colony.animal, gene | zygosity
    colony.mating: > colony.animal(mother=animal), > colony.animal(father=animal)
    colony.weaning: > colony.mating, date | > colony.animal(foster_mother=animal)
    colony.__inbreeding: > colony.animal | coefficient
    colony.__kinship: > colony.animal(one=animal), > colony.animal(other=animal) | coefficient
"""

SCHEMAS = """
    lab.#project: project
    lab.user: user
    lab.project_user: > lab.#project, > lab.user
    subject.#strain: strain
    subject.subject: subject | > subject.#strain
    subject.subject__project: > subject.subject, > lab.#project
    session.session: > subject.subject, session
    session.session__user: > session.session, > lab.user
    session.session_note: > session.session | note
    probe.#probe_type: probe_type
    probe.probe: probe | > probe.#probe_type
    ephys.insertion: > session.session, insertion | > probe.probe
    ephys._recording: > ephys.insertion
    ephys.__clustering: > ephys._recording, > params.#clustering_params
    ephys.__clustering__unit: > ephys.__clustering, unit
    params.#clustering_params: clustering
    video._video: > session.session, camera
    video.__pose: > video._video, > params.#pose_model
    params.#pose_model: pose_model
    analysis.__unit_tuning: > ephys.__clustering__unit, > video.__pose
    analysis.__session_summary: > session.session
    report.figure: figure | > analysis.__session_summary
    report.figure__panel: > report.figure, panel | > analysis.__unit_tuning
"""
SCHEMAS = "\n".join(
    sorted(SCHEMAS.strip().splitlines(), key=lambda line: not line.strip().startswith("params."))
)  # what others refer to comes first

LONG_NAMES = """
    multiregion_electrophysiology.a_very_long_name_of_a_lookup_table_for_stimulation_protocols: protocol
    multiregion_electrophysiology._two_photon_calcium_imaging_session_metadata: > multiregion_electrophysiology.a_very_long_name_of_a_lookup_table_for_stimulation_protocols, session
    multiregion_electrophysiology._two_photon_calcium_imaging_session_metadata__illumination_wavelength_measurement: > multiregion_electrophysiology._two_photon_calcium_imaging_session_metadata, n
    multiregion_electrophysiology._two_photon_calcium_imaging_session_metadata__i: > multiregion_electrophysiology._two_photon_calcium_imaging_session_metadata, i
    wide_field_mesoscope_with_adaptive_optics.__spatially_downsampled_average_intensity_projection: > multiregion_electrophysiology._two_photon_calcium_imaging_session_metadata
    wide_field_mesoscope_with_adaptive_optics.__i: > wide_field_mesoscope_with_adaptive_optics.__spatially_downsampled_average_intensity_projection
    wide_field_mesoscope_with_adaptive_optics.#mmmmm_wwwww: m | > multiregion_electrophysiology.a_very_long_name_of_a_lookup_table_for_stimulation_protocols
"""

UNICODE = """
    лаборатория.мышь: мышь
    лаборатория._запись: > лаборатория.мышь, номер
    лаборатория._запись__канал: > лаборатория._запись, канал
    実験室.__解析結果: > лаборатория._запись | 値
    実験室.__解析結果__部分: > 実験室.__解析結果, 部分
    実験室.größe: größe | > лаборатория.мышь(maus=мышь)
"""

LABORATORIES = {
    "small": SMALL,
    "deep chain": DEEP,
    "wide fan-out": FAN,
    "parts": PARTS_HEAVY,
    "double and renamed": NETWORK,
    "pedigree": PEDIGREE,
    "eight schemas": SCHEMAS,
    "long names": LONG_NAMES,
    "unicode": UNICODE,
    "300 tables": tangle(10, 30),
}
