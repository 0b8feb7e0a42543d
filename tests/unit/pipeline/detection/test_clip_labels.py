"""A clip whose label is wrong throughout is told from one that is merely hard, by clips of other groups."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.detection.clip_labels import clip_error_odds, clip_error_probability
from pipeline.detection.smoothing import WindowLabels

CLIPS, EACH, CLASSES = 90, 24, 3
ROWS = CLIPS * EACH
CLIP = np.repeat(np.arange(CLIPS), EACH)
GROUP = (CLIP // 6).astype(np.int64)
WRONG = slice(2 * EACH, 3 * EACH)
"""The windows of a clip that carries a label of which nothing is seen."""


def labelled(reviewed_mask: np.ndarray | None = None) -> WindowLabels:
    nobody = np.zeros(ROWS, bool)
    return WindowLabels(
        given=CLIP % CLASSES,
        clip=CLIP,
        block=CLIP,
        audited=~nobody,
        valid_pose=~nobody,
        reviewed=nobody if reviewed_mask is None else reviewed_mask,
        sigma=2.0,
    )


@pytest.fixture
def believed() -> np.ndarray:
    """Give probabilities that speak for every label but those of the wrong clip."""
    p = np.eye(CLASSES)[CLIP % CLASSES] * 2 + np.random.default_rng(0).random((ROWS, CLASSES))
    p[WRONG] = p[WRONG][:, [1, 2, 0]]
    return p / p.sum(axis=1, keepdims=True)


def odds(p: np.ndarray, labels: WindowLabels, group: np.ndarray = GROUP) -> np.ndarray:
    return clip_error_odds(p, labels, group, seed=0)


def test_another_label_is_likelier_for_the_wrong_clip_alone(believed: np.ndarray) -> None:
    found = odds(believed, labelled())
    assert found[WRONG].min() > 5
    assert np.delete(found, np.r_[WRONG]).max() < 0.5
    assert clip_error_probability(found, share=0.2)[WRONG].min() > 0.5


def test_a_hard_clip_is_no_wrong_clip(believed: np.ndarray) -> None:
    """Where clips of a label always look half like another, so does this one."""
    hard = CLIP % CLASSES == 1
    p = np.where(hard[:, None], 0.5 * believed + 0.5 * np.roll(believed, 1, axis=1), believed)
    assert odds(p, labelled())[hard].max() < 0.5


def test_the_rest_of_a_clip_counts_for_it(believed: np.ndarray) -> None:
    half = np.zeros(ROWS, bool)
    half[2 * EACH : 2 * EACH + 12] = True
    rest = slice(2 * EACH + 12, 3 * EACH)
    labels = labelled()
    # A reviewer gave one half of it the label that models see: the other half still is wrong throughout.
    relabelled = np.where(half, (labels.given + 2) % CLASSES, labels.given)
    assert odds(believed, replace(labels, given=relabelled, reviewed=half))[rest].min() > 5
    # So it is where a window at the border holds a frame that was not reviewed, and the label of those that were.
    border = half & (np.arange(ROWS) != 2 * EACH + 11)
    found = odds(believed, replace(labels, given=relabelled, reviewed=border))
    assert found[rest].min() > 5
    assert found[2 * EACH : 2 * EACH + 12].max() == 0
    # A reviewer confirmed one half of it: then it is not.
    assert odds(believed, replace(labels, reviewed=half))[2 * EACH : 3 * EACH].max() == 0


def test_the_hold_out_is_predicted_by_all_audited_groups_whatever_their_numbers(believed: np.ndarray) -> None:
    held, audited = GROUP < 2, GROUP.max()
    one, other = (odds(believed, labelled(), np.where(held, -1, group)) for group in (GROUP, audited + 2 - GROUP))
    assert one[WRONG].min() > 5
    np.testing.assert_allclose(one[held], other[held])


def test_where_frames_are_labelled_no_clip_is_wrong_throughout(believed: np.ndarray) -> None:
    labels = labelled()
    changing = np.where(np.arange(ROWS) % EACH < 8, (labels.given + 1) % CLASSES, labels.given)
    assert odds(believed, replace(labels, given=changing)).max() == 0


def test_a_clip_is_scored_by_other_groups_and_never_by_the_hold_out(believed: np.ndarray) -> None:
    assert odds(believed, labelled(), np.zeros(ROWS, np.int64)).max() == 0
    apart = np.where(GROUP >= 10, -1, GROUP)
    other = believed.copy()
    other[apart < 0] = 1 / CLASSES
    np.testing.assert_array_equal(
        odds(believed, labelled(), apart)[apart >= 0] > 1, odds(other, labelled(), apart)[apart >= 0] > 1
    )
    held_out = np.where(GROUP == 0, -1, GROUP)
    assert odds(believed, labelled(), held_out)[WRONG].min() > 5


def test_a_label_that_no_other_group_has_is_not_scored(believed: np.ndarray) -> None:
    alone = np.where(CLIP % CLASSES == 1, 0, 1 + GROUP)
    found = odds(believed, labelled(), alone)
    assert found[CLIP % CLASSES == 1].max() == 0


@settings(deadline=None, max_examples=20)
@given(share=st.floats(0, 0.5), seed=st.integers(0, 100))
def test_the_chance_lies_between_none_and_one_and_grows_with_the_odds(share: float, seed: int) -> None:
    found = clip_error_probability(np.sort(np.random.default_rng(seed).exponential(10, 50)), share=share)
    assert ((found >= 0) & (found <= 1)).all()
    assert (np.diff(found) >= 0).all()


def test_few_clips_of_many_classes_are_scored_without_a_word_of_regression() -> None:
    clip = np.arange(48)
    nobody = np.zeros(48, bool)
    labels = WindowLabels(given=clip // 2, clip=clip, block=clip, audited=~nobody, valid_pose=~nobody, reviewed=nobody, sigma=2.0)
    found = odds(np.full((48, 24), 1 / 24), labels, clip % 4)
    assert np.isfinite(found).all()
