"""drizzlepac.ablot's names.

A folder of its own: teal looks for the parameters of an ``ablot`` below each module of this name,
and is to find none here, so that drizzlepac's count where it is there.
"""

from cblot.resample import do_blot
from cblot.tasks.astrodrizzle import PROCSTEPS_NAME, STEP_NUM, buildBlotParamDict, run_blot, runBlot
from cblot.tasks.blot import blot, getHelpAsString, help, run

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
