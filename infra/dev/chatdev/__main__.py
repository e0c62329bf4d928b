import os
import sys

from chatdev.cli import main

os.environ.pop("PYTHONPATH", None)  # it was for finding this package: daemons and tests shall not inherit it
sys.exit(main(sys.argv[1:]))
