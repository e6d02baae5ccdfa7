"""Checks that must not pass without having checked anything."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest
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
