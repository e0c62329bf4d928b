"""docs/events: the schemas are schemas, and the golden files, which both ends are tested with, obey them."""

import documents
import pytest
from jsonschema import Draft202012Validator

SCHEMAS = sorted(documents.EVENTS.glob("*.schema.json"))
GOLDEN = sorted((documents.EVENTS / "golden").glob("*.json"))


def schema_of(golden):
    return documents.EVENTS / f"{'.'.join(golden.name.split('.')[:2])}.schema.json"


@pytest.mark.parametrize("path", SCHEMAS, ids=lambda path: path.name)
def test_a_schema_is_one_and_has_an_example(path):
    Draft202012Validator.check_schema(documents.read(path))
    for reference in documents.references(documents.read(path)):
        documents.resolve(path, reference)

    assert any(schema_of(golden) == path for golden in GOLDEN)


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.name)
def test_a_golden_event_obeys_its_schema_and_has_no_field_that_it_lacks(path):
    event = documents.read(path)

    assert documents.complaints(documents.validator(schema_of(path)), event) == []
    assert set(event) <= set(documents.read(schema_of(path))["properties"])


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.name)
def test_a_golden_event_that_lacks_what_is_required_is_refused(path):
    judge = documents.validator(schema_of(path))
    event = documents.read(path)

    for field in documents.read(schema_of(path))["required"]:
        broken = {key: value for key, value in event.items() if key != field}
        assert documents.complaints(judge, broken), f"nobody misses {field}"
