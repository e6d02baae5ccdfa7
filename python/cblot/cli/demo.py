"""``cblot demo``."""

from __future__ import annotations

import argparse

from cblot.demo.run import run


def run_demo(arguments: argparse.Namespace) -> int:
    """Do ``cblot demo``."""
    try:
        run(arguments.outdir, arguments.seed)
    except ImportError as error:
        if (error.name or "").split(".")[0] not in ("drizzle", "matplotlib"):
            raise
        raise RuntimeError("it needs the demo extra: pip install 'cblot[demo]'") from error
    return 0
