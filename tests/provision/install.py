"""Install what the tests need from the system: ``python -m tests.provision.install``.

MariaDB, PostgreSQL, Chromium and a font, by apt, when we are root on a system that has it; an older ipykernel and
axe-core, by pip and npm, into the cache of the tests; nothing that is there already. Elsewhere it says what is missing:
the tests then skip those parts.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.provision.fetched import NotFetchedError, axe_core, old_ipykernel
from tests.provision.servers import _postgresql_folders, find_program


def missing_packages() -> list[str]:
    """Return the Debian packages that supply what was not found."""
    font = Path("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf")
    found = {
        "mariadb-server": find_program("mariadbd") and find_program("mariadb-install-db"),
        "postgresql": find_program("initdb", *_postgresql_folders()),
        "chromium": find_program("chromium") or find_program("chromium-browser") or find_program("google-chrome"),
        "fonts-dejavu-core": font.exists(),
    }
    return [package for package, there in found.items() if not there]


def fetch() -> None:
    """Fetch what the tests in the browser need from package indexes, so that no test waits for it."""
    for what in (old_ipykernel, axe_core):
        try:
            what()
        except NotFetchedError as error:
            print(f"{error}. The tests that need it are skipped.", file=sys.stderr)


def main() -> int:
    fetch()
    wanted = missing_packages()
    if not wanted:
        return 0
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        print(f"Not installed here: {', '.join(wanted)}. The tests that need them are skipped.", file=sys.stderr)
        return 0
    # Debian starts a new server at once; a policy that says no keeps the machine as it was.
    policy = Path("/usr/sbin/policy-rc.d")
    ours = not policy.exists()
    if ours:
        policy.write_text("#!/bin/sh\nexit 101\n")
        policy.chmod(0o755)
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    try:
        subprocess.run(["apt-get", "update", "-q"], check=True, env=environment)
        subprocess.run(["apt-get", "install", "-yq", "--no-install-recommends", *wanted], check=True, env=environment)
    except subprocess.CalledProcessError as error:
        print(f"Could not install {', '.join(wanted)}: {error}. The tests that need them are skipped.", file=sys.stderr)
    finally:
        if ours:
            policy.unlink(missing_ok=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
