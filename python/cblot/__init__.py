"""The blot operation of astronomy: resampling clean images onto distorted exposures.

What has to do with WCS objects or files is imported, and astropy with it, when it is asked for.
"""

from typing import TYPE_CHECKING

from cblot import pars
from cblot.core.machine import __version__, build_info, get_cmake_dir, get_include, interpolants
from cblot.forks.lazy import lazily

if TYPE_CHECKING:
    from cblot import ablot
    from cblot.geometry.maps import IdentityMap, LinearMap, WCSMap
    from cblot.peers.patch import patch_drizzlepac
    from cblot.peers.tblot import tblot
    from cblot.resample import Mapping, blot_image, do_blot
    from cblot.tasks.astrodrizzle import run_blot
    from cblot.tasks.blot import blot
    from cblot.tasks.blot import getHelpAsString as getHelpAsString  # teal's Help button
    from cblot.tasks.blot import run as run  # teal's Execute button
    from cblot.tasks.threads import blot_exposures
else:
    __getattr__, __dir__ = lazily(
        __name__,
        {
            "ablot": (),
            "geometry.maps": ("IdentityMap", "LinearMap", "WCSMap"),
            "peers.patch": ("patch_drizzlepac",),
            "peers.tblot": ("tblot",),
            "resample": ("Mapping", "blot_image", "do_blot"),
            "tasks.astrodrizzle": ("run_blot",),
            "tasks.blot": ("blot", "getHelpAsString", "run"),
            "tasks.threads": ("blot_exposures",),
        },
    )

__all__ = [
    "IdentityMap",
    "LinearMap",
    "Mapping",
    "WCSMap",
    "__version__",
    "ablot",
    "blot",
    "blot_exposures",
    "blot_image",
    "build_info",
    "do_blot",
    "get_cmake_dir",
    "get_include",
    "interpolants",
    "patch_drizzlepac",
    "run_blot",
    "tblot",
]

pars.offer_ablot()
