"""Who holds the lock of a SQLite file's only writer, as far as the system tells (Linux does)."""

from __future__ import annotations

from pathlib import Path

from datajoint.backends.base import LockWait, Process

_LOCKS = Path("/proc/locks")
_WAL_WRITER = 120  # the byte of the companion -shm that the writer locks
_JOURNAL_WRITER = 0x40000001  # and the one of the file itself where there is no write-ahead log


def holders(path: Path) -> list[LockWait]:
    """Return the processes that are writing to the file, each as blocking whoever wants to write."""
    wanted = {(_inode(path.with_name(path.name + "-shm")), _WAL_WRITER), (_inode(path), _JOURNAL_WRITER)}
    if not _LOCKS.exists():
        return []
    found = []
    for line in _LOCKS.read_text().splitlines():
        # 1: POSIX  ADVISORY  WRITE 4242 08:01:131090 120 120
        fields = line.split()
        if "->" in fields or len(fields) != 8 or fields[3] != "WRITE":  # noqa: PLR2004 - as the line above
            continue
        number, inode, (first, last) = int(fields[4]), int(fields[5].rpartition(":")[2]), fields[6:]
        end = float("inf") if last == "EOF" else int(last)
        if any(inode == i and int(first) <= byte <= end for i, byte in wanted):
            found.append(LockWait(None, Process(number, statement=_command(number))))
    return found


def _inode(path: Path) -> int | None:
    try:
        return path.stat().st_ino
    except OSError:
        return None


def _command(number: int) -> str | None:
    try:
        return (
            Path(f"/proc/{number}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip() or None
        )
    except OSError:
        return None
