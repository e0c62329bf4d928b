"""docs/asyncapi names exactly the frames and topics that the code has.

websocket.yaml: `client.*` are the rows of the table in websocket-gateway/internal/ws/frames.c, `server.*` the types that
are written as "t" somewhere. events.yaml: its channels are libcommon/src/topics.c's. Read without a YAML library: names
stand at fixed places, as in the files themselves; tests/contracts reads them for good.
"""

import re

from chatdev.checks import source
from chatdev.paths import REPOSITORY

DOCUMENTS = REPOSITORY / "docs" / "asyncapi"
FRAMES = "websocket-gateway/internal/ws/frames.c"
TOPICS, TOPIC_NAMES = "libcommon/src/topics.c", "libcommon/include/common/topics.h"
WRITERS = ("websocket-gateway/internal/", "message-service/internal/", "chat-service/internal/", "libcommon/src/events/")

MESSAGE = re.compile(r"^    (client|server)\.(\w+):$", re.MULTILINE)
USED = re.compile(r"^      (client|server)\.(\w+):$", re.MULTILINE)
CHANNEL = re.compile(r"^  ([\w.]+):\n    address: \1$", re.MULTILINE)
ROW = re.compile(r'^    \{"(\w+)", (?:true|false), CC_OP_', re.MULTILINE)
WRITTEN = re.compile(r'ws_out_event\([^,]+, "(\w+)"\)|"t", "(\w+)"\)|return "(message(?:_\w+)?)";')
TOPIC = re.compile(r"^    \{(CC_TOPIC_\w+)(?: \"(\.dlq)\")?,", re.MULTILINE)
DEFINED = re.compile(r'^#define (CC_TOPIC_\w+)\s+"([^"]+)"', re.MULTILINE)


def check():
    frames, topics = DOCUMENTS / "websocket.yaml", DOCUMENTS / "events.yaml"
    described, used = (_by_side(pattern, frames) for pattern in (MESSAGE, USED))
    coded = {"client": set(ROW.findall(source.read(FRAMES))), "server": _written()}
    findings = []
    for side, names in coded.items():
        findings += _differences(frames, f"{side} frame", described[side], names)
        findings += _differences(frames, f"{side} frame of the channel", used[side], names)
    wanted = _topics()
    findings += _differences(topics, "topic", set(CHANNEL.findall(topics.read_text())), wanted)
    return findings, f"{sum(map(len, coded.values()))} frames, {len(wanted)} topics"


def _by_side(pattern, document):
    found = pattern.findall(document.read_text())
    return {side: {name for one, name in found if one == side} for side in ("client", "server")}


def _written():
    files = [name for name in source.files(".c") if name.startswith(WRITERS)]
    return {name for file in files for groups in WRITTEN.findall(source.read(file)) for name in groups if name}


def _topics():
    names = dict(DEFINED.findall(source.read(TOPIC_NAMES)))
    return {names[constant] + suffix for constant, suffix in TOPIC.findall(source.read(TOPICS))}


def _differences(document, what, documented, coded):
    place = f"{document.relative_to(REPOSITORY)}:1"
    found = [f"{place}: {what} {name} is not in the code" for name in sorted(documented - coded)]
    return found + [f"{place}: {what} {name} is not documented" for name in sorted(coded - documented)]
