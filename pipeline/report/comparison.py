"""comparison.html: what review and retraining gained, on one page that works offline."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from pipeline.proof.measured import Measured
from pipeline.proof.verdict import AUDITED
from pipeline.proof.words import label_words, share_words, shown_share
from pipeline.report import comparison_figures as draw
from pipeline.report.comparison_file import Arm, Retraining, Species
from pipeline.report.comparison_words import (
    GROUPS,
    headline,
    interval_words,
    main_pair,
    missing_words,
    review_words,
    stale_words,
    title_words,
)
from pipeline.report.found import Found
from pipeline.report.rounds import rounds_figure, rounds_table
from pipeline.report.segment_cards import segment_cards
from pipeline.report.shell import html_page, is_simulated, plot, section

__all__ = ["Compared", "comparison_page"]

_LISTED = 40
_PICTURED = 6
_PORT = 8501


@dataclass(frozen=True)
class Compared:
    """All that the page tells.

    Attributes
    ----------
    found : Found
        Tables of the run.
    retraining : Retraining or None
        None before `audit retrain`.
    measured : Measured
        The review, and the verdict on the labels.
    workspace : Path
        As it is typed after ``-w``.
    """

    found: Found
    retraining: Retraining | None
    measured: Measured
    workspace: Path


def comparison_page(compared: Compared) -> str:
    """Return the page as HTML; the same run, review and models give the same bytes."""
    return html_page("pose-audit: what review gained", "\n".join(_sections(compared)))


def _sections(compared: Compared) -> Iterator[str]:
    yield _header(compared)
    yield from _models(compared)
    yield section(
        "Labels that are still wrong",
        "The share of the audited windows whose label differs from what reviewers said who saw neither label nor suggestion. The "
        "hold-out is not reviewed, and not counted here.",
    )
    yield from _labels(compared)
    if len(compared.found.rounds) > 1:
        yield section(
            "Rounds",
            "What was reviewed before each round, and what the audit itself then expected of the rest: its own estimate, not "
            "that of blind labels.",
        )
        yield rounds_table(compared.found.rounds) + plot(rounds_figure(compared.found.rounds), "rounds")
    yield section(
        "Worst segments that are left",
        "The open segments in the order of the queue: those where a second of reviewing is expected to repair most.",
    )
    yield from _segments(compared)


def _header(compared: Compared) -> str:
    record, measured = compared.found.record, compared.measured
    source = str(record.get("source"))
    told = headline(compared.retraining, measured, workspace=compared.workspace)
    stale = stale_words(compared.retraining, measured, workspace=compared.workspace) if compared.retraining else ""
    cards = "".join(f"<div><b>{escape(value)}</b><span>{escape(name)}</span></div>" for name, value in _cards(compared))
    simulated = '<div class="simulated">simulated data</div>' if is_simulated(Path(source)) else ""
    return (
        f"<h1>{escape(title_words(compared.retraining, measured))}</h1>{simulated}"
        + "".join(f"<p>{_prose(sentence)}</p>" for sentence in told)
        + (f'<p class="how">{_prose(stale)}</p>' if stale else "")
        + f'<p class="source">{escape(source)}, run {escape(compared.found.folder.path.name)}; '
        f"{escape(review_words(measured))}</p>"
        f'<div class="figures">{cards}</div>'
    )


def _cards(compared: Compared) -> Iterator[tuple[str, str]]:
    measured, verdict = compared.measured, compared.measured.verdict
    yield "frames reviewed", shown_share(measured.reviewed_frames / max(measured.frames, 1))
    if compared.retraining is not None:
        yield "verified hold-out windows", f"{sum(s.verified.windows for s in compared.retraining.species.values()):,}"
        for name, species in compared.retraining.species.items():
            pair = main_pair(species)
            value = species.differences[pair]["balanced accuracy"].value if pair else None
            if pair and value is not None:
                yield f"{name}: points of balanced accuracy, {pair.replace(' - ', ' less ')}", f"{100 * value:+.1f}"
    else:
        yield "verified hold-out windows", f"{verdict.holdout:,}"
    yield "labels wrong at most", shown_share(verdict.after.at_most)
    yield "open segments", f"{verdict.open_segments:,}"


def _models(compared: Compared) -> Iterator[str]:
    retraining = compared.retraining
    if retraining is None:
        where = "" if compared.workspace == Path() else f" -w {compared.workspace}"
        yield section("What the models gained", "Models that differ in nothing but the labels that taught them.")
        yield _empty(
            f"No models are compared yet. Type <code>audit retrain{escape(where)}</code>, then <code>audit compare</code>."
        )
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
            words = missing_words(species, group=group, workspace=compared.workspace)
            yield _empty(f"No comparison: {_prose(words)}. The models are trained and can be used.") + _taught(species)
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
    yield "<h3>learning curve: what each part of the review brought</h3>"
    if len(species.curve) < 2:
        yield _empty("No curve: it takes reviewed labels, and models trained on parts of them (retrain.curve in audit.toml).")
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
        _table(("labels", "windows taught", *names, "overconfidence", "calibration error"), rows)
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
    return _table(("labels", "windows taught"), [[arm, f"{count:,}"] for arm, count in species.taught.items()])


def _few_groups(arm: Arm) -> str:
    few = [c for c, found in arm.class_f1.items() if found.value is not None and not found.is_known]
    none = [c for c, found in arm.class_f1.items() if found.value is None]
    told = [f"Too few groups show {', '.join(map(escape, few))} for an interval."] if few else []
    told += [f"No verified window shows {', '.join(map(escape, none))}, and none is taken for it."] if none else []
    return f'<p class="how">{" ".join(told)}</p>' if told else ""


def _labels(compared: Compared) -> Iterator[str]:
    verdict = compared.measured.verdict
    if verdict.before.share is None or verdict.after.share is None:
        yield _empty(_prose(label_words(verdict, workspace=compared.workspace)))
    else:
        yield plot(draw.labels_figure(verdict.before, verdict.after, wanted=verdict.wanted), "labels")
        yield (
            f'<p class="how">Before review {share_words(verdict.before)}; after {share_words(verdict.after)}. The bound lies on '
            "one side, so it is lower than the upper end of the interval.</p>"
        )
    rows = [
        [
            stratum,
            f"{verdict.sizes[stratum]:,}",
            f"{verdict.before.verified.get(stratum, 0):,}",
            f"{verdict.before.wrong.get(stratum, 0):,}",
            f"{verdict.after.wrong.get(stratum, 0):,}",
            f"{verdict.after.needed.get(stratum, 0):,}" if verdict.after.needed.get(stratum) else "enough",
        ]
        for stratum in AUDITED
    ]
    yield _table(("windows that are", "in the run", "verified", "wrong before", "wrong after", "still needed"), rows)
    others = {state: n for state, n in verdict.outcomes.items() if state != "verified"}
    if others:
        yield f'<p class="how">Also drawn: {", ".join(f"{n:,} {state}" for state, n in others.items())}.</p>'
    if verdict.drawn_in not in (None, compared.found.folder.path.name):
        yield f'<p class="how">Sample and strata are those of an earlier run, {escape(str(verdict.drawn_in))}.</p>'


def _segments(compared: Compared) -> Iterator[str]:
    queue = compared.measured.queue
    if queue.empty:
        yield _empty("No segment is open.")
        return
    where = "" if compared.workspace == Path() else f" -w {compared.workspace}"
    yield (
        f"<p>Type <code>audit review{escape(where)} --port {_PORT}</code>; while it runs, every link opens its segment. "
        f"{len(queue):,} are open{f', the first {_LISTED} are listed' if len(queue) > _LISTED else ''}.</p>"
    )
    yield _table(
        ("segment", "clip", "frames", "given", "suggested", "kind", "windows", "expected wrong"),
        [_row(s, place + 1) for place, s in enumerate(queue.head(_LISTED).to_dict("records"))],
        plain=1,
    )
    yield from segment_cards(compared.found, queue.head(_PICTURED))


def _row(segment: dict[Any, Any], place: int) -> list[str]:
    windows, quality = int(segment["windows"]), float(segment["label_quality"])
    link = f"http://localhost:{_PORT}/review?segment={segment['segment_id']}"
    expected = "pose" if segment["kind"] == "bad_pose" else f"{windows * (1 - quality):.1f}"
    return [
        f'<a href="{escape(link)}">{place}</a>',
        str(segment["clip_id"]),
        f"{segment['start_frame']}-{segment['end_frame']}",
        str(segment["given_label"]),
        f"{segment['suggested_label']} ({segment['suggested_probability']:.0%})",
        str(segment["kind"]).replace("_", " "),
        f"{windows:,}",
        expected,
    ]


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]], *, plain: int = 0) -> str:
    """Return a table; the first ``plain`` cells of a row are HTML already."""
    head = "".join(f"<th>{escape(h)}</th>" for h in heads)
    body = "".join(
        "<tr>" + "".join(f"<td>{cell if i < plain else escape(cell)}</td>" for i, cell in enumerate(row)) + "</tr>"
        for row in rows
    )
    return f'<div class="scroll whole" tabindex="0"><table><tr>{head}</tr>{body}</table></div>'


def _prose(words: str) -> str:
    """Return a sentence as HTML; what stands in backticks is to be typed."""
    return re.sub("`([^`]*)`", r"<code>\1</code>", escape(words))


def _empty(words: str) -> str:
    return f'<p class="empty">{words}</p>'
