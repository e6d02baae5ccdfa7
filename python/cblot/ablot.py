"""drizzlepac.ablot's names."""

from cblot._astrodrizzle import PROCSTEPS_NAME, STEP_NUM, buildBlotParamDict, run_blot, runBlot
from cblot._resample import do_blot
from cblot._tasks import blot, getHelpAsString, help, run

__all__ = [
    "PROCSTEPS_NAME",
    "STEP_NUM",
    "blot",
    "buildBlotParamDict",
    "do_blot",
    "getHelpAsString",
    "help",
    "run",
    "runBlot",
    "run_blot",
]
