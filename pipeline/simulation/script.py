"""Who does what when: the bouts of a clip, its label, and how far that is wrong."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipeline.simulation.actions import TRANSITIONS

_WRONG_CLIPS = 0.03
_SHORTEST, _LONGEST = 1.0, 6.0


@dataclass(frozen=True)
class Bout:
    """One action from ``start`` to ``end``, in seconds."""

    action: str
    start: float
    end: float


@dataclass(frozen=True)
class Script:
    """The bouts of a clip, and the labels that the owner and the inspector give it."""

    bouts: tuple[Bout, ...]
    label: str
    inspected: str


def write_script(rng: np.random.Generator, *, species: str, action: str, seconds: float, contamination: float) -> Script:
    """Write the script of a clip of an action.

    Contaminated clips hold bouts of 1-6 s of what the animal is likely to do before and after; the clip's own action stays
    the commonest. Three clips in a hundred are labelled as something that does not occur in them.

    Parameters
    ----------
    contamination : float
        Share of all frames, over many clips, that shall carry another action than their label.
    """
    wrong = rng.random() < min(_WRONG_CLIPS, contamination)
    # About half of the clips are contaminated, more where more is asked for; how many differs between the classes.
    several = list(TRANSITIONS[species]).index(action) % 3
    clips = np.clip(0.5 * max(1.0, contamination / 0.25) + 0.08 * (several - 1), 0, 1)
    rest = max(contamination - _WRONG_CLIPS, 0.0) / (1 - _WRONG_CLIPS)
    share = 0.0
    if not wrong and rest > 0 and rng.random() < clips:
        share = float(np.clip(rng.normal(rest / (0.5 * max(1.0, contamination / 0.25)), 0.1), 0.08, 0.68))
    bouts = _bouts(rng, species=species, action=action, seconds=seconds, share=share)
    label = action
    if wrong:
        label = str(rng.choice([a for a in TRANSITIONS[species] if a != action]))
    inspected = action if rng.random() < 0.6 else label
    return Script(bouts=bouts, label=label, inspected=inspected)


def _bouts(rng: np.random.Generator, *, species: str, action: str, seconds: float, share: float) -> tuple[Bout, ...]:
    others = _others(rng, species=species, action=action, total=share * seconds, own=(1 - share) * seconds)
    if not others:
        return (Bout(action, 0.0, seconds),)
    # The clip's own action fills the gaps between the others; the first and the last may be empty.
    gaps = rng.dirichlet(np.full(len(others) + 1, 1.2)) * (seconds - sum(length for _, length in others))
    if rng.random() < 0.3:
        gaps[-1], gaps[0] = gaps[-1] + gaps[0], 0.0
    bouts, now = [], 0.0
    for gap, (other, length) in zip(gaps, [*others, ("", 0.0)], strict=True):
        if gap > 0:
            bouts.append(Bout(action, now, now + gap))
        now += gap
        if length > 0:
            bouts.append(Bout(other, now, now + length))
        now += length
    return tuple(bouts)


def _others(rng: np.random.Generator, *, species: str, action: str, total: float, own: float) -> list[tuple[str, float]]:
    """Draw bouts of other actions that last ``total`` seconds, none of the actions as long as the clip's own."""
    likely = dict(zip(TRANSITIONS[species][action], (0.45, 0.25, 0.15), strict=True))
    weight = {a: likely.get(a, 0.15 / (len(TRANSITIONS[species]) - 4)) for a in TRANSITIONS[species] if a != action}
    spent = dict.fromkeys(weight, 0.0)
    found: list[tuple[str, float]] = []
    left = total
    while left >= _SHORTEST / 2:
        roomy = [a for a in weight if 0.85 * own - spent[a] >= _SHORTEST / 2]
        if not roomy:
            break
        odds = np.array([weight[a] for a in roomy])
        choice = str(rng.choice(roomy, p=odds / odds.sum()))
        length = min(float(rng.uniform(_SHORTEST, _LONGEST)), left, 0.85 * own - spent[choice])
        found.append((choice, length))
        spent[choice] += length
        left -= length
    return found
