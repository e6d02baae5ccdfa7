"""Dask: the same bits on a cluster, with workers that are lost, and lazily."""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dask
import numpy as np
import pytest
from astropy.io import fits

import cblot
import task_files as files
from cblot import distributed as cblot_distributed
from conftest import INTERPOLANTS, Pair, sky_image
from test_windows import SOURCE_WCS, Shifted, tan

da = pytest.importorskip("dask.array")
pytest.importorskip("distributed")

pytestmark = pytest.mark.filterwarnings(
    "default::ResourceWarning", "default::UserWarning:distributed"
)


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    """Two workers, in processes of their own."""
    from distributed import Client, LocalCluster

    arguments: dict[str, Any] = {"n_workers": 2, "threads_per_worker": 2, "processes": True}
    with (
        LocalCluster(**arguments, dashboard_address=None, silence_logs=logging.CRITICAL) as cluster,
        Client(cluster, set_as_default=False) as client,
    ):
        yield client


@pytest.fixture
def night(tmp_path: Path) -> tuple[Path, list[Path]]:
    data = files.write_data(tmp_path / "med.fits")
    with fits.open(data, mode="update") as hdus:
        hdus[0].data += np.random.default_rng(3).normal(0, 1, hdus[0].shape).astype(np.float32)
    return data, [files.write_reference(tmp_path / f"e{k}_flt.fits", chips=2) for k in range(4)]


def pixels(folder: Path) -> dict[str, bytes]:
    return {p.name: fits.getdata(p).tobytes() for p in sorted(folder.glob("*_blt.fits"))}


def test_cluster_gives_the_same_bits(
    client: Any, night: tuple[Path, list[Path]], tmp_path: Path
) -> None:
    data, exposures = night
    cblot.blot_exposures(data, exposures, tmp_path / "one", interp="lanczos3")
    result = cblot_distributed.blot_exposures(
        data, exposures, tmp_path / "many", client=client, interp="lanczos3",
        summary=tmp_path / "s.json",
    )  # fmt: skip
    assert result.ok
    assert result.jobs == 4
    assert pixels(tmp_path / "many") == pixels(tmp_path / "one")
    names = [f"e{k}_flt_sci{v}_blt.fits" for k in range(4) for v in (1, 2)]
    assert [path.name for path in result.outputs] == names
    assert sorted(p.name for p in (tmp_path / "many").iterdir()) == names
    assert (tmp_path / "s.json").exists()
    assert 0 < result.bytes_read <= 8 * 4 * np.prod(files.SOURCE_SHAPE)
    assert result.bytes_written == sum(path.stat().st_size for path in result.outputs)
    assert result.outcomes[0].reference == str(exposures[0])
    # On one machine and on a cluster, a run resumes the other's.
    again = cblot_distributed.blot_exposures(
        data, exposures, tmp_path / "one", client=client, interp="lanczos3", resume=True
    )
    assert again.count("skipped") == 8


def test_results_that_are_returned(
    client: Any, night: tuple[Path, list[Path]], tmp_path: Path
) -> None:
    data, exposures = night
    result = cblot_distributed.blot_exposures(data, exposures[:2], None, client=client)
    cblot.blot_exposures(data, exposures[:2], tmp_path / "one")
    expected = pixels(tmp_path / "one")
    assert result.outputs == []
    assert [outcome.name for outcome in result.outcomes] == [
        f"{path}[SCI,{v}]" for path in exposures[:2] for v in (1, 2)
    ]
    for outcome, name in zip(result.outcomes, expected, strict=True):
        assert outcome.hdus[0].data.tobytes() == expected[name]
        assert outcome.hdus[0].header["FILENAME"] == name
    assert sorted(tmp_path.glob("*.fits")) == sorted([data, *exposures])


def test_failures_are_told(client: Any, night: tuple[Path, list[Path]], tmp_path: Path) -> None:
    data, exposures = night
    (tmp_path / "text_flt.fits").write_text("no FITS")
    poor = files.write_reference(tmp_path / "poor_flt.fits", chips=2, CTYPE1=None)
    bad = [tmp_path / "text_flt.fits", tmp_path / "none.fits", poor]
    (tmp_path / "d").mkdir()
    twin = files.write_reference(tmp_path / "d" / "e0_flt.fits", chips=2)
    result = cblot_distributed.blot_exposures(
        data, [*bad, *exposures, twin], tmp_path / "out", client=client
    )
    assert (result.count("done"), result.count("failed")) == (8, 5)
    reasons = [outcome.reason for outcome in result.outcomes if outcome.reason]
    assert "can't be read as a FITS file" in reasons[0]
    assert "there is no file" in reasons[1]
    assert "poor_flt.fits[SCI,1]" in reasons[2]
    assert "its output would be e0_flt_sci1_blt.fits" in reasons[4]
    gone = cblot_distributed.blot_exposures("none.fits", exposures, tmp_path / "x", client=client)
    assert gone.count("failed") == 8
    assert "none.fits" in gone.outcomes[0].reason
    with fits.open(data) as hdus, pytest.raises(TypeError, match="on a cluster images must be"):
        cblot_distributed.blot_exposures(hdus, exposures, tmp_path / "y", client=client)


def test_threads_follow_the_workers(client: Any) -> None:
    """Alone on a worker of two threads a task has both."""
    assert client.submit(cblot_distributed._share, pure=False).result() == 2


def test_lost_worker(client: Any, tmp_path: Path) -> None:
    """A worker is killed in mid-run: every chip is there, whole, once, to the same bits."""
    data = files.write_data(tmp_path / "med.fits")
    shape = (1200, 1400)
    with fits.open(data) as hdus:
        hdus[0].data = sky_image(shape)
        hdus[0].header["CRPIX1"], hdus[0].header["CRPIX2"] = 700.0, 600.0
        hdus.writeto(data, overwrite=True)
    exposures = []
    for k in range(12):
        reference = files.reference_hdus(chips=2)
        for chip in (1, 2):
            science = reference["SCI", chip]
            science.data = np.zeros((900, 1000), np.float32)
            science.header["CRPIX1"], science.header["CRPIX2"] = 500.0 + k, 450.0
        exposures.append(tmp_path / f"e{k}_flt.fits")
        reference.writeto(exposures[-1])
    parameters = {"interp": "sinc", "sinscl": 1.1}  # takes its time
    out, expected = tmp_path / "out", tmp_path / "expected"
    result: list[Any] = []
    run = threading.Thread(
        target=lambda: result.append(
            cblot_distributed.blot_exposures(data, exposures, out, client=client, **parameters)
        )
    )
    before = client.run(os.getpid)
    run.start()
    while not list(out.glob("*_blt.fits")) and run.is_alive():
        time.sleep(0.01)
    assert run.is_alive()
    os.kill(next(iter(before.values())), signal.SIGKILL)
    run.join(timeout=200)
    assert result[0].ok, result[0].as_dict()
    assert len(result[0].outputs) == 24
    client.wait_for_workers(2)
    assert set(client.run(os.getpid).values()) != set(before.values())
    cblot.blot_exposures(data, exposures, expected, **parameters)
    assert pixels(out) == pixels(expected)
    assert sorted(p.name for p in out.iterdir()) == sorted(pixels(out))


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


def test_blot_dask_on_a_cluster(client: Any, real_pair: Pair) -> None:
    pair = real_pair
    lazy = da.from_array(pair.source, chunks=(512, 768))
    made = cblot_distributed.blot_dask(
        lazy, pair.source_wcs, pair.blot_wcs, pair.exptime, chunks=(700, 1100)
    )
    expected = cblot.do_blot(pair.source, pair.source_wcs, pair.blot_wcs, pair.exptime)
    np.testing.assert_array_equal(client.compute(made).result(), expected)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"interp": "poly4"}, ValueError, "poly4"),
        ({"dtype": "i4"}, TypeError, "dtype must be float32 or float64, got int32"),
        ({"threads": 0}, ValueError, "threads"),
        ({"source": np.zeros((90, 110, 2))}, ValueError, "source must be 2-D"),
        ({"source": np.zeros((80, 110))}, ValueError, "must have the shape of source_wcs"),
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
