"""Where a pair of WCS and the core meet: what they ask of geometry is imported when they do."""

from cblot.resample.blot import blot_image, do_blot
from cblot.resample.mapping import Mapping

__all__ = ["Mapping", "blot_image", "do_blot"]
