"""Model cards: what a bundle is, how it was made, how good it is and where it ends, as Markdown for people.

The layout follows Mitchell et al. (2019), "Model cards for model reporting". Nothing is invented: what was not measured is said
not to have been.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from data_schemas.files import replaced_file

__all__ = ["Figure", "ModelCard", "write_model_card"]

_USUAL_LIMITS = (
    "Every window is predicted by itself: what the animal did before does not count.",
    "It always names one of its classes, also for behaviour that is none of them; look at the probability.",
    "Keypoints from another pose estimator, camera angle or breed than in the data can cost accuracy that no figure here shows.",
)


@dataclass(frozen=True)
class Figure:
    """A measured figure, with the interval that it lies in.

    Attributes
    ----------
    name : str
        What was measured, such as ``balanced accuracy``.
    value : float
    low, high : float, optional
        Bounds of the 95 % interval; None where there is none: too few groups, or a figure for which none holds.
    on : str
        What it was measured on, such as ``12 held-out animals, 840 windows labelled blind``.
    """

    name: str
    value: float
    low: float | None = None
    high: float | None = None
    on: str = ""


@dataclass(frozen=True)
class ModelCard:
    """What a model card says; parts that are left empty are said to be unknown.

    Attributes
    ----------
    name : str
        The title.
    summary : str
        One sentence: what it does.
    classes : mapping
        The windows that each class was trained on; None where that is not known.
    inputs : mapping
        What goes in: keypoints, steps, rate.
    data : mapping
        What it was trained on: source, animals, clips, windows, hashes.
    training : mapping
        How it was trained: recipe, seed, versions.
    figures : sequence of Figure
    limits : sequence of str
        What it cannot do, beside what holds for every model of this kind.
    """

    name: str
    summary: str
    classes: Mapping[str, int | None]
    inputs: Mapping[str, object] = field(default_factory=dict)
    data: Mapping[str, object] = field(default_factory=dict)
    training: Mapping[str, object] = field(default_factory=dict)
    figures: Sequence[Figure] = ()
    limits: Sequence[str] = ()

    def markdown(self) -> str:
        """Return the card as Markdown."""
        parts = [f"# {_plain(self.name)}", _plain(self.summary), "## Classes", self._classes()]
        parts += ["## Input", _facts(self.inputs), "## Data", _facts(self.data), "## Training", _facts(self.training)]
        parts += ["## Figures", self._figures(), "## Limits", "\n".join(f"- {_plain(x)}" for x in (*self.limits, *_USUAL_LIMITS))]
        return "\n\n".join(parts) + "\n"

    def _classes(self) -> str:
        rows = [f"| {_cell(name)} | {'unknown' if count is None else f'{count:,}'} |" for name, count in self.classes.items()]
        return "\n".join(["| class | windows in training |", "|---|---|", *rows])

    def _figures(self) -> str:
        if not self.figures:
            return "None was measured on data that the model had not seen."
        rows = [f"| {_cell(f.name)} | {f.value:.3f} | {_interval(f)} | {_cell(f.on)} |" for f in self.figures]
        return "\n".join(["| figure | value | 95 % interval | measured on |", "|---|---|---|---|", *rows])


def write_model_card(folder: Path, card: ModelCard) -> Path:
    """Write ``MODEL_CARD.md`` into a bundle, in place of the one that is there; return its path."""
    path = folder / "MODEL_CARD.md"
    with replaced_file(path) as part:
        part.write_text(card.markdown(), encoding="utf-8")
    return path


def _interval(figure: Figure) -> str:
    return "none" if figure.low is None or figure.high is None else f"{figure.low:.3f} to {figure.high:.3f}"


def _facts(facts: Mapping[str, object]) -> str:
    return "\n".join(f"- {_plain(name)}: {_plain(str(value))}" for name, value in facts.items()) or "Not recorded."


def _plain(text: str) -> str:
    """Return text on one line, in which a name from a file starts no markup."""
    return " ".join(text.split()).replace("<", "&lt;").replace("`", "'")


def _cell(text: str) -> str:
    return _plain(text).replace("|", "\\|")
