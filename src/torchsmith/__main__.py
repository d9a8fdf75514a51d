"""``python -m torchsmith`` and the ``torchsmith`` command."""

from __future__ import annotations

import sys


def main() -> int:
    """Run the command line; ``--version`` alone answers before anything else is loaded."""
    if sys.argv[1:] in (["--version"], ["-V"]):
        from torchsmith import __version__

        print(f"torchsmith {__version__}")
        return 0
    from torchsmith import cli

    return cli.run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
