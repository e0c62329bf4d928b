"""docs/openapi/<service>.yaml names exactly the public routes of <service>/internal/http/routes.c.

Read without a YAML library: paths stand at two spaces, methods at four, as in the files themselves. api-gateway is
compared one way only: what it documents must be routed, since its other routes are the services' own.
"""

import re

from chatdev.paths import REPOSITORY

ROUTE = re.compile(r'\{\s*"(GET|POST|PUT|PATCH|DELETE)",\s*"(/(?!internal/)[^"]+)"')
PATH = re.compile(r"^  (/\S+):$")
METHOD = re.compile(r"^    (get|post|put|patch|delete):$")


def check():
    findings, compared = [], 0
    for document in sorted((REPOSITORY / "docs" / "openapi").glob("*.yaml")):
        routes = REPOSITORY / document.stem / "internal" / "http" / "routes.c"
        if routes.exists():
            findings += _compare(document, routes)
            compared += 1
    return findings, f"{compared} services"


def _compare(document, routes):
    documented, routed = operations_of(document), set(ROUTE.findall(routes.read_text()))
    found = _findings(routes, documented - routed, "is documented, not routed")
    if document.stem != "api-gateway":
        found += _findings(document, routed - documented, "is routed, not documented")
    return found


def _findings(file, operations, fault):
    return [f"{file.relative_to(REPOSITORY)}:1: {verb} {path} {fault}" for verb, path in sorted(operations)]


def operations_of(document):
    """{(method, path)} that a document names."""
    operations, path = set(), None
    for line in document.read_text().splitlines():
        if match := PATH.match(line):
            path = match.group(1)
        elif path and (match := METHOD.match(line)):
            operations.add((match.group(1).upper(), path))
    return operations
