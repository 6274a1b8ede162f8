"""Ask the person at the keyboard.

The answer is read by calling ``input``, looked up in this module first: whoever sets ``datajoint.utils.input`` answers
every question.
"""

from __future__ import annotations

from collections.abc import Sequence


def user_choice(prompt: str, choices: Sequence[str] = ("yes", "no"), default: str | None = None) -> str:
    """Ask until the answer is one of `choices`, and return it in lower case.

    Parameters
    ----------
    prompt : str
        The question; the choices are appended as ``[yes, No]: `` with the default in title case.
    choices : sequence of str
        In lower case.
    default : str, optional
        What an empty answer means.

    Raises
    ------
    AssertionError
        If `default` is not among `choices`.
    """
    if default is not None and default not in choices:
        raise AssertionError(f"The default {default!r} is not one of {list(choices)}.")
    offered = ", ".join(choice.title() if choice == default else choice for choice in choices)
    while True:
        answer = input(f"{prompt} [{offered}]: ").strip().lower() or default
        if answer is not None and answer in choices:
            return answer
