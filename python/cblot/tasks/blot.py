"""`blot`: the order of steps from files to files."""

from __future__ import annotations

import inspect
import os
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from cblot.core.machine import __version__
from cblot.files import images, names, replace
from cblot.files.images import Image
from cblot.remarks import warn_all
from cblot.tasks import teal
from cblot.tasks.chip import make, one_image, paths_of, prepare, remarks_on
from cblot.tasks.parameters import Settings, config_text, in_effect, settings_of


def _inputs(settings: Settings, given: Mapping[str, Any]) -> dict[str, Any]:
    """Data, reference and outdata: the call's, else the configuration's."""
    inputs = {}
    for name, value in given.items():
        unset = value is None or (isinstance(value, str) and not value.strip())
        inputs[name] = settings[name] if unset else value
    needed = [name for name in inputs if name != "reference" or not settings["user_wcs"]]
    missing = [name for name in needed if isinstance(inputs[name], str) and not inputs[name]]
    if missing:
        raise ValueError(f"there is nothing to blot without {', '.join(missing)}")
    outdata = inputs["outdata"]
    if not isinstance(outdata, (str, os.PathLike)):
        raise TypeError(
            f"outdata must be the name of a file or a folder, got {type(outdata).__name__}"
        )
    return inputs


class SeveralChipsError(ValueError):
    """There are several chips where one was asked for."""


def blot_chips(
    data: Any,
    reference: Any,
    outdata: Any,
    settings: Settings,
    wcsmap: Any = None,
    *,
    only_one: bool = False,
) -> list[Path]:
    """Do as `blot`, with values of all parameters.

    Raises
    ------
    SeveralChipsError
        If there are several chips, and `only_one`: before any work, and before any warning.
    """
    settings, told = in_effect(settings)
    if not only_one:
        warn_all(told)
    given = _inputs(settings, {"data": data, "reference": reference, "outdata": outdata})
    with ExitStack() as stack:
        source = one_image(stack.enter_context(images.opened(given["data"], "data")))
        exposures: list[Image | None] = [None]
        if not isinstance(given["reference"], str) or given["reference"]:
            exposures = list(stack.enter_context(images.opened(given["reference"], "reference")))
        if only_one and len(exposures) > 1:
            raise SeveralChipsError(f"{given['reference']} has {len(exposures)} chips")
        if only_one:
            warn_all(told)
        paths = paths_of(given["outdata"], exposures)
        made = names.is_folder(given["outdata"])
        chips = prepare(source, source.wcs(), exposures, paths, settings, folder_is_made=made)
        if made:
            paths[0].parent.mkdir(parents=True, exist_ok=True)
        replace.sweep({path.parent for path in paths})
        warn_all(remarks_on(source))
        for chip in chips:
            told, _ = make(chip, source.pixels, wcsmap)
            warn_all(told)
    return paths


def blot(
    data: Any,
    reference: Any,
    outdata: Any,
    configObj: Any = None,
    wcsmap: Any = None,
    editpars: bool = False,
    **input_dict: Any,
) -> list[Path]:
    """Blot a clean image in a file onto the exposures of another, and write the result.

    Parameters
    ----------
    data : str, Path, HDUList or HDU
        Clean image: a median, or a drizzled mosaic. Names of files may end in an extension in
        brackets, ``[1]`` or ``[sci]`` or ``[SCI,2]``, and may be compressed (``.gz``, ``.fz``).
    reference : str, Path, HDUList or HDU
        Exposure to re-create: its grid with all distortion, sky, exposure time and headers are
        used. If it has several science extensions and none is named, every chip is made. Of an
        HDU alone, primary header and lookup tables are read from its file: pass the HDUList if
        those were changed.
    outdata : str or Path
        File to write; ``.fits`` is appended to a str without an ending of FITS. For several
        chips ``_sci1`` and so on (EXTNAME and EXTVER, lower case) comes before the ending. In a
        folder, which exists, or is made, it is the reference's with ``_sci1_blt``. A str that ends
        in a slash is a folder's, and so is a Path without an ending of FITS: it can't end in one.
        What exists must be a regular file. Its layout is as drizzlepac's, an empty primary HDU,
        with the exposure's primary header and HISTORY of how it was made, and the image as
        ``[SCI,1]`` with its own header; after it come the lookup tables of its WCS. EXPTIME,
        BUNIT and MDRIZSKY are those of the output.
    configObj : None, str, Path or mapping, optional
        Parameters: None or 'defaults' for the defaults, the path of a .cfg file, an object of
        teal's, or a dict with or without sections.
    wcsmap : class or Mapping, optional
        See `do_blot`.
    editpars : bool, default False
        Open teal's editor first, with the names of files too, and use what comes back; needs
        stsci.tools and a display.
    **input_dict
        Parameters by name, with ``blot_`` before it (``blot_skyval``) or without; they win over
        those of `configObj`:

        coeffs : bool, default True
            False: without the distortion of the reference.
        interpol, or interp : str, default 'poly5'
            Interpolant; see `interpolants`.
        sinscl : float, default 1.0
            Size of the sinc kernel in source pixels.
        stepsize : int or None, default 10
            Pixels between exactly mapped nodes; 0, 1 and None map every pixel exactly.
        addsky : bool, default True
            Add the sky of MDRIZSKY, which the clean image must be without: of the reference's
            science header, else of the data's headers, converted from the reference's units, as
            BUNIT tells, to those of the output.
        skyval : float, default 0.0
            Sky to add where `addsky` is False, in the units of the output.
        in_units, out_units : {'cps', 'counts'}, default 'cps' and 'counts'
            Units of the clean and of the blotted image.
        expkey : str, default 'exptime'
            Keyword of exposure times. The data's is needed only if `in_units` is 'counts', and
            may also be DRIZEXPT or TEXPTIME.
        expout : 'input' or float, default 'input'
            Exposure time of the output in seconds; 'input' takes the reference's. A number stands
            for the reference's in every way: MDRIZSKY in counts is that of so long an exposure.
        overwrite : bool, default True
            False: an output that exists is an error.
        threads : int or None, default None
            See `do_blot`.
        legacy : bool, default False
            Reproduce the numbers of drizzlepac 3.11's task, its faults included: times the data's
            exposure time once more; sky of the data's header, not converted; positions and
            arithmetic in float32, bit for bit, for nearest, linear, poly3 and poly5; `stepsize`
            not used.
        user_wcs : bool, default False
            Use those of the values below that are not None in place of the reference's without
            distortion. If all are given there need be no reference.
        outscale, orient : float
            Pixel scale in arcsec/pixel; position angle of the Y axis, north through east, in
            degrees.
        raref, decref : float
            CRVAL in degrees.
        xrefpix, yrefpix : float
            CRPIX.
        outnx, outny : int
            Shape in pixels.

    Returns
    -------
    list of Path
        The files that were written. Their pixels are, in `out_units`, the blotted rate /
        pix_ratio**2, times the output's exposure time for counts, plus the sky in every pixel,
        covered by the data or not.

    Raises
    ------
    TypeError, ValueError
        For an argument, a parameter or a keyword that can't be used.
    OSError
        For a file that can't be read or written. What was written before stays whole.

    Warns
    -----
    UserWarning
        If values of the user's WCS are given and `user_wcs` is False, or if the data covers no
        pixel of a chip.
    """
    settings = settings_of(configObj, input_dict)
    if editpars:
        named = {"data": data, "reference": reference, "outdata": outdata}
        shown = {k: os.fspath(v) for k, v in named.items() if isinstance(v, (str, os.PathLike))}
        edited = teal.edit(settings | {key: name for key, name in shown.items() if name})
        if edited is None:
            return []
        settings = settings_of(edited, {})
        data, reference, outdata = (None if k in shown else named[k] for k in named)
    return blot_chips(data, reference, outdata, settings, wcsmap)


def run(configObj: Any, wcsmap: Any = None) -> list[Path]:
    """Blot what a configuration tells to, its data, reference and outdata included.

    Parameters
    ----------
    configObj : str, Path or mapping
        See `blot`; left as it is.
    wcsmap : class or Mapping, optional
        See `do_blot`.

    Returns
    -------
    list of Path
        The files that were written.
    """
    return blot_chips(None, None, None, settings_of(configObj, {}), wcsmap)


def getHelpAsString(docstring: bool = False, show_ver: bool = True) -> str:
    """Help on the task, as text.

    Parameters
    ----------
    docstring : bool, default False
        Also the whole of `blot`'s documentation, before the table of parameters.
    show_ver : bool, default True
        Begin with the version.
    """
    parts = [f"cblot {__version__}"] if show_ver else []
    if docstring:
        parts.append(inspect.cleandoc(blot.__doc__ or ""))
    parts.append(config_text(settings_of(None, {})))
    return "\n\n".join(parts)


def help(file: str | os.PathLike[str] | None = None) -> None:
    """Print the help on the task, or write it to a file.

    Parameters
    ----------
    file : str or Path, optional
        Where to; what it held is replaced.
    """
    text = getHelpAsString(docstring=True)
    if file is None:
        print(text)
    else:
        replace.replace_text(Path(file), text + "\n")
