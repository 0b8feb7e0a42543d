"""comparison.html: what review and retraining gained, on one page. The words of the page are in templates/comparison.html."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import msgspec

from pipeline.evaluation.label_error_estimate import AUDITED, LabelErrorEstimate
from pipeline.evaluation.label_evaluation import LabelEvaluation, evaluate_labels
from pipeline.readers.taxonomy import KIND_NAMES
from pipeline.report.comparison import comparison_figures as figures
from pipeline.report.comparison.comparison_text import (
    compared_pair,
    headline,
    missing_windows,
    outcome,
    points_cell,
    review_sentence,
    share_cell,
    stale_sentence,
)
from pipeline.report.comparison.results import Arm, Retraining, Species, read_retraining
from pipeline.report.formatting import shown_share, typed
from pipeline.report.label_error_text import label_sentence, quality_tables, share_with_interval
from pipeline.report.page import rounds_part
from pipeline.report.run_tables import RunTables
from pipeline.report.segment_cards import segment_cards
from pipeline.report.templates import render
from pipeline.report.trust_text import GROUPS
from pipeline.workspace.run_folder import RunFolder
from pipeline.workspace.workspace import Workspace

_LISTED = 40
_PICTURED = 6
_PORT = 8501


@dataclass(frozen=True)
class Comparison:
    """What review and retraining gained, and the page that shows it.

    Attributes
    ----------
    retraining : Retraining or None
        None before `audit retrain`.
    measured : LabelEvaluation
        The review, and the estimate of wrong labels.
    workspace : Path
        As it is typed after ``-w``.
    """

    run: RunTables
    retraining: Retraining | None
    measured: LabelEvaluation
    workspace: Path
    page: Path

    def figures(self) -> dict[str, Any]:
        """Return all figures as JSON values."""
        measured, estimate = self.measured, self.measured.estimate
        return {
            "run_dir": str(self.run.folder.path.resolve()),
            "headline": headline(self.retraining, measured, workspace=self.workspace),
            "review": {
                "decisions": measured.decisions,
                "reviewers": list(measured.reviewers),
                "reviewed_frames": measured.reviewed_frames,
                "frames": measured.frames,
            },
            "labels": {**asdict(estimate), "is_known": estimate.is_known, "is_reached": estimate.is_reached},
            "quality": {name: [asdict(of) for of in getattr(measured, name)] for name in ("blind", "reviewed")},
            "retrain": None if self.retraining is None else msgspec.to_builtins(self.retraining),
            "report": str(self.page.resolve()),
        }


def write_comparison(place: Workspace, *, out: Path | None, target_error_rate: float | None, workspace: Path) -> Comparison:
    """Compare before and after for the newest finished run and write the page; the same figures give the same bytes.

    Parameters
    ----------
    out
        The page; ``retrain/comparison.html`` of the run where left out.
    target_error_rate
        The share of wrong labels that review is to reach; that of audit.toml where left out.
    workspace
        The workspace as it is typed after ``-w``.

    Raises
    ------
    StageError
        There is no finished run, or what `audit retrain` wrote is damaged.
    WorkspaceError
        The disk refuses.
    """
    folder = place.finished()
    retraining = read_retraining(folder.path)
    measured = evaluate_labels(place, folder, target_error_rate=target_error_rate)
    run = RunTables(folder)
    page = out or folder.path / "retrain" / "comparison.html"
    made = Comparison(run, retraining, measured, workspace, page)
    drawn = render("comparison.html", **_head(made), **_models(made), **_labels(made), **_open_segments(made))
    RunFolder(page.parent).write_bytes(page.name, drawn.encode())
    return made


def _head(made: Comparison) -> dict[str, Any]:
    retraining, measured, workspace = made.retraining, made.measured, made.workspace
    return {
        "outcome": outcome(retraining, measured),
        "simulated": made.run.is_simulated,
        "headline": headline(retraining, measured, workspace=workspace),
        "stale": stale_sentence(retraining, measured, workspace=workspace) if retraining else "",
        "source": made.run.record["source"],
        "run_name": made.run.folder.path.name,
        "review": review_sentence(measured),
        "cards": [(value, name) for name, value in _cards(made)],
        "typed": typed(workspace),
        "rounds": rounds_part(made.run.rounds),
    }


def _cards(made: Comparison) -> Iterator[tuple[str, str]]:
    measured, estimate = made.measured, made.measured.estimate
    yield "frames reviewed", shown_share(measured.reviewed_frames / max(measured.frames, 1))
    if made.retraining is not None:
        yield "verified hold-out windows", f"{sum(s.verified.windows for s in made.retraining.species.values()):,}"
        for name, species in made.retraining.species.items():
            for pair in ("pruned - given", "reviewed - given", "reviewed - pruned"):
                value = species.differences[pair]["balanced accuracy"].value if pair in species.differences else None
                if value is not None:
                    shown = "same" if pair in species.identical else f"{100 * value:+.1f}"
                    yield f"{name}: points of balanced accuracy, {pair.replace(' - ', ' less ')}", shown
    else:
        yield "verified hold-out windows", f"{estimate.holdout:,}"
    yield "labels wrong at most", shown_share(estimate.after.at_most)
    yield "open segments", f"{estimate.open_segments:,}"


def _models(made: Comparison) -> dict[str, Any]:
    """Return what the models of each species gained, or what it takes to know it; no ``models`` before `audit retrain`."""
    retraining = made.retraining
    if retraining is None:
        return {"models": None}
    group = GROUPS.get(retraining.groups_are, "group")
    models = []
    for number, (name, species) in enumerate(retraining.species.items()):
        missing = "" if species.known else missing_windows(species, group=group, workspace=made.workspace)
        trained_on = [(arm, f"{count:,}") for arm, count in species.training_windows.items()]
        own = _species(species) if species.known else {}
        models.append({"name": name, "number": number, "missing": missing, "trained_on": trained_on, **own})
    return {"models": models, "group": group}


def _species(species: Species) -> dict[str, Any]:
    """Return the figures and tables of one species, of which enough windows are verified."""
    known, pair = species.known, compared_pair(species)
    compared = ["given", pair.split(" - ")[0]] if pair else list(known)[-1:]
    last = known[compared[-1]].class_f1
    return {
        "arms": figures.arms_figure(species),
        "rows": [_arm_row(arm, species.training_windows.get(arm, 0), found) for arm, found in known.items()],
        "verified": species.verified.windows,
        "unsure": species.verified.left_out_unsure,
        "differences": figures.differences_figure(species.differences) if species.differences else None,
        "compared": compared,
        "f1": figures.f1_figure(*(known[arm] for arm in compared), names=(compared[0], compared[1])) if pair else None,
        "few": [c for c, f1 in last.items() if f1.value is not None and not f1.is_known],
        "none": [c for c, f1 in last.items() if f1.value is None],
        "confusion": figures.confusion_figure(species, compared),
        "curve": figures.curve_figure(species.curve, known.get("given")) if len(species.curve) > 1 else None,
    }


def _arm_row(arm: str, training_windows: int, found: Arm) -> list[str]:
    measures = [found.measures.get(name) for name in ("balanced accuracy", "accuracy", "macro F1")]
    error = found.calibration_error
    return [
        arm,
        f"{training_windows:,}",
        *("-" if measure is None else share_cell(measure) for measure in measures),
        points_cell(found.measures["overconfidence"]) if "overconfidence" in found.measures else "-",
        "-" if error is None else f"{100 * error:.1f} points",
    ]


def _labels(made: Comparison) -> dict[str, Any]:
    """Return how many labels are wrong before and after review, by the windows that were labelled blind."""
    estimate = made.measured.estimate
    known = estimate.before.share is not None and estimate.after.share is not None
    others = [f"{n:,} {state}" for state, n in estimate.outcomes.items() if state != "verified"]
    earlier = estimate.drawn_in not in (None, made.run.folder.path.name)
    labels = {
        "figure": figures.labels_figure(estimate.before, estimate.after, target_error_rate=estimate.target_error_rate)
        if known
        else None,
        "before": share_with_interval(estimate.before),
        "after": share_with_interval(estimate.after),
        "missing": label_sentence(estimate, workspace=made.workspace),
        "strata": [_stratum_row(estimate, stratum) for stratum in AUDITED],
        "also_drawn": ", ".join(others),
        "earlier_run": estimate.drawn_in if earlier else None,
    }
    return {"labels": labels, "quality": quality_tables(made.measured, workspace=made.workspace)}


def _stratum_row(estimate: LabelErrorEstimate, stratum: str) -> list[str]:
    before, after = estimate.before, estimate.after
    counts = (estimate.sizes, before.verified, before.wrong, after.wrong)
    needed = after.needed.get(stratum, 0)
    return [stratum, *(f"{of.get(stratum, 0):,}" for of in counts), f"{needed:,}" if needed else "enough"]


def _open_segments(made: Comparison) -> dict[str, Any]:
    queue = made.measured.queue
    listed = queue.head(_LISTED).to_dict("records")
    return {
        "port": _PORT,
        "open_count": len(queue),
        "open_segments": [{**of, "kind_name": KIND_NAMES[of["kind"]]} for of in listed],
        "pictured": segment_cards(made.run, queue.head(_PICTURED)),
    }
