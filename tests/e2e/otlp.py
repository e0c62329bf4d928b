"""A collector: keeps the spans that daemons post to it as OTLP/HTTP JSON."""

import json
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True)
class Span:
    service: str
    name: str
    trace_id: str
    span_id: str
    parent_id: str
    failed: bool


@contextmanager
def collector():
    """(its address, the list that it fills)"""
    spans = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            spans.extend(_spans_of(body))
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *words):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", spans
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _spans_of(body):
    for resource in body["resourceSpans"]:
        service = next(one["value"]["stringValue"] for one in resource["resource"]["attributes"])
        for scope in resource["scopeSpans"]:
            for one in scope["spans"]:
                parent = one.get("parentSpanId", "")
                yield Span(service, one["name"], one["traceId"], one["spanId"], parent, "status" in one)
