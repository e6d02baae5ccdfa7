"""WCS in, positions out; never a pixel.

What other rooms ask of it; it is imported when they do, and astropy with it.
"""

from typing import TYPE_CHECKING

from cblot.forks.lazy import lazily

if TYPE_CHECKING:
    from cblot.geometry.fingerprint import Fingerprint as Fingerprint
    from cblot.geometry.grid import linear_keywords as linear_keywords
    from cblot.geometry.grid import user_grid as user_grid
    from cblot.geometry.header import wcs_of_header as wcs_of_header
    from cblot.geometry.kept import plan_of as plan_of
    from cblot.geometry.pair import Pair as Pair
    from cblot.geometry.pair import output_shape as output_shape
    from cblot.geometry.pair import remark_on_shape as remark_on_shape
    from cblot.geometry.plan import Plan as Plan
else:
    __getattr__, __dir__ = lazily(
        __name__,
        {
            "geometry.fingerprint": ("Fingerprint",),
            "geometry.grid": ("linear_keywords", "user_grid"),
            "geometry.header": ("wcs_of_header",),
            "geometry.kept": ("plan_of",),
            "geometry.pair": ("Pair", "output_shape", "remark_on_shape"),
            "geometry.plan": ("Plan",),
        },
    )
