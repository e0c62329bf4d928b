"""`infra/dev/chat demo`: a story told by the running fleet.

`main` makes sure that there is a fleet, then hands over to `tell`, which gets the addresses and nothing else.
"""

from chatdev import addresses, services
from chatdev.complaint import Complaint
from chatdev.fleet import Fleet
from chatdev.progress import say
from chatdev.stack import Stack


def main(options):
    stack = Stack(options.stack)
    running = Fleet.remembered(stack)
    if running is None:
        raise Complaint("the fleet does not run: infra/dev/chat up")
    if running.missing:
        raise Complaint(f"the fleet isn't built completely, it lacks {', '.join(running.missing)}: infra/dev/chat up")
    gateway = services.Daemon(services.BY_NAME["api-gateway"], 0)
    return tell(api_url=gateway.url(stack), mailpit_url=addresses.mailpit_url(stack))


def tell(api_url, mailpit_url):
    """The story itself: two people register (their codes arrive at mailpit_url), meet in a chat and talk."""
    say(f"The fleet is ready at {api_url}; mails arrive at {mailpit_url}. The story is still to be written.")
