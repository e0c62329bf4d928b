"""Whether what the fleet says is what docs/openapi and docs/asyncapi say: every answer and every frame that client.py
gets. What is not is remembered, and fails the test that got it (conftest.py)."""

import functools
import json
import re
import sys
from dataclasses import dataclass
from pathlib import Path

from jsonschema_rs import Draft202012Validator

sys.path.append(str(Path(__file__).resolve().parents[1] / "contracts"))

from reading import ASYNCAPI, OPENAPI, closed, locate, read  # noqa: E402

COMMON, FRAMES = OPENAPI / "common.yaml", ASYNCAPI / "websocket.yaml"
METHODS = ("get", "put", "post", "delete", "patch")
SHOWN = 300  # characters of a complaint; it may quote a whole page

COMPLAINTS = []


def complain(text):
    if text not in COMPLAINTS:
        COMPLAINTS.append(text)


def taken():
    """The complaints since the last time."""
    found = COMPLAINTS[:]
    COMPLAINTS.clear()
    return found


@functools.cache
def _judge(path, pointer):
    _, schema = locate(path, f"#{pointer}")
    return Draft202012Validator(closed(path, schema), validate_formats=True)


def _faults(path, pointer, instance):
    for error in _judge(path, pointer).iter_errors(instance):
        yield f"/{'/'.join(map(str, error.instance_path))}: {error.message}"[:SHOWN]


def documented_fields():
    """The names of all fields, in whatever is asked or said."""
    names = set()

    def look_into(node):
        for key, value in node.items() if isinstance(node, dict) else enumerate(node if isinstance(node, list) else ()):
            if key == "properties" and isinstance(value, dict):
                names.update(value)
            look_into(value)

    for document in (*OPENAPI.glob("*.yaml"), FRAMES):
        look_into(read(document))
    return names


# ---- answers


@dataclass(frozen=True)
class Operation:
    method: str
    path: str
    document: Path

    def __str__(self):
        return f"{self.method} {self.path} ({self.document.name})"

    @property
    def pointer(self):
        return f"/paths/{_escaped(self.path)}/{self.method.lower()}"

    def response(self, status):
        """(file, pointer) of the response; None when there is no such."""
        own = f"{self.pointer}/responses/{status}"
        declared = locate(self.document, f"#{self.pointer}/responses")[1]
        if str(status) in declared:
            return _followed(self.document, own)
        return _of_the_edge("any-operation", status) or _of_the_edge("unread", status)


def _escaped(text):
    return text.replace("~", "~0").replace("/", "~1")


def _followed(path, pointer):
    while "$ref" in (node := locate(path, f"#{pointer}")[1]):
        path, pointer = locate(path, node["$ref"])[0], node["$ref"].partition("#")[2]
    return path, pointer


def _of_the_edge(kind, status):
    """What the edge answers by itself, whatever is asked."""
    if str(status) in read(COMMON)["x-edge"][kind]:
        return _followed(COMMON, f"/x-edge/{kind}/{status}")
    return None


@functools.cache
def _operations():
    """[(pattern, {method: Operation})], the plain paths before those with names in them."""
    by_path = {}
    for document in sorted(OPENAPI.glob("*.yaml")):
        for path, methods in read(document)["paths"].items():
            for method in METHODS:
                if method in methods:
                    by_path.setdefault(path, {})[method.upper()] = Operation(method.upper(), path, document)
    ordered = sorted(by_path, key=lambda path: (path.count("{"), path))
    return [(re.compile(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(path))), by_path[path]) for path in ordered]


def judge_answer(answer):
    """An httpx.Response, read to its end."""
    method, path = answer.request.method, answer.request.url.raw_path.decode().partition("?")[0]
    operation = _operation_of(method, path)
    what, status = f"{operation or f'{method} {path}, which is not documented,'}: {answer.status_code}", answer.status_code
    where = operation.response(status) if operation else _of_the_edge("no-such-operation", status)
    if where is None:
        return complain(f"{what} is no documented answer: {answer.text[:SHOWN]}")
    for fault in _answer_faults(answer, *where):
        complain(f"{what}: {fault}")


def _operation_of(method, path):
    for pattern, methods in _operations():
        if method in methods and pattern.fullmatch(path):
            return methods[method]
    return None


def _answer_faults(answer, path, pointer):
    response = locate(path, f"#{pointer}")[1]
    for name in response.get("headers", {}):
        yield from _header_faults(answer, name, path, f"{pointer}/headers/{_escaped(name)}")
    kind = answer.headers.get("Content-Type", "").partition(";")[0]
    edge, declared = read(COMMON)["x-edge"], response.get("content", {})
    if str(answer.status_code) in edge["unread"] and not kind:
        return  # the library's own
    for name in edge["headers"]:
        yield from _header_faults(answer, name, COMMON, f"/x-edge/headers/{name}")
    if not declared:
        if answer.content:
            yield f"a body that is not documented: {answer.text[:SHOWN]}"
    elif kind not in declared:
        yield f"{kind or 'no'} media type instead of {', '.join(declared)}"
    else:
        yield from _body_faults(answer, path, f"{pointer}/content/{_escaped(kind)}/schema")


def _header_faults(answer, name, path, pointer):
    path, pointer = _followed(path, pointer)
    header = locate(path, f"#{pointer}")[1]
    value = answer.headers.get(name)
    if value is None:
        if header.get("required"):
            yield f"no {name}"
        return
    number = header["schema"].get("type") == "integer" and value.isdecimal()
    for fault in _faults(path, f"{pointer}/schema", int(value) if number else value):
        yield f"{name} {fault}"


def _body_faults(answer, path, pointer):
    try:
        body = json.loads(answer.content)
    except ValueError:
        yield f"no JSON: {answer.text[:SHOWN]}"
        return
    yield from _faults(path, pointer, body)
    if "problem" in answer.headers["Content-Type"] and body.get("status") != answer.status_code:
        yield f"/status: {body.get('status')}"


# ---- frames


@functools.cache
def _replies():
    """{type of a client's frame: names of the messages that answer it and have no type of their own}."""
    answers = {}
    for operation in read(FRAMES)["operations"].values():
        names = [one["$ref"].rpartition("/")[2] for one in operation.get("reply", {}).get("messages", [])]
        for message in operation["messages"]:
            side, _, kind = message["$ref"].rpartition("/")[2].partition(".")
            if side == "client":
                answers[kind] = [name for name in names if name.startswith("reply.")]
    return answers


def judge_frame(frame, asked=None):
    """A frame from a server; `asked`: the type of the frame that it answers, where that is known."""
    kind = frame.get("t")
    if kind is not None:
        names = [f"server.{kind}"] if f"server.{kind}" in read(FRAMES)["components"]["messages"] else []
    else:
        every = sorted({name for some in _replies().values() for name in some})
        names = _replies().get(asked, every)  # a test may have asked for what there is not
    what = f"frame {kind}" if kind else f"reply to {asked or 'a frame'}"
    if not names:
        return complain(f"{what} is not documented: {json.dumps(frame)[:SHOWN]}")
    faults = {name: list(_faults(FRAMES, f"/components/messages/{name}/payload", frame)) for name in names}
    if all(faults.values()):
        complain(f"{what}: {faults if len(faults) > 1 else faults[names[0]]}"[: 4 * SHOWN])
