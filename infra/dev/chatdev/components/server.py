"""What every server has in common."""

import os
import signal


class Server:
    name = ""  # also of its log and pid file
    title = ""  # for people, with the version
    replaced_by = ""  # environment variable that names an external server instead
    port_names = ()  # keys of ports.SERVER_PORTS; the first is the one that clients use
    needs = ()  # names of servers that must be ready first
    user = None  # run as this user (None: ours)
    stop_signal = signal.SIGTERM
    ready_seconds = 60

    def install(self):
        """Fetches or builds what apt does not have into the cache; quick when it is there."""

    def data_folder(self, stack):
        return stack.paths.data / self.name

    def prepare(self, stack):
        """Makes the data folder and configuration files before the start."""
        self.data_folder(stack).mkdir(exist_ok=True)

    def command(self, stack):
        raise NotImplementedError

    def environment(self, stack):
        return dict(os.environ)

    def why_not_ready(self, stack):
        """None when it serves, else a short reason."""
        raise NotImplementedError

    def after_start(self, stack):
        """What must exist inside the server: databases, buckets. Safe to repeat."""

    def port(self, stack):
        return stack.port(self.port_names[0])
