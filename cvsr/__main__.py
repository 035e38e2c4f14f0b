"""`python -m cvsr`: see `cvsr.cli.main`."""

import sys

from cvsr.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
