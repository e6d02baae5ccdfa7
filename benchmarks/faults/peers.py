"""The packages: what each calls the same thing. What one does not have raises `Nothing`."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.faults.verdict import Nothing, refusals


class Package:
    """A package that has none of it."""

    name = ""

    def load(self) -> None:
        """Import it, and what cases need of others."""
        from astropy.io import fits
        from astropy.wcs import WCS

        assert fits
        assert WCS

    def blot_image(self, image: Any, pixmap: Any, **keywords: Any) -> Any:
        """Blot through a pixel map: out, interp, sinscl, exptime, scale, fill."""
        raise Nothing

    def through_callback(self, image: Any, shape: tuple[int, int], answer: Any) -> Any:
        """Blot by the classic entry with a callback, linear, fill -9."""
        raise Nothing

    def do_blot(self, source: Any, source_wcs: Any, blot_wcs: Any, **keywords: Any) -> Any:
        """Blot from WCS to WCS, exposure time 1."""
        raise Nothing

    def blot_gwcs(self, source: Any, source_wcs: Any, blot_wcs: Any) -> Any:
        """Blot from WCS to WCS, of which one at least is of gwcs."""
        raise Nothing

    def blot_file(self, data: Any, reference: Any, outdata: Any, **parameters: Any) -> Any:
        """Blot from file to file, with no sky."""
        raise Nothing

    def only(self, name: str) -> None:
        """Leave a case to one package."""
        if name != self.name:
            raise Nothing


class Cblot(Package):
    name = "cblot"

    def load(self) -> None:
        super().load()
        import cblot

        assert cblot.interpolants()

    @refusals
    def blot_image(self, image, pixmap, *, out, interp, sinscl, exptime, scale, fill):  # type: ignore[no-untyped-def]
        import cblot

        return cblot.blot_image(image, pixmap, out_img=out, fillval=fill, exptime=exptime,
                                pix_ratio=scale, interp=interp, sinscl=sinscl)  # fmt: skip

    @refusals
    def through_callback(self, image, shape, answer):  # type: ignore[no-untyped-def]
        import cblot

        return _by_entry(cblot.tblot, image, shape, answer)

    @refusals
    def do_blot(self, source, source_wcs, blot_wcs, **keywords):  # type: ignore[no-untyped-def]
        import cblot

        return cblot.do_blot(source, source_wcs, blot_wcs, 1.0, **keywords)

    blot_gwcs = do_blot

    @refusals
    def blot_file(self, data, reference, outdata, **parameters):  # type: ignore[no-untyped-def]
        import cblot

        return cblot.blot(data, reference, outdata, **{"addsky": False, **parameters})


class Drizzlepac(Package):
    name = "drizzlepac"

    def load(self) -> None:
        super().load()
        _cdriz()

    @refusals
    def blot_image(self, image, pixmap, *, out, interp, sinscl, exptime, scale, fill):  # type: ignore[no-untyped-def]
        result = np.zeros(np.shape(pixmap)[:2], "f4") if out is None else out

        def callback(px: Any, py: Any) -> Any:
            row = int(py[0]) - 1
            return pixmap[row, :, 0] + 1.0, pixmap[row, :, 1] + 1.0

        _cdriz().tblot(image, result, 1, 50, 1, 40, scale, 1.0, 1.0, 1.0, "center", interp,
                       exptime, fill, sinscl, 1, callback)  # fmt: skip
        return result

    @refusals
    def through_callback(self, image, shape, answer):  # type: ignore[no-untyped-def]
        return _by_entry(_cdriz().tblot, image, shape, answer)

    @refusals
    def do_blot(self, source, source_wcs, blot_wcs, **keywords):  # type: ignore[no-untyped-def]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from drizzlepac import ablot
        return ablot.do_blot(source, source_wcs, blot_wcs, 1.0, **keywords)

    @refusals
    def blot_file(self, data, reference, outdata, **parameters):  # type: ignore[no-untyped-def]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from drizzlepac import ablot
        parameters = {"configObj": "defaults", "addsky": False, **parameters}
        return ablot.blot(data, reference, outdata, **parameters)


class Drizzle(Package):
    name = "drizzle"

    def load(self) -> None:
        super().load()
        from stcal.outlier_detection.utils import gwcs_blot

        assert gwcs_blot

    @refusals
    def blot_image(self, image, pixmap, *, out, interp, sinscl, exptime, scale, fill):  # type: ignore[no-untyped-def]
        from drizzle import cdrizzle

        result = np.zeros(np.shape(pixmap)[:2], "f4") if out is None else out
        cdrizzle.tblot(image, pixmap, result, scale=scale, kscale=1.0, interp=interp,
                       exptime=exptime, misval=fill, sinscl=sinscl)  # fmt: skip
        return result

    @refusals
    def blot_gwcs(self, source, source_wcs, blot_wcs):  # type: ignore[no-untyped-def]
        from stcal.outlier_detection.utils import gwcs_blot

        return gwcs_blot(source, source_wcs, blot_wcs.array_shape, blot_wcs)


def _cdriz() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from drizzlepac import cdriz
    return cdriz


def _by_entry(tblot: Callable[..., Any], image: Any, shape: tuple[int, int], answer: Any) -> Any:
    result = np.zeros(shape, "f4")
    tblot(image, result, 1, 50, 1, 40, 1.0, 1.0, 1.0, 1.0, "center", "linear", 1.0, -9.0, 1.0, 1,
          answer)  # fmt: skip
    return result


def package(name: str) -> Package:
    return {"cblot": Cblot, "drizzlepac": Drizzlepac, "drizzle": Drizzle}[name]()
