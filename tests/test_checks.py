"""Checks that must not pass without having checked anything."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest
from benchmarks import cases, shown
from benchmarks.bits import __main__ as bits
from benchmarks.faults.__main__ import faults, main
from benchmarks.faults.verdict import NOTHING, Case


@pytest.mark.parametrize("result", ["ValueError: no", "absent: drizzle", "0" * 64])
def test_bits_that_are_errors_are_no_record(result: str, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(bits, "recorded", lambda cases: {"a case": "1" * 64, "another": result})
    monkeypatch.setattr(logging, "disable", lambda: None)
    record = tmp_path / "bits.json"
    code = bits.main(["--only", "arrays", "--write", str(record)])
    assert code == (result != "0" * 64)
    assert json.loads(record.read_text())["arrays/another"] == result


def test_faults_of_no_case(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--check", "--only", "no such case"])
    assert ended.value.code == 2
    assert "no case has 'no such case' in its name" in capsys.readouterr().err


def test_cblot_must_have_what_is_asked_of_it() -> None:
    case = Case("a thing", lambda package: None)
    assert faults([case], {"a thing": {"cblot": (NOTHING, "")}}) == [f"a thing: {NOTHING}; "]
    assert faults([case], {"a thing": {"cblot": ("right", ""), "drizzle": (NOTHING, "")}}) == []


@pytest.mark.parametrize(
    ("cost", "worst", "best"), [(False, "0.50", "25.0"), (True, "25.0", "0.50")]
)
def test_the_worst_of_a_row_is_beside_the_best(cost: bool, worst: str, best: str) -> None:
    table = cases.Table("poly5", cost=cost)
    results = []
    for place, ratio in zip(cases.POSES, (3.0, 25.0, 0.5), strict=False):
        case = cases.Case(table, "a chip", place.pose, place, len, len)
        results.append(
            shown.Measured(case, (1e-3, 1e-3), ratio, (ratio, ratio), (None, None), 10**6)
        )
    assert shown.markdown(results).splitlines() == [
        "| poly5 | 0.5° | 30° | 60° | worst | best | ns a pixel |",
        "|---|---|---|---|---|---|---|",
        f"| a chip | 3.00 | 25.0 | 0.50 | **{worst}** | {best} | 1.0 |",
    ]
