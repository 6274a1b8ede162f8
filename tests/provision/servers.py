"""Start a private server of an engine from the programs found on this machine.

Every server has its own data folder and a free port, and listens on loopback only.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import psutil

SERVERS = ("mysql", "mariadb", "postgresql")
OBJECT_STORE = "s3"
PASSWORD = "password"
REPOSITORY = Path(__file__).resolve().parents[2]
MYSQL_TOOL = REPOSITORY.parent / "shared" / "tools" / "mysql_server"

_PLACES = ("/usr/sbin", "/usr/local/sbin", "/usr/libexec", "/usr/local/bin", "/usr/bin", "/opt/homebrew/bin")
_START_SECONDS = 90
_STOP_SECONDS = 20


class MissingServerError(Exception):
    """An engine cannot be had here; the message says why and what to do."""


@dataclass
class Server:
    """A running server: how to reach it and how to end it."""

    url: str
    process: subprocess.Popen[bytes] | None = None
    pid: int = 0
    end: Sequence[str] = field(default=())

    def is_running(self) -> bool:
        return self.process.poll() is None if self.process else is_alive(self.pid)

    def stop(self) -> None:
        """End the server, and only it."""
        if self.end:
            subprocess.run(self.end, check=False, capture_output=True, timeout=_STOP_SECONDS)
            deadline = time.monotonic() + _STOP_SECONDS
            while is_alive(self.pid) and time.monotonic() < deadline:
                time.sleep(0.1)
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


def start(engine: str, folder: Path, certificates: Path | None = None) -> Server:
    """Start a server of `engine` with all its files in `folder`.

    `certificates` is a folder with ``ca.pem``, ``server.pem`` and ``server-key.pem`` for a server that encrypts. MySQL
    encrypts always; it makes its own in ``folder/data``.

    Raises
    ------
    MissingServerError
        If its programs are missing or it does not start.
    """
    makers: dict[str, Callable[[Path, Path | None], Server]] = {
        "mariadb": _start_mariadb,
        "postgresql": _start_postgresql,
        "mysql": _start_mysql,
        OBJECT_STORE: _start_s3,
    }
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o755)  # the server's own user must be able to reach its data
    try:
        return makers[engine](folder, certificates)
    except subprocess.CalledProcessError as error:
        said = (error.stderr or error.stdout or b"").decode(errors="replace").strip()[-1000:]
        raise MissingServerError(f"{engine} could not be set up: {said}") from error


def is_alive(pid: int) -> bool:
    """Tell whether a process runs; one that ended and waits to be reaped does not."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def find_program(name: str, *folders: str) -> str | None:
    """Return the path of a program on PATH or in the places where servers are installed."""
    return shutil.which(name, path=os.pathsep.join((*folders, os.environ.get("PATH", ""), *_PLACES)))


def _unprivileged(*names: str) -> str | None:
    """Return the user to run a server as when we are root (servers refuse that), or None to stay who we are."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    return next((name for name in (*names, "nobody") if name in known), None)


def _owned_folder(path: Path, user: str | None) -> Path:
    path.mkdir()
    path.chmod(0o700)
    if user:
        shutil.chown(path, user)
    return path


def _given(file: Path, folder: Path, user: str | None) -> Path:
    """Give the server's user a copy of a file that nobody else may read."""
    copy = folder / file.name
    shutil.copy(file, copy)
    copy.chmod(0o600)
    if user:
        shutil.chown(copy, user)
    return copy


def _run_as(user: str | None) -> dict[str, object]:
    if not user:
        return {}
    return {"user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": []}


def _wait(server: Server, port: int, log: Path) -> Server:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and server.is_running():
        if _answers(server.url):
            return server
        time.sleep(0.1)
    server.stop()
    tail = log.read_text(errors="replace")[-1500:] if log.exists() else "no log"
    raise MissingServerError(f"The server on port {port} did not start: {tail}")


def _answers(url: str) -> bool:
    """Tell whether a client can log in, through the driver and not through the library under test."""
    try:
        connect_raw(url).close()
    except Exception:  # noqa: BLE001 - whatever a driver raises, the server is not ready
        return False
    return True


def connect_raw(url: str):
    """Open a plain driver connection in autocommit mode."""
    parts = urlsplit(url)
    if parts.scheme == "postgresql":
        import psycopg

        return psycopg.connect(url, autocommit=True, connect_timeout=5)
    import pymysql

    return pymysql.connect(
        host=parts.hostname,
        port=parts.port,
        user=parts.username,
        password=parts.password,
        autocommit=True,
        connect_timeout=5,
    )


# --- S3
def _start_s3(folder: Path, certificates: Path | None) -> Server:
    """Start a server that speaks S3 and forgets everything when it ends."""
    port, log = free_port(), folder / "server.log"
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, stdin=subprocess.DEVNULL)
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return Server(f"http://127.0.0.1:{port}", process)
        time.sleep(0.05)
    process.kill()
    process.wait()
    raise MissingServerError(f"The S3 server did not start: {log.read_text(errors='replace')[-1500:]}")


# --- MariaDB
def _start_mariadb(folder: Path, certificates: Path | None) -> Server:
    program = find_program("mariadbd") or find_program("mysqld")
    if (
        program
        and "MariaDB" not in subprocess.run([program, "--version"], capture_output=True, check=True).stdout.decode()
    ):
        program = None
    installer = find_program("mariadb-install-db") or find_program("mysql_install_db")
    if not program or not installer:
        raise MissingServerError(
            "MariaDB is not installed: `python -m tests.provision.install` as root, or set DJ_TEST_MARIADB_URL."
        )
    user = _unprivileged("mysql")
    data = _owned_folder(folder / "data", user)
    as_user = [f"--user={user}"] if user else []
    # A starting server clears its temporary folder, also the one that only sets up a data folder: no two may share one.
    scratch = _owned_folder(folder / "tmp", user)
    common = ["--no-defaults", f"--datadir={data}", f"--tmpdir={scratch}", *as_user]
    subprocess.run(
        [installer, *common, "--auth-root-authentication-method=normal", "--skip-test-db"],
        check=True,
        capture_output=True,
    )
    accounts = folder / "accounts.sql"
    accounts.write_text(
        "".join(
            f"CREATE OR REPLACE USER root@'{host}' IDENTIFIED BY '{PASSWORD}';"
            f"\nGRANT ALL ON *.* TO root@'{host}' WITH GRANT OPTION;\n"
            for host in ("localhost", "127.0.0.1")
        )
    )
    accounts.chmod(0o644)
    port, log = free_port(), folder / "server.log"
    options = [
        f"--port={port}", "--bind-address=127.0.0.1", f"--socket={data}/s", f"--pid-file={data}/pid", f"--init-file={accounts}",
        "--skip-name-resolve", "--innodb-flush-log-at-trx-commit=0", "--innodb-buffer-pool-size=64M", "--max-allowed-packet=256M",
        "--max-connections=300", "--skip-log-bin",
    ]  # fmt: skip
    if certificates:
        names = {"ssl-ca": "ca.pem", "ssl-cert": "server.pem", "ssl-key": "server-key.pem"}
        options += [f"--{option}={_given(certificates / name, scratch, user)}" for option, name in names.items()]
    with log.open("wb") as output:
        process = subprocess.Popen([program, *common, *options], stdout=output, stderr=output, stdin=subprocess.DEVNULL)
    return _wait(Server(f"mysql://root:{PASSWORD}@127.0.0.1:{port}/", process), port, log)


# --- PostgreSQL
def _postgresql_folders() -> list[str]:
    versions = Path("/usr/lib/postgresql")
    found = (
        sorted(versions.glob("*/bin"), key=lambda path: float(path.parent.name), reverse=True)
        if versions.is_dir()
        else []
    )
    return [str(path) for path in found]


def _start_postgresql(folder: Path, certificates: Path | None) -> Server:
    initdb = find_program("initdb", *_postgresql_folders())
    program = find_program("postgres", *_postgresql_folders())
    if not initdb or not program:
        raise MissingServerError(
            "PostgreSQL is not installed: `python -m tests.provision.install` as root, or set DJ_TEST_POSTGRESQL_URL."
        )
    user = _unprivileged("postgres")
    run_as = _run_as(user)
    data = _owned_folder(folder / "data", user)
    password = folder / "password"
    password.write_text(PASSWORD)
    password.chmod(0o644)
    # A language's order of text, unlike ours by code point: what forgets to ask for ours is seen.
    language = ["--locale-provider=icu", "--icu-locale=en-US"] if _offers_icu(initdb) else []
    account = ["-U", "postgres", f"--pwfile={password}", "--auth=scram-sha-256"]
    text = ["--encoding=UTF8", "--locale=C.UTF-8", *language]
    subprocess.run(
        [initdb, "-D", str(data), "--no-sync", *account, *text], check=True, capture_output=True, cwd="/", **run_as
    )
    port, log = free_port(), folder / "server.log"
    settings = {
        "listen_addresses": "127.0.0.1", "port": port, "unix_socket_directories": "", "fsync": "off", "synchronous_commit": "off",
        "full_page_writes": "off", "max_connections": 200, "max_locks_per_transaction": 256, "shared_buffers": "64MB",
    }  # fmt: skip
    if certificates:
        names = {"ssl_ca_file": "ca.pem", "ssl_cert_file": "server.pem", "ssl_key_file": "server-key.pem"}
        settings["ssl"] = "on"
        settings |= {setting: str(_given(certificates / name, data, user)) for setting, name in names.items()}
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    with log.open("wb") as output:
        process = subprocess.Popen(
            [program, "-D", str(data), *options],
            stdout=output,
            stderr=output,
            stdin=subprocess.DEVNULL,
            cwd="/",
            **run_as,
        )
    return _wait(Server(f"postgresql://postgres:{PASSWORD}@127.0.0.1:{port}/postgres", process), port, log)


def _offers_icu(initdb: str) -> bool:
    return b"icu-locale" in subprocess.run([initdb, "--help"], check=True, capture_output=True).stdout


# --- MySQL
def _start_mysql(folder: Path, certificates: Path | None) -> Server:
    if not MYSQL_TOOL.exists():
        raise MissingServerError("MySQL is not to be had: set DJ_TEST_MYSQL_URL to the address of a server.")
    programs, mine = _mysql_cache() / "root", folder / "root"
    if programs.is_dir():
        subprocess.run(["cp", "-al", str(programs), str(mine)], check=True, capture_output=True)
    done = subprocess.run([str(MYSQL_TOOL), "start", str(folder)], check=True, capture_output=True)
    if not programs.is_dir():
        _keep_programs(mine, programs)
    url = done.stdout.decode().strip().splitlines()[-1]
    server = Server(url, pid=int((folder / "pid").read_text()), end=[str(MYSQL_TOOL), "stop", str(folder)])
    return _wait(server, 0, folder / "data" / "mysqld.err")


def _mysql_cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "datajoint-tests" / "mysql"


def _keep_programs(unpacked: Path, programs: Path) -> None:
    """Keep the unpacked programs for the next session; a session that comes second finds the first one's."""
    part = programs.with_name(f"root.{os.getpid()}")
    part.parent.mkdir(parents=True, exist_ok=True)
    try:
        # Hard links where the file system allows them, else copies.
        if subprocess.run(["cp", "-al", str(unpacked), str(part)], check=False, capture_output=True).returncode:
            subprocess.run(["cp", "-a", str(unpacked), str(part)], check=True, capture_output=True)
        part.rename(programs)
    except (OSError, subprocess.CalledProcessError):
        shutil.rmtree(part, ignore_errors=True)
