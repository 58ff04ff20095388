"""Start the bundled program: the window; `cnnviz-desktop cli ...` is the command line."""

import sys

if __name__ == "__main__":
    if sys.argv[1:2] == ["cli"]:
        from cnnviz_desktop.cli import main as command_line

        sys.exit(command_line(sys.argv[2:]))
    from cnnviz_desktop.gui.app import main as window

    sys.exit(window())
