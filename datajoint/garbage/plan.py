"""What a collection would delete, to look at before it does."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from datajoint.errors import DataJointError
from datajoint.shown import html_lines
from datajoint.storage.listing import StoredFile

Kind = Literal["hash", "schema", "abandoned"]

_KINDS: tuple[Kind, ...] = ("hash", "schema")

YOUNG_SECONDS = 3600.0
"""Objects younger than this may be of a program that does not mark what it writes."""

_SHOWN = 10
_UNITS = (("day", 86400.0), ("h", 3600.0), ("min", 60.0), ("s", 1.0))


@dataclass(frozen=True, slots=True)
class Orphan:
    """A file that no row refers to.

    Attributes
    ----------
    path : str
        Relative to the store's root.
    size : int
        In bytes.
    modified : float or None
        Seconds since the epoch; None if the store does not tell.
    kind : str
        ``hash`` or ``schema``, by how it is addressed; ``abandoned`` if somebody began to write it long ago.
    """

    path: str
    size: int
    modified: float | None
    kind: Kind

    @property
    def file(self) -> StoredFile:
        """What the listing said."""
        return StoredFile(self.path, self.size, self.modified)


@dataclass(frozen=True)
class CollectionPlan:
    """What a collection found, as of one moment. Nothing is deleted before `execute`.

    Attributes
    ----------
    store, schemas : str, tuple of str
        What was looked at.
    orphans : tuple of Orphan
        What would be deleted, sorted by path.
    referenced, stored : dict
        Numbers of paths that rows name and of files in the store, by ``hash`` and ``schema``.
    in_flight, too_young : int
        Files without a reference that stay: marked by a writer, or within the grace period.
    unmarked : tuple of str
        Schemas in which writers do not mark what they write, since there are no tables for it. `execute` makes them.
    problems : tuple of str
        What could not be listed or read. With any of these, nothing is deleted.
    made : float
        When, in seconds since the epoch.
    """

    store: str
    schemas: tuple[str, ...]
    orphans: tuple[Orphan, ...]
    referenced: dict[str, int]
    stored: dict[str, int]
    in_flight: int
    too_young: int
    unmarked: tuple[str, ...]
    problems: tuple[str, ...]
    run: Callable[[CollectionPlan], dict[str, Any]] = field(repr=False)
    made: float = field(default_factory=time.time)

    # --- sums
    def of(self, kind: Kind) -> list[Orphan]:
        """Return the orphans of one kind."""
        return [orphan for orphan in self.orphans if orphan.kind == kind]

    @property
    def size(self) -> int:
        """Bytes that would be freed."""
        return sum(orphan.size for orphan in self.orphans)

    @property
    def youngest_age(self) -> float | None:
        """Age in seconds of the orphan that changed last; None without orphans, or where the store does not tell."""
        times = [orphan.modified for orphan in self.orphans if orphan.modified is not None]
        return max(0.0, self.made - max(times)) if times else None

    @property
    def warnings(self) -> list[str]:
        """What a person should know before they say yes."""
        found = []
        age = self.youngest_age
        if age is not None and age < YOUNG_SECONDS:
            found.append(
                f"The youngest orphan is {_duration(age)} old: if programs write here that leave no marks, as DataJoint 2.3, "
                "give a grace period."
            )
        if self.unmarked and self.orphans:
            found.append(
                f"Nobody could mark what is being written for {', '.join(self.unmarked)} until now: be sure that no insert "
                "of objects is at work, or give a grace period."
            )
        return found

    # --- deed
    def execute(self) -> dict[str, Any]:
        """Delete the orphans that still are orphans, and return the report; see `GarbageCollector.collect`.

        Raises
        ------
        DataJointError
            If something could not be listed or read, or a transaction is open. Nothing is deleted then.
        """
        self.check()
        return self.run(self)

    def check(self) -> None:
        """Raise `DataJointError` if there are problems."""
        if self.problems:
            raise DataJointError(
                f"Refusing to delete: {len(self.problems)} scan error(s) — {'; '.join(self.problems)}",
                hint="What cannot be read may refer to any object. Mend this first.",
            )

    def report(self, **done: Any) -> dict[str, Any]:
        """Return the report of DataJoint 2.3, and what is known beyond it."""
        report: dict[str, Any] = {}
        for kind in _KINDS:
            orphans = self.of(kind)
            report |= {
                f"{kind}_paths_referenced": self.referenced[kind],
                f"{kind}_paths_stored": self.stored[kind],
                f"{kind}_paths_orphaned": len(orphans),
                f"{kind}_paths_orphaned_bytes": sum(orphan.size for orphan in orphans),
                f"orphaned_{kind}_paths": sorted(orphan.path for orphan in orphans),
            }
        return report | {
            "hash_paths_deleted": 0,
            "schema_paths_deleted": 0,
            "deleted": 0,
            "bytes_freed": 0,
            "errors": 0,
            "scan_errors": list(self.problems),
            "dry_run": True,
            "abandoned_paths": sorted(orphan.path for orphan in self.of("abandoned")),
            "in_flight": self.in_flight,
            "too_young": self.too_young,
            "spared": 0,
            "youngest_orphan_age": self.youngest_age,
            "warnings": self.warnings,
            **done,
        }

    # --- for people
    def __str__(self) -> str:
        lines = [f"Store {self.store}, schemas {', '.join(self.schemas)}:"]
        for kind in _KINDS:
            orphans = self.of(kind)
            total = sum(orphan.size for orphan in orphans)
            lines.append(
                f"  {kind}-addressed: {self.stored[kind]} files, {self.referenced[kind]} paths in rows, "
                f"{len(orphans)} orphans ({_amount(total)})"
            )
        if abandoned := self.of("abandoned"):
            lines.append(f"  half-written and abandoned: {len(abandoned)} ({_amount(sum(o.size for o in abandoned))})")
        if self.in_flight or self.too_young:
            lines.append(f"  kept: {self.in_flight} in flight, {self.too_young} younger than the grace period")
        lines += [f"  {self._line(orphan)}" for orphan in self.orphans[:_SHOWN]]
        if len(self.orphans) > _SHOWN:
            lines.append(f"  … and {len(self.orphans) - _SHOWN} more")
        lines += [f"  Warning: {warning}" for warning in self.warnings]
        lines += [f"  Not read, so nothing will be deleted: {problem}" for problem in self.problems]
        return "\n".join(lines)

    def _line(self, orphan: Orphan) -> str:
        age = "age unknown" if orphan.modified is None else f"{_duration(max(0.0, self.made - orphan.modified))} old"
        return f"{orphan.path}  {_amount(orphan.size)}, {age}"

    def _repr_html_(self) -> str:
        return html_lines("", [str(self)])


def _amount(size: float) -> str:
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:  # noqa: PLR2004 - decimal units
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"


def _duration(seconds: float) -> str:
    for unit, length in _UNITS:
        if seconds >= length:
            count = int(seconds // length)
            return f"{count} {unit}{'s' if unit == 'day' and count > 1 else ''}"
    return "0 s"
