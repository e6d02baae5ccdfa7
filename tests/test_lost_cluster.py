"""A cluster whose scheduler dies in the middle of a run."""

from __future__ import annotations

import logging
import os
import signal
from pathlib import Path
from typing import Any

import pytest

import task_files as files
from cblot import distributed as cblot_distributed
from cblot.tasks import progress
from task_files import pixels

pytest.importorskip("distributed")
pytestmark = pytest.mark.filterwarnings("default::ResourceWarning")

CLUSTER = """
import sys
from distributed import LocalCluster

if __name__ == "__main__":
    with LocalCluster(n_workers=1, threads_per_worker=2, processes=False, protocol="tcp",
                      dashboard_address=":0") as cluster:
        print(cluster.scheduler_address, flush=True)
        sys.stdin.read()
"""


@pytest.mark.slow
@pytest.mark.parametrize("exposures", [1, 30])
def test_scheduler_dies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, exposures: int) -> None:
    """The run ends, and tells of every exposure; what was made is whole."""
    from distributed import Client

    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    data = files.write_data(tmp_path / "med.fits")
    names = [files.write_reference(tmp_path / f"e{k}_flt.fits", chips=2) for k in range(exposures)]
    cluster = files.process("-c", CLUSTER, stdin=-1)
    try:
        address = cluster.stdout.readline().strip()
        chip = progress.Progress.chip

        def kill(self: Any, outcome: Any) -> None:
            if cluster.poll() is None:
                os.kill(cluster.pid, signal.SIGKILL)
                cluster.wait()
            chip(self, outcome)

        monkeypatch.setattr(progress.Progress, "chip", kill)
        client = Client(address, timeout=3, set_as_default=False)
        try:
            result = cblot_distributed.blot_exposures(
                data, names, tmp_path / "out", client=client, summary=tmp_path / "s.json"
            )
        finally:
            client.close(timeout=1)
    finally:
        cluster.kill()
        cluster.communicate()
    assert not result.ok
    assert result.count("failed")
    assert {o.reference for o in result.outcomes} == {str(name) for name in names}
    assert result.count("done") + result.count("failed") == len(result.outcomes)
    assert {o.status for o in result.outcomes if o.reason} == {"failed"}
    lost = [o.reason for o in result.outcomes if o.status == "failed"]
    assert all("connection" in reason for reason in lost), lost
    assert (tmp_path / "s.json").exists()
    made = {Path(o.output).name for o in result.outcomes if o.status == "done"}
    assert made <= pixels(tmp_path / "out").keys()
