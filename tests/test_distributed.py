"""Dask: the same bits on a cluster, with workers that are lost, and lazily."""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import dask
import numpy as np
import pytest
from astropy.io import fits

import cblot
import task_files as files
from cblot import distributed as cblot_distributed
from cblot.files import replace
from cblot.tasks import cluster, progress
from cblot.tasks import outcome as outcomes
from conftest import INTERPOLANTS, Pair, sky_image
from task_files import Night, pixels
from test_windows import SOURCE_WCS, Shifted, tan

da = pytest.importorskip("dask.array")
pytest.importorskip("distributed")

pytestmark = [
    pytest.mark.filterwarnings(
        "default::ResourceWarning",
        "ignore:Sending large graph",
        # What cblot silences is heard where the cluster's threads set the process's filters back.
        "ignore::astropy.wcs.FITSFixedWarning",
    ),
    pytest.mark.xdist_group("cluster"),
]


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    """Two workers, in processes of their own."""
    from distributed import Client, LocalCluster

    arguments: dict[str, Any] = {"n_workers": 2, "threads_per_worker": 2, "processes": True}
    with (
        LocalCluster(**arguments, dashboard_address=":0", silence_logs=logging.CRITICAL) as cluster,
        Client(cluster, set_as_default=False) as client,
    ):
        yield client


def test_cluster_gives_the_same_bits(client: Any, night: Night, tmp_path: Path) -> None:
    data, exposures, _ = night
    cblot.blot_exposures(data, exposures, tmp_path / "one", interp="lanczos3")
    result = cblot_distributed.blot_exposures(
        data, exposures, tmp_path / "many", client=client, interp="lanczos3",
        summary=tmp_path / "s.json",
    )  # fmt: skip
    assert result.ok
    assert result.jobs == 4
    assert pixels(tmp_path / "many") == pixels(tmp_path / "one")
    names = [f"e{k}_flt_sci{v}_blt.fits" for k in range(5) for v in (1, 2)]
    assert [path.name for path in result.outputs] == names
    assert sorted(p.name for p in (tmp_path / "many").iterdir()) == names
    assert (tmp_path / "s.json").exists()
    assert 0 < result.bytes_read <= 10 * 4 * np.prod(files.SOURCE_SHAPE)
    assert result.bytes_written == sum(path.stat().st_size for path in result.outputs)
    assert result.outcomes[0].reference == str(exposures[0])
    # On one machine and on a cluster, a run resumes the other's.
    again = cblot_distributed.blot_exposures(
        data, exposures, tmp_path / "one", client=client, interp="lanczos3", resume=True
    )
    assert again.count("skipped") == 10


def test_results_that_are_returned(client: Any, night: Night, tmp_path: Path) -> None:
    data, exposures, _ = night
    result = cblot_distributed.blot_exposures(data, exposures[:2], None, client=client)
    cblot.blot_exposures(data, exposures[:2], tmp_path / "one")
    expected = pixels(tmp_path / "one")
    assert result.outputs == []
    assert [outcome.name for outcome in result.outcomes] == [
        f"{path}[SCI,{v}]" for path in exposures[:2] for v in (1, 2)
    ]
    assert len(json.loads(result.to_json())["outcomes"]) == 4  # without images
    for outcome, name in zip(result.outcomes, expected, strict=True):
        assert outcome.hdus[1].data.tobytes() == expected[name]
        assert outcome.hdus[0].header["FILENAME"] == name
    assert sorted(tmp_path.glob("*.fits")) == sorted([data, *exposures])


def test_a_folder_in_ones_home(
    client: Any, night: Night, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, exposures, _ = night
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    result = cblot_distributed.blot_exposures(data, exposures[:1], "~/out", client=client)
    assert [path.parent for path in result.outputs] == [tmp_path / "home" / "out"] * 2
    with pytest.raises(TypeError, match="outdir must be the name of a folder, got int"):
        cblot_distributed.blot_exposures(data, exposures[:1], 3, client=client)


def test_failures_are_told(client: Any, night: Night, tmp_path: Path) -> None:
    data, exposures, _ = night
    (tmp_path / "text_flt.fits").write_text("no FITS")
    poor = files.write_reference(tmp_path / "poor_flt.fits", chips=2, CTYPE1=None)
    bad = [tmp_path / "text_flt.fits", tmp_path / "none.fits", poor]
    (tmp_path / "d").mkdir()
    twin = files.write_reference(tmp_path / "d" / "e0_flt.fits", chips=2)
    result = cblot_distributed.blot_exposures(
        data, [*bad, *exposures, twin], tmp_path / "out", client=client
    )
    assert (result.count("done"), result.count("failed")) == (10, 5)
    reasons = [outcome.reason for outcome in result.outcomes if outcome.reason]
    assert "can't be read as a FITS file" in reasons[0]
    assert "there is no file" in reasons[1]
    assert "poor_flt.fits[SCI,1]" in reasons[2]
    assert "its output would be e0_flt_sci1_blt.fits" in reasons[4]
    with pytest.raises(FileNotFoundError, match="data: there is no file"):
        cblot_distributed.blot_exposures("none.fits", exposures, tmp_path / "x", client=client)
    with pytest.raises(TypeError, match="client must be a distributed.Client, got NoneType"):
        cblot_distributed.blot_exposures(data, exposures, tmp_path / "x", client=None)
    with fits.open(data) as hdus, pytest.raises(TypeError, match="on a cluster images must be"):
        cblot_distributed.blot_exposures(hdus, exposures, tmp_path / "y", client=client)


def test_threads_follow_the_workers(client: Any) -> None:
    """Alone on a worker of two threads a task has both."""
    assert client.submit(cluster._share, pure=False).result() == 2


def without_a_share() -> None:
    """Have a task of this process take a number of threads that no chip can be made with."""
    cluster._share = lambda: -1


def test_threads_that_are_asked_for(client: Any, night: Night, tmp_path: Path) -> None:
    """They count in the place of a task's share."""
    data, exposures, _ = night
    client.run(without_a_share)
    for given, made in (({}, 0), ({"threads": 1}, 2)):
        result = cblot_distributed.blot_exposures(
            data, exposures[:1], tmp_path / "out", client=client, **given
        )
        assert result.count("done") == made, result.as_dict()
    client.restart()  # without what was done to it


def die_once(marker: str) -> None:
    """Have this process killed while it writes a file, if it is the first to."""
    flush = replace._flush

    def flush_or_die(path: Path) -> None:
        with suppress(FileExistsError):
            os.close(os.open(marker, os.O_CREAT | os.O_EXCL))
            os.kill(os.getpid(), signal.SIGKILL)
        flush(path)

    replace._flush = flush_or_die


def test_lost_worker(client: Any, night: Night, tmp_path: Path) -> None:
    """A worker is killed while it writes: every chip is there, whole, and nothing else."""
    data, exposures, _ = night
    out, marker = tmp_path / "out", tmp_path / "killed"
    before = client.run(os.getpid)
    client.run(die_once, str(marker))
    result = cblot_distributed.blot_exposures(data, exposures, out, client=client)
    assert marker.exists()
    client.wait_for_workers(2)
    assert set(client.run(os.getpid).values()) != set(before.values())
    assert result.ok, result.as_dict()
    assert len(result.outputs) == 10
    cblot.blot_exposures(data, exposures, tmp_path / "expected")
    assert pixels(out) == pixels(tmp_path / "expected")
    assert sorted(p.name for p in out.iterdir()) == sorted(pixels(out))
    client.restart()  # without what was done to it


def test_tasks_without_a_result(
    client: Any, night: Night, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a cluster that goes on says of a task, whose worker was lost too often, is told."""
    from distributed import KilledWorker

    def lost(self: Any, future: Any) -> Any:
        raise KilledWorker("a-chip", SimpleNamespace(address="tcp://worker"), 3)

    monkeypatch.setattr(cluster._Tasks, "_result", lost)
    data, exposures, _ = night
    result = cblot_distributed.blot_exposures(data, exposures, tmp_path / "out", client=client)
    assert {o.error for o in result.outcomes} == {"KilledWorker"}
    assert {o.reference for o in result.outcomes} == set(map(str, exposures))
    assert result.finished == len(exposures)


def test_leftovers_of_this_run_alone_are_removed(tmp_path: Path) -> None:
    mine = replace._beside(tmp_path / "e0_blt.fits", "abcd1234", ".fits")
    others = replace._beside(tmp_path / "e0_blt.fits", "eeeeffff", ".fits")
    whole = tmp_path / "e0_blt.fits"
    for path in (mine, others, whole):
        path.write_bytes(b"")
    assert replace.sweep([tmp_path], "abcd1234") == [mine]
    assert sorted(tmp_path.iterdir()) == sorted([others, whole])


def test_interrupted_run(
    client: Any, night: Night, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C: what was begun is finished before it returns, and then nothing is written."""
    data, exposures, _ = night

    def interrupt(*_: Any) -> None:
        monkeypatch.undo()
        raise KeyboardInterrupt

    monkeypatch.setattr(progress.Progress, "exposure", interrupt)
    out = tmp_path / "out"
    with pytest.raises(
        outcomes.Interrupted, match=r"interrupted after \d of 5 exposures"
    ) as caught:
        cblot_distributed.blot_exposures(data, exposures, out, client=client)
    assert caught.value.summary.interrupted
    assert not caught.value.summary.ok
    there = sorted(path.name for path in out.iterdir())
    time.sleep(0.5)
    assert sorted(path.name for path in out.iterdir()) == there == sorted(pixels(out))
    assert there == [path.name for path in caught.value.summary.outputs]


def test_interrupted_when_all_is_there(
    client: Any, night: Night, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C while a result is asked for: the summary has that chip, too, and counts them all."""
    data, exposures, _ = night
    out, ask = tmp_path / "out", cluster._Tasks._result

    def interrupt(self: Any, future: Any) -> Any:
        answer = ask(self, future)
        if isinstance(answer, list):  # chips, which are not made yet
            return answer
        monkeypatch.undo()
        while len(pixels(out)) < 2:
            time.sleep(0.01)
        raise KeyboardInterrupt

    monkeypatch.setattr(cluster._Tasks, "_result", interrupt)
    with pytest.raises(outcomes.Interrupted) as caught:
        cblot_distributed.blot_exposures(data, exposures[:1], out, client=client)
    summary = caught.value.summary
    assert [path.name for path in summary.outputs] == sorted(path.name for path in out.iterdir())
    assert (summary.finished, summary.interrupted) == (1, True)


def test_nothing_is_looked_for_where_nothing_is_written(
    client: Any, night: Night, tmp_path: Path
) -> None:
    data, exposures, _ = night
    packed = tmp_path / "packed.fits.gz"
    with fits.open(data) as hdus:
        hdus.writeto(packed)
    client.run(os.chdir, str(tmp_path))
    (tmp_path / "e0_flt_sci1_blt.fits").write_text("not ours")
    result = cblot_distributed.blot_exposures(
        packed, exposures[:1], None, client=client, overwrite=False
    )
    assert result.ok, result.as_dict()
    assert "packed.fits.gz is read whole" in result.warnings[0]


def source_chunks(shape: tuple[int, int], chunk: int) -> tuple[Any, np.ndarray, list[Any]]:
    """A dask array, what it holds, and the chunks of it that were computed."""
    image, asked = sky_image(shape), []

    def piece(block_info: Any = None) -> np.ndarray:
        (y0, y1), (x0, x1) = block_info[None]["array-location"]
        asked.append((y0, x0))
        return image[y0:y1, x0:x1]

    lazy = da.map_blocks(
        piece, chunks=da.core.normalize_chunks(chunk, shape), dtype=image.dtype, meta=image[:0, :0]
    )
    asked.clear()
    return lazy, image, asked


@pytest.mark.parametrize("interp", INTERPOLANTS)
@pytest.mark.parametrize("how", ["nodes", "exact", "caller"])
def test_blot_dask(interp: str, how: str) -> None:
    lazy, image, asked = source_chunks((90, 110), 17)
    blot_wcs = tan((61, 73), 30.0, 20.0, turn=11.0)
    keywords: dict[str, Any] = {"interp": interp, "fillval": -5.0}
    keywords |= {"wcsmap": Shifted} if how == "caller" else {"stepsize": 0 if how == "exact" else 9}
    expected = cblot.do_blot(image, SOURCE_WCS, blot_wcs, 2.0, **keywords)
    made = cblot_distributed.blot_dask(lazy, SOURCE_WCS, blot_wcs, 2.0, chunks=(13, 29), **keywords)
    assert asked == []
    assert (made.shape, made.dtype, made.chunks[1]) == ((61, 73), np.float32, (29, 29, 15))
    np.testing.assert_array_equal(made.compute(), expected)
    assert how == "caller" or (expected == -5.0).any()
    double = cblot_distributed.blot_dask(
        lazy.astype("i4"), SOURCE_WCS, blot_wcs, 2.0, dtype=float, **keywords
    )
    np.testing.assert_array_equal(
        double, cblot.do_blot(image.astype("i4"), SOURCE_WCS, blot_wcs, 2.0,
                              out=np.empty((61, 73)), **keywords),
    )  # fmt: skip


def test_blot_dask_needs_few_chunks() -> None:
    """Of an output chunk, the chunks of the source below it, in the graph and when computed."""
    lazy, image, asked = source_chunks((400, 500), 50)
    wcs = tan((400, 500), 250.5, 200.5)
    made = cblot_distributed.blot_dask(lazy, wcs, tan((400, 500), 250.0, 200.0), 1.0, chunks=50)
    (corner,) = dask.optimize(made[:50, :50])
    inputs = {key for key in dict(corner.dask) if key[0] == lazy.name}
    assert 0 < len(inputs) <= 4
    part = made[100:150, 200:250].compute()
    assert 0 < len(set(asked)) <= 9
    assert max(y for y, _ in asked) <= 150
    whole = cblot.do_blot(image, wcs, tan((400, 500), 250.0, 200.0), 1.0)
    np.testing.assert_array_equal(part, whole[100:150, 200:250])
    asked.clear()
    apart = cblot_distributed.blot_dask(lazy, wcs, tan((60, 60), 9000.0, 0.0), 1.0, fillval=2.0)
    assert (apart.compute() == 2.0).all()
    assert asked == []


@pytest.mark.parametrize("real_pair", ["acs1"], indirect=True)
def test_blot_dask_on_a_cluster(client: Any, real_pair: Pair) -> None:
    pair = real_pair
    lazy = da.from_array(pair.source, chunks=(512, 768))
    made = cblot_distributed.blot_dask(
        lazy, pair.source_wcs, pair.blot_wcs, pair.exptime, chunks=(700, 1100)
    )
    expected = cblot.do_blot(pair.source, pair.source_wcs, pair.blot_wcs, pair.exptime)
    np.testing.assert_array_equal(client.compute(made).result(), expected)


def test_odd_chunks() -> None:
    """Empty ones, and masked ones, which `do_blot` sees as well."""
    image = sky_image((90, 110))
    masked = np.ma.masked_array(image, np.random.default_rng(1).random(image.shape) < 0.05)
    blot_wcs = tan((40, 50), 25.0, 20.0)
    expected = cblot.do_blot(masked, SOURCE_WCS, blot_wcs, 1.0)
    assert np.isnan(expected).any()
    lazy = da.from_array(masked, chunks=(40, 33))
    np.testing.assert_array_equal(cblot.do_blot(lazy, SOURCE_WCS, blot_wcs, 1.0), expected)
    for chunks in [((10, 0, 30), (50,)), ((40,), (0, 20, 30)), 7]:
        made = cblot_distributed.blot_dask(lazy, SOURCE_WCS, blot_wcs, 1.0, chunks=chunks)
        np.testing.assert_array_equal(made.compute(), expected)
    unknown = lazy[da.from_array(np.ones(90, bool), chunks=40)]
    with pytest.raises(ValueError, match="source must have a known shape"):
        cblot_distributed.blot_dask(unknown, SOURCE_WCS, blot_wcs, 1.0)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"interp": "poly4"}, ValueError, "poly4"),
        ({"dtype": "i4"}, TypeError, "dtype must be float32 or float64, got int32"),
        ({"threads": 0}, ValueError, "threads"),
        ({"source": np.zeros((90, 110, 2))}, ValueError, "source must be 2-D"),
        ({"exptime": "x"}, TypeError, "exptime must be a number"),
    ],
)
def test_blot_dask_bad_arguments(change: dict[str, Any], error: Any, message: str) -> None:
    arguments: dict[str, Any] = {
        "source": np.zeros((90, 110), np.float32), "source_wcs": SOURCE_WCS,
        "blot_wcs": tan((10, 10), 5.0, 5.0), "exptime": 1.0,
    }  # fmt: skip
    with pytest.raises(error, match=message):
        cblot_distributed.blot_dask(**(arguments | change))


def test_without_dask(monkeypatch: pytest.MonkeyPatch, night: Night) -> None:
    monkeypatch.setitem(sys.modules, "dask.array", None)
    with pytest.raises(RuntimeError, match=r"it needs the dask extra, pip install 'cblot\[dask\]'"):
        cblot_distributed.blot_dask(np.ones((90, 110)), SOURCE_WCS, SOURCE_WCS, 1.0)
    with pytest.raises(RuntimeError, match="it needs the dask extra"):
        cblot_distributed.blot_exposures(*night, client=None)
