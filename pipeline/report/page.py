"""report.html: what an audit found, on one page. The words of the page are in templates/report.html."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from plotly.graph_objects import Figure

from pipeline.audit.summary import left_out_classes, without_holdout
from pipeline.evaluation.label_evaluation import evaluate_labels
from pipeline.report import figures
from pipeline.report.data_text import CLASS_HEADS, class_rows, data_sentences, data_warnings, noted_lines
from pipeline.report.formatting import counted
from pipeline.report.label_error_text import as_of_sentence, quality_tables, share_sentence
from pipeline.report.run_tables import RunTables
from pipeline.report.run_text import ROUND_HEADS, round_cells
from pipeline.report.segment_cards import segment_cards
from pipeline.report.selftest_text import selftest_part
from pipeline.report.templates import render
from pipeline.report.trust_text import holdout_sentences, trust_sentences
from pipeline.review.access import stored_size
from pipeline.review.segment_states import unreviewed
from pipeline.windows.folds import FEWEST_GROUPS
from pipeline.workspace.run_folder import RunFolder
from pipeline.workspace.workspace import Workspace

_LISTED = 200
_OPINIONS = 8
_LEAST_DIFFERENCE = 0.25


def write_report(folder: RunFolder) -> None:
    """Write ``report.html`` into a run's folder; the same tables give the same bytes."""
    run = RunTables(folder)
    page = render("report.html", **_head(run), **_labels(run), **_models(run), **_data(run))
    folder.write_bytes("report.html", page.encode())


def rounds_part(rounds: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """Return the table and the figure of several rounds, for ``rounds_part`` of parts.html; None of a single one."""
    if len(rounds) < 2:
        return None
    return {"table": (ROUND_HEADS, [round_cells(of) for of in rounds]), "figure": figures.rounds_figure(rounds)}


def _head(run: RunTables) -> dict[str, Any]:
    """Return what there is, in the first figures of the page."""
    record, windows, issues = run.record, run["windows"], run["issues"]
    audited = issues[issues["split"] == "audit"]
    reviewed = int(windows["reviewed"].sum())
    cards = {
        "clips": len(run["clips"]),
        "windows": len(windows),
        "audited windows": len(audited),
        "of these flagged": int(audited["is_issue"].sum()),
        "segments to review": len(_queue(run)),
        "rejected": len(run["rejected"]),
        "groups": windows.groupby(["species", "group"]).ngroups,
        **({"reviewed windows": reviewed} if reviewed else {}),
    }
    return {
        "record": record,
        "round": run.round,
        "simulated": run.is_simulated,
        "config": json.dumps(record["config"], ensure_ascii=False, indent=2),
        "cards": [(f"{n:,}", name) for name, n in cards.items()],
        "folds": run["oof"].loc[run["oof"]["fold"] >= 0, "fold"].nunique(),
        "held_out": counted(windows[windows["split"] == "holdout"].groupby(["species", "group"]).ngroups, "group"),
        "no_holdout": holdout_sentences(without_holdout(windows, record)),
        "left_out": left_out_classes(windows),
        "reviewed_windows": reviewed,
    }


def _labels(run: RunTables) -> dict[str, Any]:
    """Return how many labels are wrong, and which, as far as anybody knows."""
    issues, queue = run["issues"], _queue(run)
    scored = unreviewed(issues, run["windows"], run.record.get("trust", []))
    workspace = run.folder.path.parent.parent
    size = stored_size(Workspace(workspace))
    # None where nobody has decided anything, or the store does not answer.
    measured = evaluate_labels(Workspace(workspace), run.folder) if size and any(size) else None
    return {
        "share": share_sentence(scored, measured, workspace=workspace),
        "as_of": as_of_sentence(measured, size, workspace=workspace, round_number=run.round),
        "segments": segment_cards(run, queue),
        "fewest_groups": FEWEST_GROUPS,
        "error_rates": _by_species(scored, "rates", lambda part: figures.error_rates(part)[0]),
        "quality_histograms": _by_species(scored, "quality", figures.quality_histogram),
        "quality": quality_tables(measured, workspace=workspace),
        "opinions": _second_opinions(issues[issues["split"] == "audit"], queue),
        "kinds": _by_species(queue, "kinds", figures.kinds_of_segments),
    }


def _models(run: RunTables) -> dict[str, Any]:
    """Return how far the models can be trusted, and what they take windows for."""
    windows, trust = run["windows"], run.record.get("trust", [])
    return {
        "trust": [(of["better"], sentence) for of, sentence in zip(trust, trust_sentences(trust), strict=True)],
        "matrices": _matrices(run),
        "reliability": _by_species(windows, "reliability", lambda part: figures.reliability(part, run["oof"])),
        "rounds": rounds_part(run.rounds),
        "selftest": None if run.selftest is None else selftest_part(run.selftest),
    }


def _data(run: RunTables) -> dict[str, Any]:
    """Return what was read, and what was not."""
    data = run.record["data"]
    tables = (("rejected", run["rejected"]), ("repaired", run["notes"]))
    return {
        "data": {
            "sentences": data_sentences(data),
            "warnings": data_warnings(data),
            "heads": CLASS_HEADS,
            "classes": class_rows(data),
            "noted": noted_lines(data),
        },
        "class_counts": _by_species(run["windows"], "counts", figures.class_counts),
        "message_tables": [(what, table.head(_LISTED).to_numpy().tolist(), len(table)) for what, table in tables],
        "listed": _LISTED,
    }


def _queue(run: RunTables) -> pd.DataFrame:
    """Return the segments that people review, the most urgent first."""
    segments = run["segments"]
    return segments[segments["split"] != "holdout"]


def _by_species(table: pd.DataFrame, name: str, draw: Callable[[pd.DataFrame], Figure]) -> list[dict[str, Any]]:
    """Return a figure for each species, under its name where there are several."""
    parts = list(table.groupby("species"))
    return [
        {"heading": str(species) if len(parts) > 1 else "", "figure": draw(part), "id": f"{name}-{number}"}
        for number, (species, part) in enumerate(parts)
    ]


def _matrices(run: RunTables) -> list[dict[str, Any]]:
    """Return what windows of each given label are taken for, by species, and the pairs that are confused most."""
    found = []
    for number, (species, part) in enumerate(run["windows"].groupby("species")):
        if (part["split"] == "audit").any():
            figure, pairs = figures.given_by_predicted(part, run["oof"])
            pairs = [pair for pair in pairs if pair[2] > 0]
            found.append({"species": str(species), "pairs": pairs, "figure": figure, "id": f"matrix-{number}"})
    return found


def _second_opinions(issues: pd.DataFrame, queue: pd.DataFrame) -> dict[str, Any] | None:
    """Return how far the audit and the networks alone agree, and the segments about which they differ most.

    Both are taken as ranks among the windows of the species, 0 of the lowest quality. None where nothing is flagged.
    """
    if issues.empty or not issues["is_issue"].any():
        return None
    own = issues.groupby("species")["label_quality"].rank(pct=True, method="first")
    count = int(issues["is_issue"].sum())
    first, second = (set(np.argsort(v.to_numpy(), kind="stable")[:count]) for v in (own, issues["second_opinion"]))
    differ = issues.assign(own=own).dropna(subset=["segment_id"]).groupby("segment_id")[["own", "second_opinion"]].mean()
    differ = differ.assign(gap=differ["second_opinion"] - differ["own"])
    listed = queue.merge(differ, left_on="segment_id", right_index=True)
    listed = listed[listed["gap"] >= _LEAST_DIFFERENCE].sort_values("gap", ascending=False, kind="stable").head(_OPINIONS)
    rows = [
        (r.clip_id, f"{r.start_frame}-{r.end_frame}", r.given_label, r.suggested_label, f"{r.own:.0%}", f"{r.second_opinion:.0%}")
        for r in listed.itertuples()
    ]
    return {"count": count, "shared": len(first & second) / count, "segments": rows}
