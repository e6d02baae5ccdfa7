"""The blot operation of astronomy: resampling clean images onto distorted exposures."""

from cblot import _teal, ablot
from cblot._astrodrizzle import run_blot
from cblot._batch import blot_exposures
from cblot._build import __version__, build_info, get_cmake_dir, get_include
from cblot._mapping import Mapping
from cblot._maps import IdentityMap, LinearMap, WCSMap
from cblot._patch import patch_drizzlepac
from cblot._resample import blot_image, do_blot, interpolants, tblot
from cblot._tasks import blot
from cblot._tasks import getHelpAsString as getHelpAsString  # teal's Help button
from cblot._tasks import run as run  # teal's Execute button

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

_teal.offer_ablot()
