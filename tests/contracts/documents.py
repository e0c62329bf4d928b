"""Judges by the contracts of docs/: JSON Schema, with references across files."""

from pathlib import Path
from urllib.parse import unquote, urlsplit

from jsonschema import Draft202012Validator
from reading import ASYNCAPI, EVENTS, OPENAPI, closed, read, references, resolve
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

__all__ = ["ASYNCAPI", "EVENTS", "OPENAPI", "closed", "complaints", "read", "references", "resolve", "validator"]


def _retrieve(uri):
    return Resource(contents=read(Path(unquote(urlsplit(uri).path))), specification=DRAFT202012)


REGISTRY = Registry(retrieve=_retrieve)


def validator(path, pointer=""):
    """Judges instances by the schema at `pointer` of a file; its references may lead into other files."""
    schema = {"$ref": f"{path.as_uri()}#{pointer}"}
    return Draft202012Validator(schema, registry=REGISTRY, format_checker=Draft202012Validator.FORMAT_CHECKER)


def complaints(judge, instance):
    return [f"{error.json_path}: {error.message}" for error in judge.iter_errors(instance)]
