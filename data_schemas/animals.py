"""Which keypoints belong to which animal, by their names: ``rat1_nose, rat2_nose``, or ``track_0_head, track_1_head``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

_SIDE_WORDS = "left right l r front back rear hind fore upper lower top bottom mid inner outer"
_SIDES = frozenset(_SIDE_WORDS.split())
"""Words for sides of one body: ``left_ear, left_hip, right_ear, right_hip`` are not two animals."""

_BODY_WORDS = (
    "nose snout head neck ear eye mouth jaw tail tailbase body centroid spine thorax abdomen hip shoulder elbow knee ankle wrist "
    "paw foot hand leg arm wing fin antenna mandible proboscis beak chest torso rump pelvis forehead tip base root start end"
)
_BODY = frozenset(_BODY_WORDS.split())
"""Words for parts of a body: ``head_top, head_base, tail_top, tail_base`` are not two animals either."""

_GAP = r"[_.\- ]+"


def animals_in(names: Sequence[str]) -> dict[str, tuple[int, ...]]:
    """Return the animals in keypoint names, and the places of each one's keypoints; empty where the names are of one only.

    The words before (or after) the part name the animal, where every animal has the same parts and no keypoint is left over; the
    same part has the same place in each. Where names can be read in several ways, words that are counted (a, b; rat1, rat2) name
    animals rather than words that are not, and then the reading with the fewest animals is taken. Sides and parts of one body
    are not animals.
    """
    usable = []
    for animals, parts in _readings(names):
        if _of_one_body(animals) or all(word.lower() in _SIDES for part in parts for word in name_parts(part)):
            continue
        counted = len({re.sub(r"\d+$|(?<![a-zA-Z])[a-zA-Z]$", "", who) for who in animals}) == 1
        usable.append((not counted, len(animals), animals))
    return min(usable, key=lambda reading: reading[:2])[2] if usable else {}


def _readings(names: Sequence[str]) -> Iterator[tuple[dict[str, tuple[int, ...]], list[str]]]:
    """Yield each way of reading names as animals that have the same parts, and these parts."""
    words = [name_parts(name) for name in names]
    for count in range(1, max((len(w) for w in words), default=0)):
        for last in (False, True):
            groups: dict[str, dict[str, int]] = {}
            for place, name in enumerate(words):
                who, part = (name[-count:], name[:-count]) if last else (name[:count], name[count:])
                groups.setdefault("_".join(who), {})["_".join(part)] = place
            parts = list(next(iter(groups.values())))
            alike = all(group.keys() == set(parts) for group in groups.values())
            if alike and len(groups) > 1 and len(parts) > 1 and "" not in parts and "" not in groups:
                yield {who: tuple(group[part] for part in parts) for who, group in groups.items()}, parts


def _of_one_body(animals: Iterable[str]) -> bool:
    """Tell whether words that would name animals name sides or parts of one body: ``left``, ``leg2``, ``resident_tail``."""
    words = {re.sub(r"\d+$", "", word).lower() for who in animals for word in name_parts(who)}
    return bool(words & (_SIDES | _BODY))


def name_parts(name: str) -> list[str]:
    """Return the words of a keypoint's name."""
    return [word for word in re.split(_GAP, name) if word]
