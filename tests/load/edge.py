"""`infra/dev/chat bench --only edge`: what the gateway costs beside nginx doing the same job.

nginx with `auth_request` is the reference: same upstream (another nginx that answers from memory), same run, pairs in
turns. Counted is CPU time of the proxy alone, from /proc. The gateway checks an RS256 token and takes from three token
buckets in Redis at each request; nginx asks its upstream for permission. Both write an access log. Nothing else of the
platform runs.
"""

import base64
import json
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import time
import urllib.request
from contextlib import ExitStack

import bare
import generator
import measure
import rules
from chatdev import packages, services
from chatdev.complaint import Complaint

PACKAGES = {"nginx": "nginx", "wrk": "wrk", "redis-server": "redis-server", "openssl": "openssl"}
READY_S = 15
CONNECTIONS = 32
LATENCY_RATE = 500
PEAK_GOAL = "0.5 of nginx"
LATENCY_GOAL = "p50 0.5"
SUBJECT = "0190c6e8-5c2f-7b44-8000-00000000000"
ROUTE = "/v1/users/me"
ANSWER = json.dumps({"user_id": SUBJECT + "1", "handle": "ada", "display_name": "Ada", "bio": "b" * 120, "version": 1})

UPSTREAM = """
    server {{
      listen 127.0.0.1:{port} backlog=1024;
      default_type application/json;
      location = /auth {{ return 204; }}
      location = /internal/jwks.json {{ return 200 '{jwks}'; }}
      location = /internal/revocations {{ return 200 '{{"items":[]}}'; }}
      location / {{ return 200 '{answer}'; }}
    }}
"""
REFERENCE = """
    upstream service {{ server 127.0.0.1:{upstream}; keepalive 64; }}
    server {{
      listen 127.0.0.1:{port} backlog=1024;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      location / {{ auth_request /auth; proxy_pass http://service; }}
      location = /auth {{
        internal;
        proxy_pass http://service/auth;
        proxy_pass_request_body off;
        proxy_set_header Content-Length "";
      }}
    }}
"""
NGINX = """
daemon off;
worker_processes 1;
pid {folder}/{name}.pid;
error_log {folder}/{name}.log warn;
events {{ worker_connections 4096; }}
http {{
    access_log {log};
    keepalive_requests 100000000;
    client_body_temp_path {folder}/{name}-body;
    proxy_temp_path {folder}/{name}-proxy;
    fastcgi_temp_path {folder}/{name}-fastcgi;
    uwsgi_temp_path {folder}/{name}-uwsgi;
    scgi_temp_path {folder}/{name}-scgi;
{server}
}}
"""
# High enough never to refuse, so that the limiter does all of its work.
LIMITS = ("READ", "WRITE", "ADDRESS", "GLOBAL")


def base64url(raw):
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def openssl(*words, stdin=b""):
    """What the program prints."""
    command = ["openssl", *(str(word) for word in words)]
    return subprocess.run(command, input=stdin, check=True, capture_output=True, timeout=60).stdout


class Issuer:
    """A key of this run alone, in place of auth-service."""

    def __init__(self, folder):
        self.key = folder / "key.pem"
        openssl("genrsa", "-out", self.key, "2048")
        modulus = openssl("rsa", "-in", self.key, "-noout", "-modulus").decode().strip().partition("=")[2]
        key = {"kty": "RSA", "kid": "bench", "use": "sig", "alg": "RS256", "e": "AQAB"}
        self.jwks = json.dumps({"keys": [key | {"n": base64url(bytes.fromhex(modulus))}]})

    def token(self):
        now = int(time.time())
        header = {"alg": "RS256", "typ": "at+jwt", "kid": "bench"}
        claims = {"iss": "chat-app", "aud": "chat-app", "sub": SUBJECT + "1", "sid": SUBJECT + "2", "device_id": "bench"}
        claims |= {"role": "user", "iat": now, "exp": now + 36000, "jti": "bench"}
        text = ".".join(base64url(json.dumps(part).encode()) for part in (header, claims))
        return f"{text}.{base64url(openssl('dgst', '-sha256', '-sign', self.key, stdin=text.encode()))}"


def nginx(folder, name, server, log="off"):
    config = folder / f"{name}.conf"
    config.write_text(NGINX.format(folder=folder, name=name, server=server, log=log))
    return bare.running(["nginx", "-c", config, "-p", folder])


def gateway(folder, issuer_url, redis_port, port, ops_port, preset):
    binary = services.BY_NAME["api-gateway"].binary(preset)
    names = ("AUTH_SERVICE", "USER_SERVICE", "CHAT_SERVICE", "MESSAGE_SERVICE", "NOTIFICATION_SERVICE", "WEBSOCKET_GATEWAY")
    settings = {f"CHAT_{name}_URLS": issuer_url for name in names}
    settings |= {f"CHAT_{name}_INTERNAL_URLS": issuer_url for name in ("AUTH_SERVICE", "MESSAGE_SERVICE")}
    settings |= {"CHAT_JWKS_URLS": f"{issuer_url}/internal/jwks.json", "CHAT_READY_PORT_DISTANCE": "0"}
    settings |= {"CHAT_REDIS_URL": f"redis://127.0.0.1:{redis_port}/0", "CHAT_PORT": str(port), "CHAT_OPS_PORT": str(ops_port)}
    for name in LIMITS:
        settings |= {f"CHAT_RATE_{name}_PER_S": "1000000", f"CHAT_RATE_{name}_BURST": "1000000"}
    log = open(folder / "api-gateway.log", "wb")  # noqa: SIM115 - as long as the process
    return bare.running([binary], env={**os.environ, **settings}, stdout=log, stderr=log)


def wait_for(url, token, process):
    request = urllib.request.Request(url + ROUTE, headers={"Authorization": f"Bearer {token}"})
    deadline = time.monotonic() + READY_S
    while True:
        try:
            with urllib.request.urlopen(request, timeout=2) as answer:
                if answer.status == 200:
                    return
        except OSError as reason:
            if time.monotonic() > deadline or process.poll() is not None:
                raise Complaint(f"{url} does not answer: {reason}") from None
        time.sleep(0.05)


def cpu_seconds(pid):
    """Of a process and its children that live."""
    total = 0.0
    for folder in pathlib.Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                fields = (folder / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(folder.name) == pid or int(fields[1]) == pid:
                total += sum(int(field) for field in fields[11:13]) / measure.TICKS
    return total


class Door:
    """A proxy in front of the upstream."""

    def __init__(self, name, url, process, token):
        self.name, self.url, self.process, self.token = name, url, process, token
        self.rounds = []

    def peak(self, seconds):
        before = cpu_seconds(self.process.pid)
        command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "-H", f"Authorization: Bearer {self.token}"]
        text = subprocess.run([*command, self.url + ROUTE], capture_output=True, text=True, timeout=seconds + 60).stdout
        requests = int(re.search(r"(\d+) requests in", text).group(1))
        if re.search(r"Non-2xx|Socket errors: [^\n]*[1-9]", text):
            raise Complaint(f"{self.name} did not answer every request:\n{text}")
        used = cpu_seconds(self.process.pid) - before
        self.rounds.append({"requests": requests, "cpu_s": used, "per_cpu_s": requests / used, "per_s": requests / seconds})


def measure_latency(preset, folder, ports, token, seconds):
    people = folder / "people.json"
    person = {"user_id": SUBJECT + "1", "device_id": "bench", "token": token}
    chat = {"chat_id": SUBJECT + "3", "members": [SUBJECT + "1"]}
    people.write_text(json.dumps({"people": [person], "chats": [chat]}))
    doors = ",".join(f"127.0.0.1:{port}" for port in ports)
    numbers = {"rate": LATENCY_RATE, "warmup": 2, "seconds": seconds}
    return generator.run("edge", preset=preset, people=people, gateways=doors, **numbers)


def run(folder, report, seconds, pairs, busy, preset="release"):
    packages.require(PACKAGES)
    folder = pathlib.Path(folder)
    issuer = Issuer(folder)
    token = issuer.token()
    upstream, reference, redis, port, ops_port = bare.free_ports(5)
    with ExitStack() as stack:
        server = UPSTREAM.format(port=upstream, jwks=issuer.jwks, answer=ANSWER)
        stack.enter_context(nginx(folder, "upstream", server))
        server = REFERENCE.format(port=reference, upstream=upstream)
        nginx_process = stack.enter_context(nginx(folder, "reference", server, folder / "access.log"))
        redis_command = [shutil.which("redis-server"), "--port", redis, "--bind", "127.0.0.1", "--save", "", "--dir", folder]
        stack.enter_context(bare.running(redis_command, stdout=subprocess.DEVNULL))
        ours = gateway(folder, f"http://127.0.0.1:{upstream}", redis, port, ops_port, preset)
        gateway_process = stack.enter_context(ours)
        doors = [
            Door("api-gateway", f"http://127.0.0.1:{port}", gateway_process, token),
            Door("nginx auth_request", f"http://127.0.0.1:{reference}", nginx_process, token),
        ]
        for door in doors:
            wait_for(door.url, token, door.process)
            door.peak(1)
            door.rounds.clear()
        for number in range(pairs):
            for door in doors if number % 2 == 0 else reversed(doors):
                door.peak(seconds)
        latency = measure_latency(preset, folder, (upstream, port, reference), token, seconds)
    add_peak(report, doors, busy)
    add_latency(report, latency, busy)


def add_peak(report, doors, busy):
    report.keep("edge_peak", {door.name: door.rounds for door in doors})
    report.add(f"authenticated, limited GET, {CONNECTIONS} connections", "requests per CPU second / per second")
    for door in doors:
        medians = [statistics.median(one[key] for one in door.rounds) for key in ("per_cpu_s", "per_s")]
        report.add(f"  {door.name}", " / ".join(f"{value:.0f}" for value in medians), "", busy)
    ratios = [ours["per_cpu_s"] / theirs["per_cpu_s"] for ours, theirs in zip(doors[0].rounds, doors[1].rounds, strict=True)]
    report.add("  ratio", rules.spread(ratios), PEAK_GOAL, busy or rules.why_too_few(ratios))


def add_latency(report, latency, busy):
    report.keep("edge_latency", latency)
    void = busy or rules.why_late(latency) or ("requests failed" if latency["failed"] + latency["missed"] else "")
    report.add(f"{LATENCY_RATE} requests/s at each, ms", "p50 / p99")
    names = ("straight at the upstream", "api-gateway", "nginx auth_request")
    for number, name in enumerate(names):
        series = latency[f"door_{number}"]
        report.add(f"  {name}", f"{series['p50_ms']:.3f} / {series['p99_ms']:.3f}", "", void)
    added = [latency["door_1"][key] - latency["door_0"][key] for key in ("p50_ms", "p99_ms")]
    report.add("  added by the gateway", " / ".join(f"{value:.3f}" for value in added), LATENCY_GOAL, void)
