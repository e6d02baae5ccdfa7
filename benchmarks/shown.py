"""What was measured, shown: tables in Markdown, and a chart of the gains."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .cases import POSES, Case, Table


@dataclass(frozen=True)
class Measured:
    """Medians of a case: seconds of both calls, and of their ratio in each round."""

    case: Case
    seconds: tuple[float, float]
    ratio: float
    spread: tuple[float, float]  # the ratio's least and greatest
    peak_bytes: tuple[int | None, int | None]
    pixels: int

    @property
    def told(self) -> float:
        """Cblot's microseconds a call, or nanoseconds a pixel; of a cost, those of the dearer."""
        seconds = self.seconds[0 if self.case.table.cost else 1]
        return seconds * 1e6 if self.case.table.calls else seconds / self.pixels * 1e9

    def as_dict(self) -> dict[str, Any]:
        case, place = self.case, self.case.place
        return {
            "table": case.table.title, "row": case.row, "column": case.column,
            "roll": place.roll, "scale": place.scale, "tables": place.tables, "sky": place.sky,
            "shape": place.shape, "pixels": self.pixels, "seconds": self.seconds,
            "ratio": self.ratio, "spread": self.spread, "peak_bytes": self.peak_bytes,
        }  # fmt: skip


Rows = dict[str, list[Measured]]


def by_table(results: Sequence[Measured]) -> Iterator[tuple[Table, Rows]]:
    for table in dict.fromkeys(m.case.table for m in results):
        rows: Rows = {}
        for m in results:
            if m.case.table == table:
                rows.setdefault(m.case.row, []).append(m)
        yield table, rows


def _ratio(value: float) -> str:
    return f"{value:.{2 if value < 10 else 1 if value < 100 else 0}f}"


def _time(value: float) -> str:
    return f"{value:.1f}" if value < 100 else f"{value:.0f}"


def markdown(results: Sequence[Measured]) -> str:
    """Each table with the worst ratio of each row beside the best."""
    return "\n".join(_table(table, rows) for table, rows in by_table(results))


def _table(table: Table, rows: Rows) -> str:
    columns = list(dict.fromkeys(m.case.column for row in rows.values() for m in row))
    unit = "µs a call" if table.calls else "ns a pixel"
    lines = [
        f"| {table.title} | " + " | ".join([*columns, "worst", "best", unit]) + " |",
        "|---" * (len(columns) + 4) + "|",
    ]
    for name, row in rows.items():
        ratios = {m.case.column: m.ratio for m in row}
        worst, *_, best = [*sorted(ratios.values(), reverse=table.cost)] * 2
        times = dict.fromkeys(_time(f(m.told for m in row)) for f in (min, max))
        cells = [_ratio(ratios[c]) if c in ratios else "" for c in columns]
        cells += [f"**{_ratio(worst)}**", _ratio(best), " to ".join(times)]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def chart(results: Sequence[Measured], title: str, path: Path) -> None:
    """How many times faster than the peers: each row from its worst to its best."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    tables = [(table, rows) for table, rows in by_table(results) if table.package]
    lines = sum(len(rows) + 1.5 for _, rows in tables)
    figure, axes = plt.subplots(figsize=(9.0, 0.19 * lines + 1.2), layout="constrained")
    poses = {place.pose: f"C{k}" for k, place in enumerate(POSES)}
    labels: dict[float, str] = {}
    y = 0.0
    for table, rows in tables:
        y -= 1.5
        axes.text(0.01, y, table.title.replace("`", ""), transform=axes.get_yaxis_transform(),
                  va="center", fontsize=8, fontweight="bold")  # fmt: skip
        for name, row in rows.items():
            y -= 1.0
            labels[y] = name.replace("`", "")
            ratios = [m.ratio for m in row]
            axes.plot([min(ratios), max(ratios)], [y, y], color="#bbbbbb", zorder=1)
            for k, m in enumerate(row):
                shade = f"{0.75 * (1 - k / max(len(row) - 1, 1)):.2f}"  # the larger, the darker
                axes.scatter(m.ratio, y, 14, color=poses.get(m.case.column, shade), zorder=2)
            axes.annotate(_ratio(min(ratios)), (min(ratios), y), (-5, 0), fontsize=7, ha="right",
                          va="center", textcoords="offset points")  # fmt: skip
            axes.annotate(_ratio(max(ratios)), (max(ratios), y), (5, 0), fontsize=7, ha="left",
                          va="center", textcoords="offset points", color="#666666")  # fmt: skip
    for pose, colour in poses.items():
        axes.scatter([], [], 14, color=colour, label=pose)
    axes.scatter([], [], 14, color="0.4", label="n x n: the larger, the darker")
    axes.axvline(1.0, color="black", linewidth=0.8)
    axes.set_yticks(list(labels), list(labels.values()), fontsize=7)
    axes.set_ylim(y - 1.0, 0.0)
    axes.set_xscale("log")
    axes.margins(x=0.08)
    axes.xaxis.set_major_formatter("{x:g}")
    axes.set_xlabel("times faster than the peer, one thread, same machine and process")
    figure.suptitle(title, fontsize=9)
    figure.legend(fontsize=7, loc="outside lower center", ncols=7, frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=110)
    plt.close(figure)
