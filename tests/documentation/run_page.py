"""Run the blocks of one page in one namespace and an empty folder: ``python run_page.py PAGE [ENGINE URL]``.

With an engine, the blocks marked for it are run, each in a namespace that has nothing but what those before it made.
"""

from __future__ import annotations

import contextlib
import doctest
import io
import re
import sys
import traceback
import types
from pathlib import Path

from tests.documentation.blocks import Block, blocks_of

_LOGGED = re.compile(r"^\[\d{4}-\d\d-\d\d [\d:]{8}\].*\n", re.MULTILINE)
_ADDRESS = re.compile(r"\b(?:mysql|mariadb|postgresql)://alice@db\.example\.org/\w*")


class Page:
    """Runs blocks one after the other."""

    def __init__(self, path: Path, url: str | None) -> None:
        self._path, self._url = path, url
        module = types.ModuleType("__main__")
        sys.modules["__main__"] = module
        self._names = vars(module)
        self._shell = None

    def run(self, block: Block) -> None:
        text = block.text
        if self._url is not None:
            text = _ADDRESS.sub(lambda _: self._url, text)
        if block.mark == "file":
            Path(block.value).write_text(text, encoding="utf-8")
            return
        shown = io.StringIO()
        with contextlib.redirect_stdout(shown):
            try:
                self._execute(block, text)
            except Exception as error:
                if block.mark != "raises" or type(error).__name__ != block.value:
                    raise
                shown.write(f"{type(error).__name__}: {error}\n")
            else:
                assert block.mark != "raises", f"{block.value} was expected"
        if block.printed is not None:
            self._compare(block.printed, shown.getvalue())

    def _execute(self, block: Block, text: str) -> None:
        if block.language == "ipython":
            result = self._interactive().run_cell(text)
            result.raise_error()
            return
        code = compile("\n" * block.line + text, str(self._path), "exec")
        exec(code, self._names)  # noqa: S102 - it is the page's own code

    def _interactive(self):
        if self._shell is None:
            from IPython.core.interactiveshell import InteractiveShell
            from traitlets.config import Config

            config = Config()
            config.HistoryManager.enabled = False
            self._shell = InteractiveShell.instance(config=config, user_module=sys.modules["__main__"])
        return self._shell

    @staticmethod
    def _compare(expected: str, shown: str) -> None:
        flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
        shown = _LOGGED.sub("", shown)  # what is logged has a time
        checker = doctest.OutputChecker()
        if not checker.check_output(expected, shown, flags):
            raise AssertionError(f"The page says\n{expected}\nand this was printed\n{shown}")


def chosen(block: Block, engine: str | None) -> bool:
    if block.mark == "not run" or (block.language not in ("python", "ipython") and block.mark != "file"):
        return False
    if engine is None:
        return block.mark != "server"
    return block.mark == "server" and engine in block.value.split()


def main(path: str, engine: str | None = None, url: str | None = None) -> int:
    page = Page(Path(path), url)
    for block in blocks_of(Path(path)):
        if chosen(block, engine):
            try:
                page.run(block)
            except BaseException:  # noqa: BLE001 - an exit in a block is a fault too
                print(f"{path}, the block of line {block.line}:\n{block.text}", file=sys.stderr)
                traceback.print_exc()
                return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))
