"""The task that ``teal.load("ablot")`` finds where there is no drizzlepac: cblot's, so named."""

from cblot._tasks import getHelpAsString, run

__all__ = ["getHelpAsString", "run"]
