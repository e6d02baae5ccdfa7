"""teal, the editor of task parameters that stsci.tools has; only where a user asks for it."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from cblot.tasks import parameters
from cblot.tasks.parameters import Settings


def edit(settings: Settings) -> Any:
    """Let the user edit the parameters in teal's window.

    Parameters
    ----------
    settings : dict
        Values to begin with.

    Returns
    -------
    ConfigObj or None
        The edited values; None if the user cancelled.

    Raises
    ------
    RuntimeError
        If there is no stsci.tools, or no display.
    """
    try:
        import tkinter

        from stsci.tools import teal
    except ImportError as error:
        raise RuntimeError(
            f"editpars=True needs tkinter, and teal of the package stsci.tools: {error}"
        ) from error
    try:
        tkinter.Tk().destroy()
    except tkinter.TclError as error:
        raise RuntimeError(
            f"editpars=True needs a display to open teal's editor on ({error}); or pass the "
            "parameters as arguments or in a .cfg file"
        ) from error
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "cblot.cfg"
        path.write_text(parameters.config_text(settings), encoding="utf-8")
        return teal.teal(teal.load(str(path)), canExecute=False)
