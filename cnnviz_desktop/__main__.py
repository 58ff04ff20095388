"""Start the window without arguments, the command line with."""

from __future__ import annotations

import sys


def main() -> int:
    """Return the exit code of the face that was asked for."""
    if len(sys.argv) > 1:
        from cnnviz_desktop.cli import main as command_line

        return command_line()
    from cnnviz_desktop.gui.app import main as window

    return window()


if __name__ == "__main__":
    sys.exit(main())
