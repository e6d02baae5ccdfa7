"""drizzlepac with cblot's functions in the place of its own; nothing else imports drizzlepac."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Mapping
from functools import wraps
from types import TracebackType
from typing import Any, ClassVar, TypeAlias

from cblot import remarks, resample
from cblot.core.machine import is_classic
from cblot.peers.tblot import tblot
from cblot.tasks import astrodrizzle
from cblot.tasks import blot as task
from cblot.tasks.parameters import settings_of

# Of drizzlepac, a module's name and a function's: what takes its place.
Functions: TypeAlias = Mapping[tuple[str, str], Any]

_ABLOT, _CDRIZ = "drizzlepac.ablot", "drizzlepac.cdriz"
_STEPSIZE = 10  # AstroDrizzle's, whatever its configuration says


class Patch:
    """drizzlepac with cblot's functions in the place of its own, until `undo`.

    Also a context manager, which undoes it at its end. Where there are several, the last one
    counts, and drizzlepac's own functions come back when all are undone.
    """

    _active: ClassVar[list[Patch]] = []
    _saved: ClassVar[dict[tuple[str, str], Any]] = {}

    def __init__(self, functions: Functions) -> None:
        self._modules = {module: importlib.import_module(module) for module, _ in functions}
        self._functions = dict(functions)
        self._apply()

    def _apply(self) -> None:
        if self in self._active:
            return
        own = {
            (module, name): getattr(self._modules[module], name) for module, name in self._functions
        }
        if not self._active:
            self._saved.update(own)
        for (module, name), function in self._functions.items():
            setattr(self._modules[module], name, function)
        self._active.append(self)

    def undo(self) -> None:
        """Put back what was there before; a second time it does nothing."""
        if self not in self._active:
            return
        is_last = self._active[-1] is self
        self._active.remove(self)
        if not is_last:
            return
        below = self._active[-1]._functions if self._active else self._saved
        for place, function in self._functions.items():
            module, name = self._modules[place[0]], place[1]
            # What someone else has put there since stays.
            if getattr(module, name) is function:
                setattr(module, name, below[place])

    def __enter__(self) -> Patch:
        self._apply()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.undo()


def patch_drizzlepac(legacy: bool = False) -> Patch:
    """Make drizzlepac use cblot wherever it blots, AstroDrizzle included.

    Parameters
    ----------
    legacy : bool, default False
        True: with drizzlepac's numbers. ``ablot.blot`` and ``ablot.run`` work as with
        ``legacy=True`` (see `blot`); ``do_blot``, ``cdriz.tblot`` and AstroDrizzle's step in
        drizzlepac's float32 arithmetic, bit for bit, for nearest, linear, poly3 and poly5, and as
        ever for other interpolants. What a call says itself, by ``legacy=`` or ``classic=``,
        counts.

    Returns
    -------
    Patch
        Its method ``undo()``, or leaving it as a context manager, puts drizzlepac's own back.

    Raises
    ------
    ImportError
        If there is no drizzlepac.
    AttributeError
        If it is one that lacks any of these functions; it stays as it was.

    Warns
    -----
    UserWarning
        Once, if ``expout`` is a number in a call of drizzlepac's ``ablot.blot`` or ``ablot.run``:
        drizzlepac multiplies by the exposure time of the data as well, for which that number may
        make up.

    Examples
    --------
    >>> with cblot.patch_drizzlepac():
    ...     astrodrizzle.AstroDrizzle("*_flt.fits")  # doctest: +SKIP
    """
    functions = _legacy_functions() if legacy else _own_functions()
    return Patch(
        {
            **{(_ABLOT, name): function for name, function in functions.items() if name != "tblot"},
            (_ABLOT, "buildBlotParamDict"): astrodrizzle.buildBlotParamDict,
            (_CDRIZ, "tblot"): functions["tblot"],
        }
    )


def _own_functions() -> dict[str, Any]:
    told: list[str] = []

    def tell(config: Any, given: Mapping[str, Any]) -> None:
        """Warn once of an exposure time that may make up for drizzlepac's second one."""
        settings = settings_of(config, given)
        seconds, counts = settings["expout"], settings["out_units"] == "counts"
        if told or seconds == "input" or settings["legacy"] or not counts:
            return
        told.append(
            f"expout, {seconds:g} s, is the exposure time of the output, and is applied once: "
            "drizzlepac multiplies by the data's exposure time as well. Where expout makes up for "
            "that, pass the exposure time itself, or legacy=True for drizzlepac's numbers"
        )
        remarks.warn(told[0])

    @wraps(task.blot)
    def blot(
        data: Any, reference: Any, outdata: Any, configObj: Any = None,
        wcsmap: Any = None, editpars: bool = False, **input_dict: Any,
    ) -> Any:  # fmt: skip
        tell(configObj, input_dict)
        return task.blot(data, reference, outdata, configObj, wcsmap, editpars, **input_dict)

    @wraps(task.run)
    def run(configObj: Any, wcsmap: Any = None) -> Any:
        tell(configObj, {})
        return task.run(configObj, wcsmap)

    return {
        "blot": blot,
        "do_blot": resample.do_blot,
        "run": run,
        "runBlot": astrodrizzle.runBlot,
        "run_blot": astrodrizzle.run_blot,
        "tblot": tblot,
    }


def _classic(function: Callable[..., Any]) -> Callable[..., Any]:
    """Function with drizzlepac's arithmetic, where there is that of the interpolant."""
    signature = inspect.signature(function)

    @wraps(function)
    def classic(*arguments: Any, **keywords: Any) -> Any:
        given = signature.bind(*arguments, **keywords)
        given.apply_defaults()
        interp = given.arguments["interp"]
        keywords.setdefault("classic", isinstance(interp, str) and is_classic(interp))
        return function(*arguments, **keywords)

    return classic


def _legacy_functions() -> dict[str, Any]:
    do_blot = _classic(resample.do_blot)

    @wraps(task.blot)
    def blot(
        data: Any, reference: Any, outdata: Any, configObj: Any = None,
        wcsmap: Any = None, editpars: bool = False, **input_dict: Any,
    ) -> Any:  # fmt: skip
        given = {"legacy": True} | input_dict
        return task.blot(data, reference, outdata, configObj, wcsmap, editpars, **given)

    @wraps(task.run)
    def run(configObj: Any, wcsmap: Any = None) -> Any:
        return task.run(settings_of(configObj, {"legacy": True}), wcsmap)

    @wraps(astrodrizzle.run_blot)
    def run_blot(
        imageObjectList: Any,
        output_wcs: Any,
        paramDict: Any,
        wcsmap: Any = None,
    ) -> None:
        settings = astrodrizzle.settings_of_step({**paramDict, "stepsize": _STEPSIZE}, legacy=True)
        astrodrizzle.blot_images(imageObjectList, output_wcs, settings, wcsmap)

    @wraps(astrodrizzle.runBlot)
    def runBlot(
        imageObjectList: Any, output_wcs: Any, configObj: Mapping[str, Any] = {},
        wcsmap: Any = None, procSteps: Any = None,
    ) -> None:  # fmt: skip
        astrodrizzle.do_step(imageObjectList, output_wcs, configObj, wcsmap, procSteps, run_blot)

    return {
        "blot": blot,
        "do_blot": do_blot,
        "run": run,
        "runBlot": runBlot,
        "run_blot": run_blot,
        "tblot": _classic(tblot),
    }
