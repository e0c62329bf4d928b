"""docs/asyncapi: AsyncAPI 3.0 documents whose references lead somewhere and whose examples obey their own schemas."""

import json
import os

import documents
import pytest
from jsonschema import Draft7Validator

FRAMES, TOPICS = documents.ASYNCAPI / "websocket.yaml", documents.ASYNCAPI / "events.yaml"
BOTH = pytest.mark.parametrize("path", [FRAMES, TOPICS], ids=lambda path: path.name)
MESSAGES = documents.read(FRAMES)["components"]["messages"]
EACH_FRAME = pytest.mark.parametrize("name", MESSAGES)


@pytest.fixture(scope="session")
def asyncapi():
    """The specification's own schema (npm: @asyncapi/specs)."""
    path = os.environ.get("CHAT_ASYNCAPI_SCHEMA")
    assert path, "CHAT_ASYNCAPI_SCHEMA is not set: run these tests with infra/dev/chat test"
    with open(path) as file:
        return Draft7Validator(json.load(file))


def payload_of(name):
    return documents.validator(FRAMES, f"/components/messages/{name}/payload")


@BOTH
def test_it_is_an_asyncapi_document(path, asyncapi):
    assert documents.complaints(asyncapi, documents.read(path)) == []


@BOTH
def test_every_reference_leads_somewhere(path):
    for reference in documents.references(documents.read(path)):
        documents.resolve(path, reference)


@BOTH
def test_every_message_is_on_a_channel_and_used_by_an_operation(path):
    document = documents.read(path)
    on_channels = {name for channel in document["channels"].values() for name in channel["messages"]}

    assert on_channels == set(document["components"]["messages"])
    if path == FRAMES:
        used = set(documents.references(document["operations"]))
        assert {f"#/channels/socket/messages/{name}" for name in on_channels} <= used


@EACH_FRAME
def test_a_frame_has_an_example_that_obeys_its_schema(name):
    example = MESSAGES[name]["examples"][0]["payload"]

    assert documents.complaints(payload_of(name), example) == []
    assert set(example) <= set(MESSAGES[name]["payload"]["properties"])


@EACH_FRAME
def test_a_frame_that_lacks_what_is_required_is_refused(name):
    example = MESSAGES[name]["examples"][0]["payload"]

    for field in MESSAGES[name]["payload"]["required"]:
        broken = {key: value for key, value in example.items() if key != field}
        assert documents.complaints(payload_of(name), broken), f"nobody misses {field}"


def test_a_topic_carries_the_event_of_its_name():
    document = documents.read(TOPICS)

    for name, message in document["components"]["messages"].items():
        assert message["payload"]["schema"]["$ref"] == f"../events/{name}.schema.json"
        assert {name, f"{name}.dlq"} <= set(document["channels"])
    assert len(document["components"]["messages"]) == len(list(documents.EVENTS.glob("*.schema.json")))
