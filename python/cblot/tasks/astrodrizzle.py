"""The blot step inside AstroDrizzle: its image objects in, the files its next step reads out."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cblot import geometry
from cblot.core import arrays
from cblot.core.machine import __version__
from cblot.files import headers
from cblot.files.images import opened, simple
from cblot.files.names import split_name
from cblot.files.write import Inputs, write
from cblot.photometry import Scaling, exposure_time, sky_value
from cblot.tasks.chip import blotted
from cblot.tasks.parameters import Settings, as_boolean, settings_of

log = logging.getLogger(__name__)

STEP_NUM = 5
PROCSTEPS_NAME = "Blot"
_MEDIAN = "outMedian"
# Names of the step's parameters, and what the file task calls them.
_NAMES = {
    "blot_interp": "interpol",
    "blot_sinscl": "sinscl",
    "blot_addsky": "addsky",
    "blot_skyval": "skyval",
    "coeffs": "coeffs",
}


def _section(config: Mapping[str, Any]) -> Any:
    """Section of the blot step in AstroDrizzle's configuration."""
    for title in config:
        if f"STEP {STEP_NUM}:" in title:
            return config[title]
    raise ValueError(f"configObj must have a section 'STEP {STEP_NUM}: ...', got {list(config)}")


def buildBlotParamDict(configObj: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters of the blot step out of AstroDrizzle's configuration.

    Parameters
    ----------
    configObj : mapping
        With ``coeffs``, if any ``stepsize``, and the section of step 5; an empty one stands for
        AstroDrizzle's defaults.

    Returns
    -------
    dict
        ``blot_interp``, ``blot_sinscl``, ``blot_addsky``, ``blot_skyval``, ``coeffs``,
        ``stepsize``.

    Raises
    ------
    ValueError
        If there is no such section, or one of them is missing.
    """
    if not configObj:
        defaults = settings_of(None, {})
        return {key: defaults[name] for key, name in [*_NAMES.items(), ("stepsize", "stepsize")]}
    section = _section(configObj)
    names = [name for name in _NAMES if name != "coeffs"]
    parameters = {name: section[name] for name in names if name in section}
    if "coeffs" in configObj:
        parameters["coeffs"] = configObj["coeffs"]
    _check_complete(parameters, "configObj")
    parameters["stepsize"] = configObj.get("stepsize", 10)
    return parameters


def _check_complete(parameters: Mapping[str, Any], name: str) -> None:
    missing = [key for key in _NAMES if key not in parameters]
    if missing:
        raise ValueError(f"{name} must have {', '.join(_NAMES)}; missing: {', '.join(missing)}")


def _images(image_objects: Any) -> list[Any]:
    return [image_objects] if hasattr(image_objects, "returnAllChips") else list(image_objects)


class _Medians:
    """The median images of a run, each read once."""

    def __init__(self) -> None:
        self._name, self._pixels = "", np.empty((0, 0))

    def of(self, image: Any) -> NDArray[Any]:
        """Median that an image object names, or holds in memory."""
        median = image.getOutputName(_MEDIAN)
        if image.inmemory:
            return self._read(median)
        if median != self._name:
            self._name, self._pixels = median, self._read(median)
        return self._pixels

    @staticmethod
    def _read(median: Any) -> NDArray[Any]:
        with opened(median, _MEDIAN) as images:
            return arrays.as_source(images[0].pixels.read(), images[0].name)


def _conversion(chip: Any) -> Any:
    """Factor, or array of factors, from the chip's native units to the median's."""
    factor = np.asarray(chip._conversionFactor)
    if factor.dtype.kind not in "iuf" or not (np.isfinite(factor).all() and factor.all()):
        raise ValueError(
            f"{chip.outputNames['data']}: _conversionFactor must be finite and not 0, got "
            f"{chip._conversionFactor!r}"
        )
    if factor.ndim and factor.shape != tuple(chip.wcs.array_shape):
        raise ValueError(
            f"{chip.outputNames['data']}: _conversionFactor must be a number or of shape "
            f"{tuple(chip.wcs.array_shape)}, got shape {factor.shape}"
        )
    return factor


def _sky(chip: Any, settings: Settings) -> float | None:
    """Sky to add, in the chip's native units."""
    if not settings["addsky"]:
        return float(settings["skyval"])
    if chip.computedSky is None:
        return None
    return sky_value(chip.computedSky, "computedSky", str(chip.outputNames["data"]))


def _hdus(chip: Any, pixels: NDArray[Any], coeffs: bool, path: str) -> Any:
    """A simple image with the exposure's header, where its file is still there."""
    data = str(chip.outputNames["data"])
    with ExitStack() as stack:
        exposure, tables = None, list[Any]()
        if os.path.exists(split_name(data)[0]):
            exposure = stack.enter_context(opened(data, "data"))[0]
            tables = exposure.tables() if coeffs else []
        keywords = {
            "FILENAME": Path(path).name,
            "FILETYPE": ("SCI", "type of data in array"),
            "EXPTIME": (float(chip._exptime), "exposure time of this image (s)"),
        }
        header = headers.of_simple(
            exposure, grid=geometry.linear_keywords(chip.wcs),
            sip=coeffs and chip.wcs.sip is not None, tables=bool(tables), keywords=keywords,
            history=[f"cblot {__version__} blotted the median onto {data}."],
        )  # fmt: skip
    return simple(pixels, header, tables)


def run_blot(
    imageObjectList: Any,
    output_wcs: Any,
    paramDict: Mapping[str, Any],
    wcsmap: Any = None,
) -> None:
    """Blot AstroDrizzle's median onto every chip of its images.

    Parameters
    ----------
    imageObjectList : list or tuple of imageObject, or imageObject
        drizzlepac's own. What is blotted goes to the file, or the virtual output, that each chip
        names ``blotImage``, in the chip's native units.
    output_wcs : astropy.wcs.WCS
        WCS of the median.
    paramDict : mapping
        As of `buildBlotParamDict`; without ``stepsize`` it is 10.
    wcsmap : class or Mapping, optional
        See `do_blot`.

    Raises
    ------
    TypeError, ValueError
        For a parameter or a value of a chip that can't be used.
    OSError
        For a file that can't be read or written.

    Notes
    -----
    Pixels are the blotted median * ``_exptime`` / ``_conversionFactor``, plus ``computedSky`` (if
    ``blot_addsky``; None stands for none) or ``blot_skyval``. The chips' WCS stay as they were.
    """
    blot_images(imageObjectList, output_wcs, settings_of_step(paramDict), wcsmap)


def settings_of_step(parameters: Mapping[str, Any], legacy: bool = False) -> Settings:
    """Values for the file task of the step's; `legacy`: for drizzlepac's arithmetic."""
    _check_complete(parameters, "paramDict")
    given = {name: parameters[key] for key, name in _NAMES.items()}
    if "stepsize" in parameters:
        given["stepsize"] = parameters["stepsize"]
    return settings_of(None, {**given, "legacy": legacy})


def blot_images(images: Any, output_wcs: Any, settings: Settings, wcsmap: Any) -> None:
    """Do as `run_blot`, with values of the file task's parameters."""
    medians, chosen = _Medians(), _images(images)
    chips = [(image, chip) for image in chosen
             for chip in image.returnAllChips(extname=image.scienceExt)]  # fmt: skip
    read = [image.getOutputName(_MEDIAN) for image in chosen if not image.inmemory]
    inputs = Inputs([*read, *(str(chip.outputNames["data"]) for _, chip in chips)])
    scalings = []
    for image, chip in chips:  # before any work is done
        if not image.inmemory:
            inputs.check(Path(chip.outputNames["blotImage"]))
        scalings.append(_scaling(chip, settings))
    for (image, chip), scaling in zip(chips, scalings, strict=True):
        _blot_chip(image, chip, scaling, medians.of, output_wcs, settings, wcsmap)


def _scaling(chip: Any, settings: Settings) -> Scaling:
    """What makes a chip's pixels, in its native units, of the median."""
    time = exposure_time(chip._exptime, "_exptime", str(chip.outputNames["data"]))
    return Scaling(time, over=_conversion(chip), sky=_sky(chip, settings))


def _blot_chip(
    image: Any,
    chip: Any,
    scaling: Scaling,
    median_of: Callable[[Any], NDArray[Any]],
    output_wcs: Any,
    settings: Settings,
    wcsmap: Any,
) -> None:
    names = chip.outputNames
    made = blotted(
        median_of(image), (output_wcs, chip.wcs), settings, scaling,
        stepsize=settings["stepsize"], wcsmap=wcsmap,
    )  # fmt: skip
    names["driz_version"] = f"cblot {__version__}"
    path = names["blotImage"]
    hdus = _hdus(chip, made.image, settings["coeffs"], path)
    if image.inmemory:
        image.saveVirtualOutputs({path: hdus})
    else:
        write(hdus, Path(path))
        log.info("wrote %s: the median on %s", path, names["data"])


def runBlot(
    imageObjectList: Any,
    output_wcs: Any,
    configObj: Mapping[str, Any] = {},
    wcsmap: Any = None,
    procSteps: Any = None,
) -> None:
    """Do AstroDrizzle's blot step, if its configuration has it switched on.

    Parameters
    ----------
    imageObjectList : list of imageObject
        See `run_blot`.
    output_wcs : object
        Its attribute ``single_wcs`` is the WCS of the median.
    configObj : mapping, optional
        AstroDrizzle's configuration; an empty one stands for its defaults.
    wcsmap : class or Mapping, optional
        See `do_blot`.
    procSteps : object, optional
        AstroDrizzle's record of steps, with ``addStep`` and ``endStep``.

    Raises
    ------
    ValueError
        If `configObj` has no section of the blot step, and as of `run_blot`.
    """
    do_step(imageObjectList, output_wcs, configObj, wcsmap, procSteps, run_blot)


def do_step(
    image_objects: Any,
    output_wcs: Any,
    config: Mapping[str, Any],
    wcsmap: Any,
    steps: Any,
    blot_all: Any,
) -> None:
    """Do as `runBlot`, by a function that takes the arguments of `run_blot`."""
    images = _images(image_objects)
    if steps is not None:
        steps.addStep(PROCSTEPS_NAME)
        if not images:
            steps.endStep(PROCSTEPS_NAME, reason="skipped", delay_msg=True)
    if config and not as_boolean(_section(config)["blot"], "blot"):
        log.debug("the blot step is switched off")
        return
    blot_all(images, output_wcs.single_wcs, buildBlotParamDict(config), wcsmap=wcsmap)
    if steps is not None:
        steps.endStep(PROCSTEPS_NAME)
