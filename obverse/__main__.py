"""`python -m obverse` is the `obverse` command."""

import sys

from obverse.cli import main

if __name__ == "__main__":
    sys.exit(main())
