"""List every command of the window once: its words, its keys, its tooltip, its menu."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QObject
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMenu, QMenuBar

from cnnviz_desktop.gui import theme
from cnnviz_desktop.gui.labels import ELLIPSIS


@dataclass(frozen=True)
class _Command:
    """One command. `keys` are in Qt's portable spelling; `checkable` ones are switches."""

    name: str
    text: str
    keys: str = ""
    tip: str = ""
    icon: str = ""
    checkable: bool = False


_LINE = _Command("", "")
_RECENT_IMAGES, _RECENT_SESSIONS, _RECENT_MODELS, _SAMPLES, _DEVICES, _FITS = (
    _Command(f"menu:{name}", text)
    for name, text in (
        ("recent_images", "Recent &pictures"),
        ("recent_sessions", "Recen&t sessions"),
        ("recent_models", "Recent mo&dels"),
        ("samples", "&Samples"),
        ("devices", "&Device"),
        ("fits", "&Fit pictures by"),
    )
)

_MENUS: dict[str, tuple[_Command, ...]] = {
    "&File": (
        _Command("open_images", f"&Open pictures{ELLIPSIS}", "Ctrl+O", "Add pictures", "folder"),
        _Command("open_folder", f"Open &folder{ELLIPSIS}", "Ctrl+Alt+O", "Add a folder"),
        _RECENT_IMAGES,
        _SAMPLES,
        _LINE,
        _Command(
            "open_session",
            f"Ope&n session{ELLIPSIS}",
            "Ctrl+Shift+O",
            "Go on where a saved session was left: model, pictures, pins, notes and results",
        ),
        _RECENT_SESSIONS,
        _Command("recover", "Reco&ver session", "", "What was on screen when CNNviz last stopped"),
        _Command(
            "save_session",
            "S&ave session",
            "Ctrl+S",
            "Keep all that is on screen in one file (.cnnviz)",
            "save",
        ),
        _Command(
            "save_session_as",
            f"Save sess&ion as{ELLIPSIS}",
            "Ctrl+Shift+S",
            "Keep it in another file",
        ),
        _LINE,
        _Command(
            "open_model",
            f"Open &model{ELLIPSIS}",
            "Ctrl+Shift+L",
            "A network or weights of your own: .pth, .safetensors, .pt2, .onnx, .py",
        ),
        _RECENT_MODELS,
        _LINE,
        _Command(
            "save_picture", f"Save pi&cture{ELLIPSIS}", "Ctrl+Alt+S", "Save what is shown as PNG"
        ),
        _Command(
            "export",
            f"&Export figure or data{ELLIPSIS}",
            "Ctrl+E",
            "Write PNG, SVG, PDF, NPZ or CSV with the record that makes it again",
            "export",
        ),
        _Command(
            "export_again",
            "E&xport again",
            "Ctrl+Shift+E",
            "Export what is shown like the last time, without asking, to a fresh name",
        ),
        _Command(
            "export_all",
            f"Export a&ll{ELLIPSIS}",
            "",
            "Every map of the layer, or every technique's result for every picture, to a folder",
        ),
        _LINE,
        _Command("remove_image", "&Remove picture", "Ctrl+Backspace", "Take it out of the session"),
        _Command("quit", "&Quit", "Ctrl+Q", "Leave CNNviz"),
    ),
    "&Edit": (
        _Command("undo", "&Undo", "Ctrl+Z"),
        _Command("redo", "&Redo", "Ctrl+Shift+Z"),
        _LINE,
        _Command("copy", "&Copy", "Ctrl+C", "Copy what is shown", "copy"),
        _Command("paste", "&Paste picture", "Ctrl+V", "Add the picture on the clipboard"),
        _LINE,
        _Command(
            "copy_python",
            "Copy as P&ython",
            "Ctrl+Shift+C",
            "The lines of Python that make this result again, to be pasted into a notebook",
            "code",
        ),
        _Command(
            "copy_command",
            "Copy as co&mmand",
            "Ctrl+Alt+C",
            "The command that makes this result again, to be pasted into a terminal",
            "terminal",
        ),
        _LINE,
        _Command("pin", "P&in unit", "P", "Keep the selected unit at hand, or no longer", "pin"),
        _LINE,
        _Command("find_layer", "Find &layer", "Ctrl+L", "Search the layer tree", "search"),
        _Command("find_channel", "Find c&hannel", "Ctrl+F", "Show only some channels"),
        _LINE,
        _Command("settings", f"S&ettings{ELLIPSIS}", "Ctrl+,", "Look, memory, threads, storage"),
    ),
    "&View": (
        _Command("tab_1", "&Predictions", "Ctrl+1"),
        _Command("tab_2", "&Explain", "Ctrl+2"),
        _Command("tab_3", "&Feature maps", "Ctrl+3"),
        _Command("tab_4", "F&ilters", "Ctrl+4"),
        _Command("tab_5", "&Unit", "Ctrl+5"),
        _Command("tab_6", "&Maximise", "Ctrl+6"),
        _Command("tab_7", "S&tatistics", "Ctrl+7"),
        _Command("tab_8", "Data&set", "Ctrl+8"),
        _Command("tab_9", "&Compare", "Ctrl+9"),
        _Command("tab_10", "Trainin&g", "Ctrl+0"),
        _LINE,
        _Command("next_image", "Ne&xt picture", "Ctrl+PgDown", "The next picture of the strip"),
        _Command("previous_image", "Pre&vious picture", "Ctrl+PgUp", "The one before"),
        _Command("next_conv", "Next c&onvolution", "Alt+Down", "The next convolution of the tree"),
        _Command("previous_conv", "P&revious convolution", "Alt+Up", "The one before"),
        _LINE,
        _Command("dark", "Dar&k", "Ctrl+Shift+D", "Light or dark", checkable=True),
        _Command("docks", "Si&de panels", "F11", "Show or hide both panels", checkable=True),
        _Command("inspector", "I&nspector", "I", "The strip below the maps", checkable=True),
        _LINE,
        _Command("larger", "&Larger interface", "Ctrl++", "Enlarge all text and controls"),
        _Command("smaller", "Sm&aller interface", "Ctrl+-", "Shrink all text and controls"),
        _Command("normal_size", "Normal si&ze", "Ctrl+Alt+0", "Text of the usual size"),
    ),
    "&Run": (
        _Command("run", "&Run", "F5", "Compute with the parameters of the form", "play"),
        _Command(
            "cancel",
            "&Cancel",
            "Esc",
            "Stop the work of this tab; a picture that grows ends with the best so far",
            "stop",
        ),
    ),
    "&Tools": (
        _DEVICES,
        _FITS,
        _Command("edit_input", f"&Input and class names{ELLIPSIS}", "", "Of the present network"),
        _Command(
            "fine_tune",
            f"Fine-t&une{ELLIPSIS}",
            "",
            "Teach the present network classes of your own, from a folder of pictures",
        ),
        _LINE,
        _Command(
            "manage_weights",
            f"Downloaded &weights{ELLIPSIS}",
            "",
            "What was downloaded, how large it is; delete it",
        ),
        _LINE,
        _Command(
            "log_result",
            "&Log to TensorBoard",
            "Ctrl+Alt+L",
            "Add the result in view to a log: its figure, its numbers and its record",
        ),
        _Command(
            "open_board",
            "Open in &TensorBoard",
            "",
            "Start TensorBoard on this machine and open it in the browser",
        ),
    ),
    "&Help": (
        _Command("help", "&Help on what is in view", "F1", "When to use it, how to read it"),
        _Command("whats_this", "&What is this?", "Shift+F1", "Click a control to learn what it is"),
        _Command("tour", "&Tour", "", "Six steps through the window, with what you have open"),
        _LINE,
        _Command("show_keys", "&Keyboard shortcuts", "Ctrl+F1", "All keys on one page"),
        _Command("report", f"&Report a problem{ELLIPSIS}", "", "Your words and the versions"),
        _Command("show_about", "&About CNNviz", "", "Version and licence"),
    ),
}


class Actions(QObject):
    """Every command as an action, by name, and all menus, by name."""

    def __init__(self, bar: QMenuBar, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._actions: dict[str, QAction] = {}
        self.menus: dict[str, QMenu] = {}  # by name: those of the bar, and those filled later
        for title, commands in _MENUS.items():
            menu = bar.addMenu(title)
            menu.setObjectName(f"{title.lstrip('&').lower()}Menu")
            menu.setToolTipsVisible(True)
            self.menus[title.lstrip("&").lower()] = menu
            for command in commands:
                self._add(menu, command)

    def __getitem__(self, name: str) -> QAction:
        return self._actions[name]

    def below(self, *names: str) -> QMenu:
        """Return a menu of some of the commands, for a button."""
        menu = QMenu()
        menu.setObjectName(f"{names[0]}Menu")
        menu.setToolTipsVisible(True)
        menu.addActions([self._actions[name] for name in names])
        return menu

    def all(self) -> list[QAction]:
        """List the actions in the order of the menus."""
        return list(self._actions.values())

    def _add(self, menu: QMenu, command: _Command) -> None:
        if not command.name:
            menu.addSeparator()
            return
        if command.name.startswith("menu:"):
            name = command.name.removeprefix("menu:")
            below = menu.addMenu(command.text)
            below.setObjectName(name)
            below.setToolTipsVisible(True)
            self.menus[name] = below
            return
        action = QAction(command.text, self)
        action.setObjectName(f"action_{command.name}")
        if command.keys:
            action.setShortcut(QKeySequence(command.keys))
        tip = command.tip or command.text.replace("&", "")
        action.setToolTip(tip)
        action.setCheckable(command.checkable)
        if command.icon:
            action.setIcon(theme.icon(command.icon))
        menu.addAction(action)
        self._actions[command.name] = action


def shortcuts() -> list[tuple[str, str, str]]:
    """List what every key does, as (keys, name of the command, what it does)."""
    listed = [
        (QKeySequence(command.keys).toString(QKeySequence.SequenceFormat.NativeText), command)
        for commands in _MENUS.values()
        for command in commands
        if command.keys
    ]
    plain = str.maketrans({"&": None, ELLIPSIS: None})
    return [(keys, command.text.translate(plain), command.tip) for keys, command in listed]
