"""What a log-in costs auth-service in CPU, beside bare Argon2id with the same parameters, in turns.

Bare is the same library (libargon2, through ctypes), one hash after the other. Log-ins go straight to auth-service, one
after the other on one connection, each from a device of its own; what the daemon uses while nobody asks is taken off.
"""

import ctypes
import http.client
import json
import os
import statistics
import time
import urllib.parse

import rules
from chatdev.complaint import Complaint

MEMORY_KIB, ITERATIONS, LANES = 19456, 2, 1  # auth-service's defaults
SALT_BYTES, HASH_BYTES, PHC_BYTES = 16, 32, 128
A_ROUND = 150  # log-ins, and hashes
ROUNDS = 5
IDLE_S = 5
GOAL = "1.05 of bare Argon2id"


class BareArgon2id:
    def __init__(self):
        try:
            self._library = ctypes.CDLL("libargon2.so.1")
        except OSError as reason:
            raise Complaint(f"libargon2: {reason}") from None
        self._out = ctypes.create_string_buffer(PHC_BYTES)

    def cpu_seconds(self, count, password):
        """Each."""
        began = time.process_time()
        for _ in range(count):
            salt = os.urandom(SALT_BYTES)
            code = self._library.argon2id_hash_encoded(
                ctypes.c_uint32(ITERATIONS), ctypes.c_uint32(MEMORY_KIB), ctypes.c_uint32(LANES),
                password, ctypes.c_size_t(len(password)), salt, ctypes.c_size_t(SALT_BYTES),
                ctypes.c_size_t(HASH_BYTES), self._out, ctypes.c_size_t(PHC_BYTES),
            )  # fmt: skip
            if code != 0:
                raise Complaint(f"argon2 failed with {code}")
        return (time.process_time() - began) / count


class LogIns:
    def __init__(self, url, email, password):
        where = urllib.parse.urlsplit(url)
        self._connection = http.client.HTTPConnection(where.hostname, where.port, timeout=30)
        self._fields = {"email": email, "password": password, "device_name": "bench"}
        self._count = 0

    def run(self, count):
        for _ in range(count):
            self._count += 1
            body = json.dumps(self._fields | {"device_id": f"bench-{self._count}"})
            self._connection.request("POST", "/v1/auth/login", body, {"Content-Type": "application/json"})
            answer = self._connection.getresponse()
            text = answer.read()
            if answer.status != 200:
                raise Complaint(f"a log-in was answered {answer.status}: {text[:200]}")


def cpu_seconds(pid):
    """Of all its threads, to the nanosecond."""
    with os.scandir(f"/proc/{pid}/task") as tasks:
        return sum(int(_read(f"{task.path}/schedstat").split()[0]) for task in tasks) / 1e9


def _read(path):
    with open(path) as file:
        return file.read()


def idle_share(pid):
    before = cpu_seconds(pid)
    time.sleep(IDLE_S)
    return (cpu_seconds(pid) - before) / IDLE_S


def run(pid, url, person, report, busy):
    """person: an api_client.Person whose address is verified."""
    bare, logins = BareArgon2id(), LogIns(url, person.email, person.password)
    logins.run(5)
    idle, rounds = idle_share(pid), []
    for _ in range(ROUNDS):
        hashed = bare.cpu_seconds(A_ROUND, person.password.encode())
        before, began = cpu_seconds(pid), time.monotonic()
        logins.run(A_ROUND)
        used = cpu_seconds(pid) - before - idle * (time.monotonic() - began)
        rounds.append({"bare_s": hashed, "login_s": used / A_ROUND, "ratio": used / A_ROUND / hashed})
    report.keep("login", {"rounds": rounds, "idle_cores": idle})
    medians = {key: statistics.median(one[key] for one in rounds) for key in rounds[0]}
    costs = f"m={MEMORY_KIB} t={ITERATIONS} p={LANES}"
    report.add(f"CPU of a log-in, {costs}", f"{medians['login_s'] * 1000:.2f} ms", "", busy)
    report.add("  bare Argon2id", f"{medians['bare_s'] * 1000:.2f} ms", "", busy)
    report.add("  ratio", rules.spread([one["ratio"] for one in rounds], digits=3), GOAL, busy)
