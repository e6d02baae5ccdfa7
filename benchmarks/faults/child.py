"""One case in this process: ``python -m benchmarks.faults.child PACKAGE NAME``."""

from __future__ import annotations

import json
import sys
import warnings

from benchmarks.faults import peers, verdict
from benchmarks.faults.cases import GROUPS


def main(package: str, name: str) -> None:
    warnings.simplefilter("ignore")
    case = next(case for group in GROUPS for case in group.cases if case.name == name)
    result = verdict.verdict(case, peers.package(package))
    print(json.dumps(result), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
