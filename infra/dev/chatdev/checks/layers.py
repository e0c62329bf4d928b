"""Who may include what: rules of the domain know no driver, and no service knows another's headers."""

import re
from pathlib import PurePosixPath

from chatdev.checks import source
from chatdev.services import BY_NAME

INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^">]+)[">]', re.MULTILINE)
DRIVERS = (
    "jansson", "libpq", "postgresql/", "mongoc", "bson", "librdkafka", "rdkafka",
    "microhttpd", "hiredis", "curl/", "libwebsockets",
)  # fmt: skip


def check():
    findings = []
    names = source.c_files()
    for name in names:
        text = source.read(name)
        for match in INCLUDE.finditer(text):
            if problem := _problem(name, match.group(1)):
                findings.append(f"{name}:{text.count(chr(10), 0, match.start(1)) + 1}: {problem}")
    return findings, f"{len(names)} files"


def _problem(name, included):
    parts = PurePosixPath(name).parts
    if "domain" in parts and source.is_production(name) and included.startswith(DRIVERS):
        return f"domain/ must not include {included}: put it behind an interface in storage/, http/ or events/"
    owner = parts[0]
    for service in BY_NAME:
        if service != owner and service in PurePosixPath(included).parts and owner != "tests":
            return f"{owner} must not include {included}: what both need belongs to libcommon"
    return None
