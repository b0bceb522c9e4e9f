"""The report: all results, as Markdown."""

from collections.abc import Iterable, Sequence

from bench.findings import Figure, Findings, Table


def render(machine: Sequence[tuple[str, str]], findings: Sequence[Findings]) -> str:
    """The whole report."""
    parts = ["# Results", _INTRODUCTION, _markdown(Table("", ["", ""], machine))]
    figures = [figure for found in findings for figure in found.figures]
    if figures:
        parts += ["## Promised figures", _markdown(_promised_figures(figures))]
    parts.append("## Measurements")
    parts += [part for found in findings for table in found.tables for part in _section(table)]
    return "\n\n".join(parts) + "\n"


_INTRODUCTION = """\
Written by `python -m bench`; [README.md](README.md) explains what is compared and how. Every number is the
median over the rounds, every ratio the median of the ratios within each round."""


def _promised_figures(figures: Iterable[Figure]) -> Table:
    rows = [
        [
            figure.what,
            f"{'≥' if figure.at_least else '≤'} {figure.bound:.1f}",
            f"{figure.value:.2f}",
            "yes" if figure.holds else "**no**",
        ]
        for figure in figures
    ]
    return Table("", ["figure", "promised", "measured", "holds"], rows)


def _section(table: Table) -> list[str]:
    return [part for part in (f"### {table.title}", table.note, _markdown(table)) if part]


def _markdown(table: Table) -> str:
    lines = [table.header, ["---"] * len(table.header), *table.rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
