"""The task that ``teal.load("ablot")`` finds where there is no drizzlepac: cblot's, so named."""

from typing import TYPE_CHECKING

from cblot.forks.lazy import lazily

if TYPE_CHECKING:
    from cblot.tasks.blot import getHelpAsString, run
else:
    __getattr__, __dir__ = lazily(__name__, {"tasks.blot": ("getHelpAsString", "run")})

__all__ = ["getHelpAsString", "run"]
