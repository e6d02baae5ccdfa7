"""Run the command line: ``python -m cblot``."""

import sys

from cblot.cli.run import main

if __name__ == "__main__":
    sys.exit(main())
