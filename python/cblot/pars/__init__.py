"""The file task's parameters, in the files that teal looks for."""

from importlib import import_module
from importlib.util import find_spec


def offer_ablot() -> None:
    """Have ``teal.load("ablot")`` find cblot's parameters where there is no drizzlepac.

    teal looks among the modules that are imported, the first of them that is called ``ablot`` and
    has parameters: drizzlepac's must be the only one where it may come yet.
    """
    try:
        if find_spec("drizzlepac") is not None:
            return
    except ValueError:  # a stand-in for it
        return
    except ImportError:  # of a finder that refuses it
        pass
    import_module("cblot.pars.ablot")
