"""``python -m capitation`` does what the command ``capitation`` does."""

import sys

from capitation.cli import main

if __name__ == "__main__":
    sys.exit(main())
