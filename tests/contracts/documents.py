"""The contracts of docs/, read for good: a YAML parser, JSON Schema, and references across files."""

import functools
import json
from pathlib import Path
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

import yaml
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

DOCS = Path(__file__).resolve().parents[2] / "docs"
ASYNCAPI, EVENTS = DOCS / "asyncapi", DOCS / "events"


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


def _retrieve(uri):
    return Resource(contents=read(Path(unquote(urlsplit(uri).path))), specification=DRAFT202012)


REGISTRY = Registry(retrieve=_retrieve)


def validator(path, pointer=""):
    """Judges instances by the schema at `pointer` of a file; its references may lead into other files."""
    schema = {"$ref": f"{path.as_uri()}#{pointer}"}
    return Draft202012Validator(schema, registry=REGISTRY, format_checker=Draft202012Validator.FORMAT_CHECKER)


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


def resolve(path, reference):
    """What a reference of the file `path` leads to; raises when it leads nowhere."""
    uri, pointer = urldefrag(urljoin(path.as_uri(), reference))
    node = read(Path(unquote(urlsplit(uri).path)))
    for step in pointer.split("/")[1:]:
        node = node[unquote(step).replace("~1", "/").replace("~0", "~")]
    return node


def complaints(judge, instance):
    return [f"{error.json_path}: {error.message}" for error in judge.iter_errors(instance)]
