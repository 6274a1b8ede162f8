"""Ctrl-C during a commit: wait for the answer, so that it is known what was kept."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from datajoint.backends.signals import INTERRUPT, interrupt_handler, set_handler


@contextmanager
def deferred_interrupts(note: str) -> Iterator[None]:
    """Hold an interrupt back until the end of the block, unless there is a second one.

    Parameters
    ----------
    note : str
        What the interrupt then says beside itself, if the block did what it was to do.
    """
    previous = interrupt_handler()
    # Two who hold the same interrupt back would take the second Ctrl-C, which is to end it at once, for the first.
    if previous is None or getattr(getattr(previous, "__self__", None), "is_holding", False):
        yield
        return
    held = False

    def hold(number: int, frame: FrameType | None) -> None:
        nonlocal held
        if held:
            previous(number, frame)
        held = True

    set_handler(INTERRUPT, hold)
    try:
        yield
    except BaseException:
        set_handler(INTERRUPT, previous)
        if held:
            previous(INTERRUPT, None)
        raise
    set_handler(INTERRUPT, previous)
    if held:
        try:
            previous(INTERRUPT, None)
        except BaseException as interrupt:
            interrupt.add_note(note)
            raise
