"""Where things are. Everything that is made lies under `.chat/`, which git ignores."""

import os
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[3]
INFRA_DEV = REPOSITORY / "infra" / "dev"
MADE = REPOSITORY / ".chat"
CACHE = Path(os.environ.get("CHAT_CACHE_DIR") or MADE / "cache").absolute()
BINARIES = CACHE / "bin"


def build_folder(preset):
    return MADE / "build" / preset


class StackPaths:
    """The folders of one stack: `.chat/<stack>/{data,logs,run,secrets}`."""

    def __init__(self, name):
        self.root = MADE / name
        self.data = self.root / "data"
        self.logs = self.root / "logs"
        self.run = self.root / "run"
        self.secrets = self.root / "secrets"

    def create(self):
        for folder in (self.data, self.logs, self.run, self.secrets):
            folder.mkdir(parents=True, exist_ok=True)
        self.secrets.chmod(0o700)

    def log(self, process_name):
        return self.logs / f"{process_name}.log"
