"""What the models gained, on the page of the comparison: arms, differences, classes, confusion and the learning curve."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from pathlib import Path

from pipeline.report.comparison import comparison_figures as draw
from pipeline.report.comparison.comparison_text import interval_words, main_pair, missing_words
from pipeline.report.comparison.results import Arm, Retraining, Species
from pipeline.report.shell import empty, html_table, plot, prose, section
from pipeline.report.text import typed
from pipeline.report.trust_text import GROUPS

__all__ = ["model_sections"]


def model_sections(retraining: Retraining | None, *, workspace: Path) -> Iterator[str]:
    """Yield what the models of each species gained, or what it takes to know it."""
    if retraining is None:
        yield section("What the models gained", "Models that differ in nothing but the labels that taught them.")
        command = escape(f"audit retrain{typed(workspace)}")
        yield empty(f"No models are compared yet. Type <code>{command}</code>, then <code>audit compare</code>.")
        return
    group = GROUPS.get(retraining.groups_are, "group")
    several = len(retraining.species) > 1
    for number, (name, species) in enumerate(retraining.species.items()):
        title = f": {escape(name)}" if several else ""
        yield section(
            f"What the models gained{title}",
            "Models that differ in nothing but the labels that taught them, tested on windows of the hold-out that were labelled "
            f"blind. Lines are 95 % intervals over {group}s; a hollow dot has too few of them for one.",
        )
        if not species.known:
            words = missing_words(species, group=group, workspace=workspace)
            yield empty(f"No comparison: {prose(words)}. The models are trained and can be used.") + _taught(species)
            continue
        yield from _species(species, number)


def _species(species: Species, number: int) -> Iterator[str]:
    known = species.known
    yield plot(draw.arms_figure(species), f"arms-{number}") + _arms_table(species)
    pair = main_pair(species)
    if species.differences:
        yield "<h3>differences, over the same windows</h3>" + plot(
            draw.differences_figure(species.differences), f"pairs-{number}"
        )
    ends = ["given", pair.split(" - ")[0]] if pair else list(known)[-1:]
    if len(ends) == 2:
        yield f"<h3>each class, with {ends[0]} and with {ends[1]} labels: the class that gained most first</h3>"
        yield plot(draw.f1_figure(known[ends[0]], known[ends[1]], names=(ends[0], ends[1])), f"classes-{number}")
        yield _few_groups(known[ends[1]])
    yield "<h3>what the windows of each class are taken for</h3>" + plot(
        draw.confusion_figure(species, ends), f"confusion-{number}"
    )
    yield '<p class="how">Rows are what reviewers said blind, over n verified windows; each cell is its share of the row.</p>'
    yield "<h3>learning curve: what each part of the review brought</h3>"
    if len(species.curve) < 2:
        yield empty(
            "No curve: it takes reviewed labels, and models trained on parts of them (retrain.learning_curve in audit.toml)."
        )
    else:
        yield plot(draw.curve_figure(species.curve, known.get("given")), f"curve-{number}")
        yield '<p class="how">Decisions in order of time; at 0 the labels are those that the pipeline trusts by itself.</p>'


def _arms_table(species: Species) -> str:
    names = ("balanced accuracy", "accuracy", "macro F1")
    rows = [
        [
            arm,
            f"{species.taught.get(arm, 0):,}",
            *(interval_words(figures.measures[n]) if n in figures.measures else "-" for n in names),
            _signed(figures),
            "-" if figures.calibration_error is None else f"{100 * figures.calibration_error:.1f} points",
        ]
        for arm, figures in species.known.items()
    ]
    verified = species.verified
    left_out = f" {verified.left_out_unsure:,} more were drawn and show no one class." if verified.left_out_unsure else ""
    return (
        html_table(("labels", "windows taught", *names, "overconfidence", "calibration error"), rows, whole=True)
        + f'<p class="how">{verified.windows:,} verified windows.{left_out} Overconfidence: mean probability of the predicted '
        "class less the share that is right. Calibration error: mean distance of the two over tenths of probability; it grows "
        "with chance alone, so it has no interval.</p>"
    )


def _signed(figures: Arm) -> str:
    found = figures.measures.get("overconfidence")
    if found is None or found.value is None:
        return "-"
    reach = "" if found.low is None or found.high is None else f" ({100 * found.low:+.1f} to {100 * found.high:+.1f})"
    return f"{100 * found.value:+.1f}{reach}"


def _taught(species: Species) -> str:
    return html_table(("labels", "windows taught"), [[arm, f"{count:,}"] for arm, count in species.taught.items()], whole=True)


def _few_groups(arm: Arm) -> str:
    few = [c for c, found in arm.class_f1.items() if found.value is not None and not found.is_known]
    none = [c for c, found in arm.class_f1.items() if found.value is None]
    told = [f"Too few groups show {', '.join(map(escape, few))} for an interval."] if few else []
    told += [f"No verified window shows {', '.join(map(escape, none))}, and none is taken for it."] if none else []
    return f'<p class="how">{" ".join(told)}</p>' if told else ""
