"""Encryption: preferred, required, refused, verified, against private servers with a certificate authority of their own."""

import logging
import os
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

import pytest

import datajoint as dj
from datajoint.backends import mysql_session, postgres_session
from datajoint.errors import AccessError, DataJointError
from tests.provision.servers import MissingServerError, start

CIPHER = {
    "postgresql": "SELECT cipher FROM pg_stat_ssl WHERE pid = pg_backend_pid()",
}


def make_certificates(folder):
    """Make an authority, a certificate of it for 127.0.0.1 and no name, and another authority that knows nothing of it."""

    def run(*arguments):
        subprocess.run(["openssl", *arguments], check=True, capture_output=True, cwd=folder)

    for name in ("ca", "other"):
        run("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN=test {name}",
            "-keyout", f"{name}-key.pem", "-out", f"{name}.pem")  # fmt: skip
    run(
        "req",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-subj",
        "/CN=database",
        "-keyout",
        "server-key.pem",
        "-out",
        "server.csr",
    )
    (folder / "names").write_text("subjectAltName = IP:127.0.0.1")
    run("x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca-key.pem", "-CAcreateserial", "-days", "2",
        "-extfile", "names", "-out", "server.pem")  # fmt: skip


class Private:
    """A server that encrypts."""

    def __init__(self, engine, url, certificates):
        self.engine, self.url = engine, url
        self.ca, self.other = certificates / "ca.pem", certificates / "other.pem"

    def connect(self, settings, **options):
        return dj.Connection(options.pop("url", self.url), config_override=settings, **options)

    def cipher(self, connection):
        if self.engine == "postgresql":
            return connection.query(CIPHER[self.engine]).fetchone()[0]
        return connection.query("SHOW SESSION STATUS LIKE 'Ssl_cipher'").fetchone()[1]


@pytest.fixture(scope="module")
def certificates():
    if not shutil.which("openssl"):
        pytest.skip("openssl is not installed")
    folder = Path(tempfile.mkdtemp(prefix="dj-tls-"))
    make_certificates(folder)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="module", params=["mariadb", "postgresql", "mysql"])
def private(request, certificates):
    engine = request.param
    if engine not in request.config.getoption("--engines").split(","):
        pytest.skip(f"{engine} is not asked for")
    folder = Path(tempfile.mkdtemp(prefix="dj-tls-server-"))
    folder.chmod(0o755)  # the server has a user of its own
    try:
        server = start(engine, folder / "server", certificates)
    except MissingServerError as error:
        shutil.rmtree(folder, ignore_errors=True)
        is_fault = os.environ.get("CI", "").lower() == "true" and engine != "mysql"
        (pytest.fail if is_fault else pytest.skip)(f"{engine} cannot be had: {error}")
    made = Private(engine, server.url, certificates)
    if engine == "mysql":
        made.ca = folder / "server" / "data" / "ca.pem"
    yield made
    server.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def named(private):
    """Whether the server's certificate names where it is."""
    if private.engine == "mysql":
        pytest.skip("the certificate that MySQL makes names no machine")


@pytest.mark.parametrize("use_tls", [None, True])
def test_encryption_is_used_where_it_is_offered(private, settings, caplog, use_tls):
    with private.connect(settings, use_tls=use_tls) as connection:
        assert private.cipher(connection)
        assert connection.conn_info["ssl"] is True
        connection.connect()
        assert private.cipher(connection)
    assert "SSL connection failed" not in caplog.text


def test_without_encryption_if_it_is_refused(private, settings):
    with private.connect(settings, use_tls=False) as connection:
        assert not private.cipher(connection)
        assert "ssl" not in connection.conn_info
        assert connection.conn_info["ssl_input"] is False


def test_a_certificate_is_verified(private, settings, named):
    with private.connect(settings, use_tls={"ca": str(private.ca)}) as connection:
        assert private.cipher(connection)
    settings.database.use_tls = {"ca": str(private.ca)}
    with private.connect(settings) as connection:
        assert private.cipher(connection)


def test_a_certificate_of_another_authority_is_refused(private, settings, caplog):
    with pytest.raises(DataJointError, match=r"Cannot encrypt the connection.*certificate.*use_tls") as caught:
        private.connect(settings, use_tls={"ca": str(private.other)})
    assert caught.value.__cause__ is not None
    assert "Falling back" not in caplog.text


def test_the_name_in_the_certificate_counts_unless_it_is_not_to(private, settings, named):
    url = private.url.replace("127.0.0.1", "localhost")
    port = int(url.rsplit(":", 1)[1].split("/")[0])
    try:
        socket.create_connection(("localhost", port), 2).close()
    except OSError:
        pytest.skip("localhost is another address here")
    with pytest.raises(DataJointError, match="Cannot encrypt"):
        private.connect(settings, url=url, use_tls={"ca": str(private.ca)})
    with private.connect(settings, url=url, use_tls={"ca": str(private.ca), "check_hostname": False}) as connection:
        assert private.cipher(connection)


def test_an_authority_that_cannot_be_read_is_named(private, settings, tmp_path):
    with pytest.raises(DataJointError, match=r"certificate.*use_tls"):
        private.connect(settings, use_tls={"ca": str(tmp_path / "nothing.pem")})


def test_a_wrong_password_is_no_matter_of_encryption(private, settings, caplog):
    with pytest.raises(AccessError, match="Check the user and the password"):
        private.connect(settings, url=private.url.replace(":password@", ":wrong!@"))
    assert "SSL connection failed" not in caplog.text
    with private.connect(settings) as connection:
        assert private.cipher(connection)


# --- servers that do not encrypt
@pytest.fixture
def plain(engine, connection, url):
    """The address of a server that speaks no TLS."""
    if engine == "sqlite":
        pytest.skip("a file is not sent anywhere")
    if Private(engine, url, Path()).cipher(connection):
        pytest.skip("this server encrypts")
    return url


def test_encryption_that_cannot_be_had_is_an_error_if_it_is_required(plain, settings):
    with pytest.raises(DataJointError, match=r"encrypt.*database\.use_tls"):
        dj.Connection(plain, config_override=settings, use_tls=True)


def test_encryption_that_cannot_be_had_is_done_without_once_with_a_warning(plain, settings, caplog):
    for module in (mysql_session, postgres_session):
        module._without_tls.clear()
    with caplog.at_level(logging.WARNING, "datajoint"):
        for _ in range(2):
            dj.Connection(plain, config_override=settings).close()
    warned = [r.getMessage() for r in caplog.records if "SSL connection failed" in r.getMessage()]
    assert len(warned) == 1
    assert "Falling back to non-SSL" in warned[0]
