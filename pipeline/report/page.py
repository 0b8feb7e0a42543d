"""The page itself: sections in order, each with one sentence on how to read it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Any

import pandas as pd

from pipeline.audit.stages import SCHEMAS
from pipeline.audit.summary import unreviewed, without_holdout
from pipeline.report import figures
from pipeline.report.comparison.verdict_text import counted
from pipeline.report.data_section import data_section, trust_section
from pipeline.report.opinions import second_opinions
from pipeline.report.rounds_section import rounds_figure, rounds_table
from pipeline.report.run_tables import RunTables
from pipeline.report.segment_cards import segment_cards
from pipeline.report.selftest_table import selftest_section
from pipeline.report.share_section import as_of_sentence, measured_here, quality_section, share_sentence
from pipeline.report.shell import empty, html_page, html_table, is_simulated, plot, prose, section
from pipeline.report.trust_text import holdout_sentences
from pipeline.review.access import stored_size
from pipeline.windows.folds import FEWEST_GROUPS
from pipeline.workspace.run_folder import RunFolder
from pipeline.workspace.workspace import Workspace

__all__ = ["write_report"]

_LISTED = 200


def write_report(folder: RunFolder) -> None:
    """Write ``report.html`` into a run's folder; the same tables give the same bytes.

    Raises
    ------
    StageError
        A table of the run is missing.
    """
    found = RunTables(folder, {name: folder.read_table(name, schema) for name, schema in SCHEMAS.items()})
    folder.write_bytes("report.html", html_page("pose-audit report", "\n".join(_sections(found))).encode())


def _sections(found: RunTables) -> Iterator[str]:
    issues, segments, windows = found["issues"], found["segments"], found["windows"]
    doubted = unreviewed(issues, windows, found.record.get("trust", []))
    workspace = found.folder.path.parent.parent
    size = stored_size(Workspace(workspace))
    measured = measured_here(found.folder, size)
    queue = segments[segments["split"] != "holdout"]
    share = share_sentence(doubted, measured, workspace=workspace)
    known = as_of_sentence(measured, size, workspace=workspace, round_number=found.round)
    yield _header(found, queue, share=share, known=known)
    yield section("Look at these first", "The stretches most urgent to review: the pose over the stretch, and its clip in time.")
    yield "".join(segment_cards(found, queue)) or empty("Nothing was flagged: no label looks wrong enough to review.")
    yield section(
        "Expected share of wrong labels",
        "The mean chance of a label to be wrong, by the audit's own estimate; lines are 95 % intervals over "
        f"animals or recordings (none with fewer than {FEWEST_GROUPS}). It errs where two classes look alike.",
    )
    yield from _by_species(doubted, "rates", lambda part: figures.error_rates(part)[0])
    if len(found.rounds) > 1:
        yield section(
            "Rounds",
            "What was reviewed before each round, and what the audit itself then expected: no truth is known here. Labels that "
            "people gave are right by definition, so what is expected to be wrong is among the rest. Shares can rise where a "
            "round finds what the one before could not see.",
        )
        yield rounds_table(found.rounds) + plot(rounds_figure(found.rounds), "rounds")
    yield section(
        "Given and predicted",
        "Each row is a given label: what a model that never saw the animal takes its windows for.",
    )
    yield from _matrices(found)
    yield section(
        "Label quality",
        "The chance that a window's label is right, as the audit estimates it without any truth; as many are flagged as should "
        "be wrong by that estimate. How far it holds depends on the data: a table tells, once people have checked windows.",
    )
    yield from _by_species(doubted, "quality", figures.quality_histogram)
    yield from quality_section(measured, workspace=workspace)
    yield section(
        "How far to trust the probabilities",
        "Of the windows that models which never saw the animal give a class some probability, how many carry it. The diagonal "
        "should run between the lines: labels are trusted where models agree with them, which lifts the one, and among all "
        "windows are wrong labels, which press down the other.",
    )
    yield from _by_species(windows, "reliability", lambda part: figures.reliability(part, found["oof"]))
    yield section("Second opinions", "Where the audit and the networks alone, one window at a time, think differently.")
    yield second_opinions(issues[issues["split"] == "audit"], queue)
    yield section("What is there", "Windows of each label; few clips or few animals make every figure above less certain.")
    yield from _by_species(windows, "counts", figures.class_counts)
    if len(queue):
        yield section("Kinds of segments", "What seems to be wrong in the segments to review, by given label.")
        yield from _by_species(queue, "kinds", figures.kinds_of_segments)
    if found.selftest is not None:
        yield section(
            "Selftest", "Errors planted in copies of these data, one kind and share a copy: how many the audit brings back."
        )
        yield selftest_section(found.selftest)
    yield section(
        "Set aside and mended", "Files that could not be read, with the place and the reason; and what was mended while reading."
    )
    yield _remarks("rejected", found["rejected"]) + _remarks("mended", found["notes"])


def _header(found: RunTables, queue: pd.DataFrame, *, share: str, known: str) -> str:
    record, windows, issues = found.record, found["windows"], found["issues"]
    audited = issues[issues["split"] == "audit"]
    figures_shown = {
        "clips": len(found["clips"]),
        "windows": len(windows),
        "audited windows": len(audited),
        "of these flagged": int(audited["is_issue"].sum()),
        "segments to review": len(queue),
        "rejected": len(found["rejected"]),
        "groups": windows.groupby(["species", "group"]).ngroups,
    }
    reviewed = int(windows["reviewed"].sum())
    if reviewed:
        figures_shown["reviewed windows"] = reviewed
    cards = "".join(f"<div><b>{n:,}</b><span>{name}</span></div>" for name, n in figures_shown.items())
    apart = windows[windows["split"] == "holdout"].groupby(["species", "group"]).ngroups
    out = windows[windows["split"] == "left_out"].groupby(["species", "label"])["clip_id"].nunique().reset_index()
    left_out = ", ".join(f"{escape(s)} {escape(n)} ({c} clips)" for s, n, c in out.itertuples(index=False))
    folds = found["oof"].loc[found["oof"]["fold"] >= 0, "fold"].nunique()
    simulated = '<div class="simulated">simulated data</div>' if is_simulated(Path(str(record.get("source", "")))) else ""
    config = escape(json.dumps(record["config"], ensure_ascii=False, indent=2))
    return (
        f"<h1>pose-audit: which labels are probably wrong</h1>{simulated}"
        f'<p class="source">{escape(str(record.get("source")))} ({escape(str(record.get("format")))}), '
        f"started {escape(str(record.get('started')))}, pose-audit {escape(str(record.get('version')))}</p>"
        f"{data_section(record['data'])}{trust_section(record.get('trust', []))}"
        + (f'<p class="share">{prose(share)}</p>' if share else "")
        + f'<p class="how">{prose(known)}</p>'
        + f'<div class="figures">{cards}</div>'
        f"<p>Every window was predicted by models that never saw its group ({folds} folds). Hold-out, set apart before "
        f"anything else and not in the list to review: {counted(apart, 'group')}.</p>"
        + "".join(f'<p class="warning">{prose(s)}</p>' for s in holdout_sentences(without_holdout(windows, record)))
        + (
            f"<p>Round {found.round}. People gave {reviewed:,} windows their labels: these are taken as right, and are in none "
            "of the figures about doubt.</p>"
            if reviewed
            else ""
        )
        + (f"<p>Left out, because fewer than two groups show them or the merge drops them: {left_out}.</p>" if left_out else "")
        + f"<details><summary>configuration</summary><pre>{config}</pre></details>"
    )


def _by_species(table: pd.DataFrame, name: str, draw: Any) -> Iterator[str]:
    several = len(table["species"].unique()) > 1
    for number, (species, part) in enumerate(table.groupby("species")):
        if several:
            yield f"<h3>{escape(str(species))}</h3>"
        yield plot(draw(part), f"{name}-{number}")


def _matrices(found: RunTables) -> Iterator[str]:
    windows = found["windows"]
    for number, (species, part) in enumerate(windows.groupby("species")):
        if not (part["split"] == "audit").any():
            continue
        figure, pairs = figures.given_by_predicted(part, found["oof"])
        told = "; ".join(f"{escape(given)} as {escape(other)} ({share:.0%})" for given, other, share in pairs if share > 0)
        yield f"<h3>{escape(str(species))}</h3>" + (f'<p class="pairs">Most often taken for another: {told}.</p>' if told else "")
        yield plot(figure, f"matrix-{number}")


def _remarks(what: str, table: pd.DataFrame) -> str:
    if table.empty:
        return empty(f"Nothing was {what}.")
    rows = table.head(_LISTED).to_numpy().tolist()
    more = f" The first {_LISTED} are shown." if len(table) > _LISTED else ""
    return f"<h3>{what}: {len(table):,}.{more}</h3>" + html_table(("file", "place", "reason"), rows)
