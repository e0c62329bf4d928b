"""TLS for chat-load, which speaks plain WebSocket: an nginx that opens TLS to a gateway for each of its connections. What
the gateway pays for TLS is measured at the gateway; what nginx pays counts for nothing.
"""

import pathlib
from contextlib import contextmanager

import bare
import edge
from chatdev import packages

PACKAGES = {"nginx": "nginx", "libnginx-mod-stream": None, "openssl": "openssl"}
MODULE = "/usr/lib/nginx/modules/ngx_stream_module.so"
NGINX = """
daemon off;
load_module {module};
worker_processes 1;
worker_rlimit_nofile {files};
pid {folder}/door.pid;
error_log {folder}/door.log warn;
events {{ worker_connections {files}; }}
stream {{
    server {{
        listen 127.0.0.1:{port} backlog=1024;
        proxy_ssl on;
        proxy_ssl_protocols TLSv1.3;
        proxy_ssl_session_reuse off;
        proxy_timeout 1h;
        proxy_pass {target};
    }}
}}
"""


def certificate(folder):
    """(chain, key): files of a certificate of this run."""
    key, chain = pathlib.Path(folder) / "door-key.pem", pathlib.Path(folder) / "door.pem"
    words = ("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-days", "2")
    edge.openssl(*words, "-keyout", key, "-out", chain)
    return str(chain), str(key)


@contextmanager
def opened(folder, target, files):
    """HOST:PORT that leads to `target` (HOST:PORT) over TLS; nginx may open so many files, two for each connection."""
    packages.require(PACKAGES)
    (port,) = bare.free_ports(1)
    config = pathlib.Path(folder) / "door.conf"
    config.write_text(NGINX.format(module=MODULE, files=files, folder=folder, port=port, target=target))
    with bare.running(["nginx", "-c", config, "-p", folder]):
        yield f"127.0.0.1:{port}"
