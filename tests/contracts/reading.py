"""The documents of docs/ as data: YAML read strictly, references across files, and schemas in full. Shared with
tests/e2e, which judges what the fleet really says by them."""

import functools
import json
from pathlib import Path
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

import yaml

DOCS = Path(__file__).resolve().parents[2] / "docs"
ASYNCAPI, EVENTS, OPENAPI = DOCS / "asyncapi", DOCS / "events", DOCS / "openapi"

_BY_NAME = ("properties", "patternProperties", "$defs", "dependentSchemas")
_ONE = ("items", "additionalProperties", "propertyNames", "contains", "not")
_OF_THE_SAME = ("allOf", "anyOf", "oneOf")  # their schemas speak of the same object
_CLOSING = ("additionalProperties", "unevaluatedProperties")


class StrictLoader(yaml.CSafeLoader):
    """Refuses a key that comes twice: of two frames with one name, one would be lost without a word."""


def _mapping(loader, node):
    keys = [loader.construct_object(key) for key, _ in node.value]
    doubled = {key for key in keys if keys.count(key) > 1}
    assert not doubled, f"{node.start_mark}: {doubled} comes twice"
    return loader.construct_mapping(node, deep=True)


StrictLoader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


@functools.cache
def read(path):
    """Shared by all who ask: to be left as it is."""
    text = path.read_text()
    return json.loads(text) if path.suffix == ".json" else yaml.load(text, StrictLoader)


def references(node):
    """Every $ref of a document."""
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def locate(path, reference):
    """(file, node) that a reference of the file `path` leads to; raises when it leads nowhere."""
    uri, pointer = urldefrag(urljoin(path.as_uri(), reference))
    file = Path(unquote(urlsplit(uri).path))
    node = read(file)
    for step in pointer.split("/")[1:]:
        node = node[unquote(step).replace("~1", "/").replace("~0", "~")]
    return file, node


def resolve(path, reference):
    return locate(path, reference)[1]


def closed(path, schema, part=False):
    """A schema of the file `path` without references, that allows no field which it does not name. Clients have to take
    fields that are new to them, so the documents leave objects open; what is said today has to be documented today.
    `part`: another schema speaks of the same object, and closes it."""
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        file, target = locate(path, schema["$ref"])
        beside = {key: value for key, value in schema.items() if key not in ("$ref", "description")}
        assert not beside, f"{schema['$ref']} has {list(beside)} beside it"
        return closed(file, target, part)
    whole = dict(schema)
    for key in _BY_NAME:
        if key in schema:
            whole[key] = {name: closed(path, one) for name, one in schema[key].items()}
    for key in _ONE:
        if key in schema:
            whole[key] = closed(path, schema[key])
    for key in _OF_THE_SAME:
        if key in schema:
            whole[key] = [closed(path, one, part=True) for one in schema[key]]
    if not part and _names_fields(whole) and not any(key in whole for key in _CLOSING):
        whole["unevaluatedProperties"] = False
    return whole


def _names_fields(schema):
    return "properties" in schema or any(_names_fields(one) for key in _OF_THE_SAME for one in schema.get(key, ()))
