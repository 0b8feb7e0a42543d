"""comparison.html: what review and retraining gained, on one page that works offline."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from pipeline.evaluation.label_error import Measured
from pipeline.evaluation.verdict import AUDITED
from pipeline.readers.taxonomy import KIND_NAMES
from pipeline.report.comparison import comparison_figures as draw
from pipeline.report.comparison.comparison_text import headline, review_words, stale_words, title_words
from pipeline.report.comparison.model_sections import model_sections
from pipeline.report.comparison.results import Retraining
from pipeline.report.comparison.verdict_text import label_words, share_words, shown_share
from pipeline.report.rounds_section import rounds_figure, rounds_table
from pipeline.report.run_tables import RunTables
from pipeline.report.segment_cards import segment_cards
from pipeline.report.share_section import quality_section
from pipeline.report.shell import empty, html_page, html_table, is_simulated, plot, prose, section
from pipeline.report.text import typed

__all__ = ["Compared", "comparison_page"]

_LISTED = 40
_PICTURED = 6
_PORT = 8501


@dataclass(frozen=True)
class Compared:
    """All that the page tells.

    Attributes
    ----------
    found : RunTables
        Tables of the run.
    retraining : Retraining or None
        None before `audit retrain`.
    measured : Measured
        The review, and the verdict on the labels.
    workspace : Path
        As it is typed after ``-w``.
    """

    found: RunTables
    retraining: Retraining | None
    measured: Measured
    workspace: Path


def comparison_page(compared: Compared) -> str:
    """Return the page as HTML; the same run, review and models give the same bytes."""
    return html_page("pose-audit: what review gained", "\n".join(_sections(compared)))


def _sections(compared: Compared) -> Iterator[str]:
    yield _header(compared)
    yield from model_sections(compared.retraining, workspace=compared.workspace)
    yield section(
        "Labels that are still wrong",
        "The share of the audited windows whose label differs from what reviewers said who saw neither label nor suggestion. The "
        "hold-out is not reviewed, and not counted here.",
    )
    yield from _labels(compared)
    yield section(
        "What label quality turned out to be",
        "Of the windows whose given label people checked, how many were right, by the quality that the audit gave them.",
    )
    yield from quality_section(compared.measured, workspace=compared.workspace)
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
        + "".join(f"<p>{prose(sentence)}</p>" for sentence in told)
        + (f'<p class="how">{prose(stale)}</p>' if stale else "")
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
            for pair in ("pruned - given", "reviewed - given", "reviewed - pruned"):
                value = species.differences[pair]["balanced accuracy"].value if pair in species.differences else None
                if value is not None:
                    shown = "same" if pair in species.identical else f"{100 * value:+.1f}"
                    yield f"{name}: points of balanced accuracy, {pair.replace(' - ', ' less ')}", shown
    else:
        yield "verified hold-out windows", f"{verdict.holdout:,}"
    yield "labels wrong at most", shown_share(verdict.after.at_most)
    yield "open segments", f"{verdict.open_segments:,}"


def _labels(compared: Compared) -> Iterator[str]:
    verdict = compared.measured.verdict
    if verdict.before.share is None or verdict.after.share is None:
        yield empty(prose(label_words(verdict, workspace=compared.workspace)))
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
    yield html_table(
        ("windows that are", "in the run", "verified", "wrong before", "wrong after", "still needed"), rows, whole=True
    )
    others = {state: n for state, n in verdict.outcomes.items() if state != "verified"}
    if others:
        yield f'<p class="how">Also drawn: {", ".join(f"{n:,} {state}" for state, n in others.items())}.</p>'
    if verdict.drawn_in not in (None, compared.found.folder.path.name):
        yield f'<p class="how">Sample and strata are those of an earlier run, {escape(str(verdict.drawn_in))}.</p>'


def _segments(compared: Compared) -> Iterator[str]:
    queue = compared.measured.queue
    if queue.empty:
        yield empty("No segment is open.")
        return
    command = f"audit review{typed(compared.workspace)} --port {_PORT}"
    yield (
        f"<p>Type <code>{escape(command)}</code>; while it runs, every link opens its segment. "
        f"{len(queue):,} are open{f', the first {_LISTED} are listed' if len(queue) > _LISTED else ''}.</p>"
    )
    yield html_table(
        ("segment", "clip", "frames", "given", "suggested", "kind", "windows", "expected wrong"),
        [_row(s, place + 1) for place, s in enumerate(queue.head(_LISTED).to_dict("records"))],
        plain=1,
        whole=True,
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
        KIND_NAMES[str(segment["kind"])],
        f"{windows:,}",
        expected,
    ]
