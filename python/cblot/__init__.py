"""The blot operation of astronomy: resampling clean images onto distorted exposures."""

from importlib.metadata import version as _version

from cblot._build import build_info
from cblot._mapping import Mapping
from cblot._resample import blot_image, do_blot, interpolants
from cblot._wcs import IdentityMap, LinearMap, WCSMap

__version__ = _version("cblot")

__all__ = [
    "IdentityMap",
    "LinearMap",
    "Mapping",
    "WCSMap",
    "__version__",
    "blot_image",
    "build_info",
    "do_blot",
    "interpolants",
]
