"""`python -m videojobs.ops COMMAND`."""

import sys

from videojobs.ops.cli import main

if __name__ == "__main__":
    sys.exit(main())
