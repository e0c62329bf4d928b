"""A gateway of its own with a certificate, in front of the running fleet: TLS versions, and a new certificate at SIGHUP."""

import os
import signal
import socket
import ssl
import subprocess
import time

import pytest
from certificates import make_certificate, only_tls_1_1, whoever
from fleet import slowness

READY_S = 20


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class TlsGateway:
    def __init__(self, fleet, folder):
        self.folder, self.port = folder, free_port()
        self._log = fleet.logs / "api-gateway-tls.log"  # of all that ran, to be searched with the others
        daemon = fleet.daemons()["api-gateway-1"]
        settings = {"CHAT_PORT": str(self.port), "CHAT_OPS_PORT": str(free_port()), "CHAT_NODE_ID": "api-gateway-tls"}
        settings |= {"CHAT_TLS_CERTIFICATE_PATH": str(folder / "certificate.pem"), "CHAT_TLS_KEY_PATH": str(folder / "key.pem")}
        command = [daemon.executable, *daemon.arguments]
        with open(self._log, "ab") as log:
            self._log_from = log.tell()
            self.process = subprocess.Popen(command, env=daemon.environment | settings, stdout=log, stderr=log)

    def stop(self):
        self.process.terminate()
        return self.process.wait(timeout=30)

    def logged(self):
        """What this process has written."""
        return self._log.read_bytes()[self._log_from :].decode()

    def connect(self, context=None):
        """A connection and the bytes of the certificate it was given."""
        context = context or whoever()
        plain = socket.create_connection(("127.0.0.1", self.port), timeout=5)
        try:
            secure = context.wrap_socket(plain)
        except BaseException:
            plain.close()
            raise
        return secure, secure.getpeercert(binary_form=True)

    def wait_until(self, condition):
        deadline = time.monotonic() + READY_S * slowness()
        while True:
            try:
                if condition():
                    return
            except OSError:
                pass
            assert self.process.poll() is None and time.monotonic() < deadline, self.logged()[-1000:]
            time.sleep(0.05)


def get(connection, path):
    connection.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    answer = b""
    while b"\r\n\r\n" not in answer:
        part = connection.recv(65536)
        assert part, answer
        answer += part
    return int(answer.split()[1])


@pytest.fixture
def gateway(fleet, tmp_path):
    make_certificate(tmp_path, "first")
    one = TlsGateway(fleet, tmp_path)

    def answers():
        connection, _ = one.connect()
        with connection:
            return get(connection, "/.well-known/jwks.json") == 200

    one.wait_until(answers)
    yield one
    if one.process.poll() is None:
        assert one.stop() == 0


def test_requests_are_served_over_tls_1_2_and_up(gateway):
    context = ssl.create_default_context(cafile=gateway.folder / "certificate.pem")
    context.check_hostname = False
    connection, _ = gateway.connect(context)
    with connection:
        assert connection.version() == "TLSv1.3"
        assert get(connection, "/v1/bootstrap") == 401
    with pytest.raises((ssl.SSLError, ConnectionError)):
        gateway.connect(only_tls_1_1())


def test_a_new_certificate_is_read_at_sighup_and_a_bad_one_is_not(gateway):
    connection, first = gateway.connect()
    make_certificate(gateway.folder, "second")
    os.kill(gateway.process.pid, signal.SIGHUP)

    def has_changed():
        other, shown = gateway.connect()
        other.close()
        return shown != first

    gateway.wait_until(has_changed)
    with connection:
        assert get(connection, "/.well-known/jwks.json") == 200  # the open one lives on
    _, second = gateway.connect()
    (gateway.folder / "certificate.pem").write_text("no certificate")
    os.kill(gateway.process.pid, signal.SIGHUP)
    gateway.wait_until(lambda: "certificate not reloaded" in gateway.logged())
    other, shown = gateway.connect()
    with other:
        assert shown == second
        assert get(other, "/.well-known/jwks.json") == 200
