"""docs/openapi: OpenAPI 3.1 documents whose references lead somewhere. tests/e2e compares live answers with them."""

import documents
import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

COMMON = documents.OPENAPI / "common.yaml"
PATHS = sorted(documents.OPENAPI.glob("*.yaml"))
EACH = pytest.mark.parametrize("path", PATHS, ids=lambda path: path.name)


@EACH
def test_it_is_an_openapi_document(path):
    document = documents.read(path)
    judge = OpenAPIV31SpecValidator(document, base_uri=path.as_uri())

    assert document["openapi"].startswith("3.1.")
    assert [error.message for error in judge.iter_errors()] == []


def test_what_is_no_openapi_document_is_refused():
    broken = documents.read(COMMON) | {"paths": {"/v1/x": {"get": {"responses": {"200": {}}}}}}

    assert [error.message for error in OpenAPIV31SpecValidator(broken, base_uri=COMMON.as_uri()).iter_errors()]


@EACH
def test_every_reference_leads_somewhere(path):
    for reference in documents.references(documents.read(path)):
        documents.resolve(path, reference)


def test_every_shared_part_is_used():
    """What nothing leads to describes nothing, and is compared with nothing."""
    used = {reference.rpartition("#")[2] for path in PATHS for reference in documents.references(documents.read(path))}
    used |= set(documents.references(documents.read(documents.ASYNCAPI / "websocket.yaml")))
    kinds = documents.read(COMMON)["components"]

    unused = {f"/components/{kind}/{name}" for kind, parts in kinds.items() for name in parts}
    unused -= {one.rpartition("#")[2] for one in used}
    assert unused == set()


FIELDS = {"type": "object", "properties": {"a": {"type": "integer"}}}
MORE = {"allOf": [FIELDS, {"properties": {"b": {"type": "object"}}}]}
BY_REFERENCE = {"type": "array", "items": {"$ref": "common.yaml#/components/schemas/Block"}}
SOMEBODY = {"user_id": "0199f0e2-6c1a-7b1c-8d2e-3f4a5b6c7d04", "handle": "ada", "display_name": "Ada"}
BLOCK = {"user": SOMEBODY, "blocked_at": "2026-11-26T08:00:00.000Z"}


@pytest.mark.parametrize(
    "schema, instance, good",
    [
        (FIELDS, {"a": 1}, True),
        (FIELDS, {"a": 1, "b": 1}, False),
        (MORE, {"a": 1, "b": {"anything": 1}}, True),
        (MORE, {"a": 1, "b": {}, "c": 1}, False),
        (FIELDS | {"additionalProperties": True}, {"b": 1}, True),
        (BY_REFERENCE, [BLOCK], True),
        (BY_REFERENCE, [BLOCK | {"user": SOMEBODY | {"email": "ada@example.org"}}], False),
    ],
)
def test_a_closed_schema_allows_what_it_names(schema, instance, good):
    judge = Draft202012Validator(documents.closed(documents.OPENAPI / "user-service.yaml", schema))

    assert judge.is_valid(instance) == good


def test_the_codes_of_problems_are_those_of_the_page_on_errors():
    page = (documents.OPENAPI.parent / "errors.md").read_text()
    names = {line.split("|")[3].strip() for line in page.splitlines() if line.startswith("| CC_")}

    assert set(documents.read(COMMON)["components"]["schemas"]["ErrorCode"]["enum"]) == names
