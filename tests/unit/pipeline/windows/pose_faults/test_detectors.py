"""Each bound of each detector: just inside is a pose, just outside is a fault. Poses are made by hand, of radius 100."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy.optimize import minimize

from pipeline.windows.pose_faults.detectors import _row_median, frozen_points, jumps, stretched_bones
from pipeline.windows.pose_faults.motion import Body, Poses, body_shift, clip_median, geometric_median
from pipeline.windows.pose_faults.swaps import identity_swaps, left_right_swaps

N, K, HZ = 60, 8, 5.0
ANGLE = 2 * np.pi * np.arange(K) / K
OUT = np.stack([np.cos(ANGLE), np.sin(ANGLE)], axis=1)
"""Where the keypoints of an animal lie from its middle, in radii; 0 and 4 lie opposite each other."""

Detector = Callable[[Poses], np.ndarray]


def still(animals: int = 1, *, apart: float = 1000.0) -> np.ndarray:
    """Return N samples of animals beside each other that do not move."""
    pose = np.concatenate([100 * OUT + [apart * i, 0] for i in range(animals)])
    return np.repeat(pose[None], N, axis=0)


def poses(
    xy: np.ndarray,
    *,
    missing: list[tuple[object, object]] | None = None,
    bones: tuple[tuple[int, int], ...] = (),
    pairs: tuple[tuple[int, int], ...] = (),
    block: np.ndarray | None = None,
) -> Poses:
    shown = np.ones(xy.shape[:2], bool)
    for rows, columns in missing or []:
        shown[rows, columns] = False
    animals = tuple(tuple(range(start, start + K)) for start in range(0, xy.shape[1], K))
    block = np.zeros(len(xy), np.int32) if block is None else block
    return Poses(np.where(shown[..., None], xy, 0).astype(np.float32), shown, block, block, Body(animals, bones, pairs), HZ)


def places(found: np.ndarray) -> list[tuple[int, int]]:
    return [(int(row), int(column)) for row, column in np.argwhere(found)]


def leaping(rows: list[int], *, by: float = 100.0) -> np.ndarray:
    """Return an animal whose keypoint 0 is away in some samples."""
    xy = still()
    xy[rows, 0, 0] += by
    return xy


@pytest.mark.parametrize(
    ("rows", "by", "found"),
    [
        # A leap is longer than .8 radii.
        ([20], 82, [20]),
        ([20], 78, []),
        # It lasts for two samples at most.
        ([20, 21], 100, [20, 21]),
        ([20, 21, 22], 100, []),
        # Three samples of leaps within a second on either side are a motion, unless they are longer than 1.6 radii.
        ([20, 25], 100, [20, 25]),
        ([20, 25, 30], 100, [20, 30]),
        ([20, 26, 31], 100, [20, 26, 31]),
        ([20, 25, 31], 100, [20, 25, 31]),
        ([20, 24, 28], 157, [20, 28]),
        ([20, 24, 28], 163, [20, 24, 28]),
        # What begins or ends away was not seen to leave, or to come back.
        ([1], 100, [1]),
        ([N - 2], 100, [N - 2]),
        ([0], 100, []),
        ([N - 1], 100, []),
        ([0, N - 1], 100, []),
    ],
)
def test_a_jump_is_a_leap_there_and_back(rows: list[int], by: float, found: list[int]) -> None:
    assert places(jumps(poses(leaping(rows, by=by)))) == [(row, 0) for row in found]


@pytest.mark.parametrize(("home", "found"), [(64, True), (69, False)])
def test_a_jump_ends_within_half_of_the_shorter_leap_of_where_it_began(home: float, found: bool) -> None:
    xy = leaping([20], by=200)
    xy[21:, 0, 0] += home
    assert places(jumps(poses(xy))) == [(20, 0)] * found


@pytest.mark.parametrize(("unseen", "found"), [(2, True), (3, False)])
@pytest.mark.parametrize("side", [-1, 1])
def test_a_keypoint_is_compared_with_where_it_was_at_most_three_samples_before(unseen: int, found: bool, side: int) -> None:
    hidden = 20 + side * np.arange(1, unseen + 1)
    assert places(jumps(poses(leaping([20]), missing=[(hidden, 0)]))) == [(20, 0)] * found


@pytest.mark.parametrize(("by", "found"), [(90, False), (110, True)])
def test_a_leap_is_four_times_as_long_as_the_keypoints_usual_step(by: float, found: bool) -> None:
    xy = leaping([20], by=by)
    xy[:, 0, 1] += 25 * (np.arange(N) % 2)
    assert places(jumps(poses(xy))) == [(20, 0)] * found


@pytest.mark.parametrize(("by", "found"), [(110, False), (130, True)])
def test_a_leap_is_three_times_as_long_as_the_steps_of_the_other_keypoints(by: float, found: bool) -> None:
    xy = still()
    xy[20] += 40 * OUT
    xy[20, 0, 0] = 100 + by
    assert places(jumps(poses(xy))) == [(20, 0)] * found


def test_leaps_of_another_block_are_no_part_of_a_motion() -> None:
    xy = leaping([23, 27, 31])
    block = (np.arange(N) > 29).astype(np.int32)
    assert places(jumps(poses(xy, block=block))) == [(23, 0), (27, 0), (31, 0)]
    assert places(jumps(poses(xy))) == [(23, 0), (31, 0)]
    assert places(jumps(poses(leaping([30]), block=block))) == []


def test_the_median_of_a_row_is_the_lower_of_two_and_that_of_nothing_is_zero() -> None:
    values = np.array([[4, 1, 3, 2], [4, 1, 3, 2], [4, 1, 3, 2], [4, 1, 3, 2]], np.float32)
    known = np.array([[1, 1, 1, 1], [1, 0, 1, 1], [1, 0, 0, 0], [0, 0, 0, 0]], bool)
    assert _row_median(values, known)[:, 0].tolist() == [2, 3, 4, 0]


@pytest.mark.parametrize(
    ("bone", "length", "found"),
    [
        # .8 radii more than usual for a short bone (76.5 long), and 1.8 times for a long one (200).
        ((0, 1), 152, False),
        ((0, 1), 161, True),
        ((0, 4), 355, False),
        ((0, 4), 365, True),
    ],
)
def test_a_bone_is_too_long_by_a_share_and_by_a_length(bone: tuple[int, int], length: float, found: bool) -> None:
    xy = still()
    a, b = bone
    way = xy[20, a] - xy[20, b]
    xy[20, a] = xy[20, b] + way * length / np.hypot(*way)
    # The other end has two more bones, so that it is not to blame.
    bones = (bone, (b, 6), (b, 7))
    assert places(stretched_bones(poses(xy, bones=bones))) == [(20, a)] * found
    # Shorter than usual is no fault.
    xy[20, a] = xy[20, b] + 0.1 * way
    assert places(stretched_bones(poses(xy, bones=bones))) == []


@pytest.mark.parametrize(("length", "found"), [(470, False), (505, True)])
def test_a_bone_that_varies_is_too_long_three_deviations_above_the_usual(length: float, found: bool) -> None:
    """The log length is .2 above or below that of 200 in four samples of five: its median deviation, 1.4826 x .2 if normal."""
    xy = still()
    xy[:, 0, 0] = -100 + 200 * np.exp(np.tile([-0.2, -0.2, 0, 0.2, 0.2], N // 5))
    xy[20, 0, 0] = -100 + length
    assert places(stretched_bones(poses(xy, bones=((0, 4), (4, 3), (4, 5))))) == [(20, 0)] * found


@pytest.mark.parametrize(("length", "found"), [(78, False), (84, True)])
def test_keypoints_that_usually_lie_on_one_pixel_have_a_bone_of_a_hundredth_of_the_radius(length: float, found: bool) -> None:
    xy = still()
    xy[:, 0] = xy[:, 4]
    xy[20, 0, 0] += length
    assert places(stretched_bones(poses(xy, bones=((0, 4), (4, 3), (4, 5))))) == [(20, 0)] * found


@pytest.mark.parametrize(
    ("bones", "unseen", "blamed"),
    [
        (((0, 4),), [], [0, 4]),
        (((0, 4), (4, 5)), [], [0]),
        (((0, 4), (0, 3)), [], [4]),
        # Half of the bones of either end are too long, then a third.
        (((0, 4), (4, 5), (0, 3)), [], [0, 4]),
        (((0, 4), (4, 5), (4, 6), (0, 3), (0, 2)), [], []),
        # What is not seen is no bone.
        (((0, 4), (4, 5), (4, 6), (0, 3), (0, 2)), [2, 3], [0]),
        (((0, 4), (4, 5)), [5], [0, 4]),
        (((0, 4),), [4], []),
    ],
)
def test_the_end_with_the_larger_share_of_its_bones_too_long_is_to_blame(
    bones: tuple[tuple[int, int], ...], unseen: list[int], blamed: list[int]
) -> None:
    xy = still()
    # Both ends are drawn out so that bones to their neighbours stay short of the bound, which that between them exceeds.
    xy[20, [0, 4]] *= 1.85
    assert places(stretched_bones(poses(xy, bones=bones, missing=[(20, unseen)]))) == [(20, k) for k in blamed]


def frozen_for(steps: int, *, start: int = 20, pace: float = 10.0, moving: np.ndarray | None = None) -> np.ndarray:
    """Return an animal that runs, with keypoint 3 at one place from one sample to the next for some steps."""
    xy = still()
    xy[..., 0] += pace * np.cumsum(np.ones(N) if moving is None else moving)[:, None]
    xy[start : start + steps + 1, 3] = xy[start, 3]
    return xy


@pytest.mark.parametrize("start", [0, 20, N - 11])
def test_a_point_is_frozen_from_two_seconds_on_wherever_that_is_in_the_clip(start: int) -> None:
    assert places(frozen_points(poses(frozen_for(10, start=start)))) == [(row, 3) for row in range(start, start + 11)]
    assert places(frozen_points(poses(frozen_for(9, start=start)))) == []


@pytest.mark.parametrize(
    ("pace", "moving", "found"),
    [
        # The rest moves by .08 radii a sample on average.
        (8.3, None, True),
        (7.7, None, False),
        (16.6, 1 - np.arange(N) % 2, True),
        (15.4, 1 - np.arange(N) % 2, False),
        (30, np.arange(N) < 20, False),
        (30, np.arange(N) > 30, False),
    ],
)
def test_a_point_is_frozen_where_the_rest_moves(pace: float, moving: np.ndarray | None, found: bool) -> None:
    assert frozen_points(poses(frozen_for(10, pace=pace, moving=moving))).any() == found


def test_a_gap_a_missing_sample_and_a_move_along_one_axis_end_a_frozen_stretch() -> None:
    xy = frozen_for(12)
    assert frozen_points(poses(xy)).sum() == 13
    assert not frozen_points(poses(xy, block=(np.arange(N) > 26).astype(np.int32))).any()
    assert not frozen_points(poses(xy, missing=[(26, 3)])).any()
    xy[26:33, 3, 1] += 1
    assert not frozen_points(poses(xy)).any()


def test_another_animal_that_moves_freezes_nobody() -> None:
    xy = still(animals=2)
    xy[:, K:, 0] += 30 * np.arange(N)[:, None]
    assert not frozen_points(poses(xy)).any()
    # Nor do keypoints that come and go.
    assert not frozen_points(poses(still(), missing=[(slice(0, N, 2), slice(3, K))])).any()


def legs(sign: np.ndarray, *, length: float = 100.0) -> np.ndarray:
    """Return an animal whose keypoints 1 and 2 lie beside each other, to the left and right or exchanged."""
    xy = still()
    xy[:, [1, 2]] = 0
    xy[:, 1, 0], xy[:, 2, 0] = sign * length / 2, -sign * length / 2
    return xy


def exchanged(first: int, last: int) -> np.ndarray:
    row = np.arange(N)
    return np.where((row >= first) & (row <= last), -1.0, 1.0)


def swapped_rows(xy: np.ndarray, **told: object) -> list[int]:
    found = left_right_swaps(poses(xy, pairs=((1, 2),), **told))
    assert (found[:, 1] == found[:, 2]).all()
    assert not np.delete(found, [1, 2], axis=1).any()
    return np.flatnonzero(found[:, 1]).tolist()


@pytest.mark.parametrize(
    ("first", "last", "found"),
    [
        # An exchange lasts for three samples, or to the end, and so does what is before it.
        (30, 32, range(30, 33)),
        (30, 31, []),
        (2, 20, range(2, 21)),
        (1, 20, range(21)),
        (N - 2, N, range(N - 2, N)),
        (N - 1, N, []),
        # Of two directions the rarer is exchanged; of two as common the later.
        (20, N, range(20)),
        (29, N, range(29)),
        (30, N, range(30, N)),
        (31, N, range(31, N)),
    ],
)
def test_a_pair_is_exchanged_on_the_rarer_side_of_its_turns(first: int, last: int, found: range) -> None:
    assert swapped_rows(legs(exchanged(first, last))) == list(found)


@pytest.mark.parametrize(
    ("length", "longer", "found"),
    [
        # Left and right lie .4 radii apart; with them so near its middle the animal has a radius of 84.
        (35, 1.0, True),
        (32, 1.0, False),
        (30, 1.4, False),
        # What is left of the motion is .35 of it.
        (100, 2.0, True),
        (100, 2.15, False),
    ],
)
def test_a_pair_is_exchanged_where_it_is_far_apart_and_hardly_moves_but_for_that(
    length: float, longer: float, found: bool
) -> None:
    sign = exchanged(30, 40)
    assert (swapped_rows(legs(np.where(sign < 0, longer * sign, sign), length=length)) == list(range(30, 41))) == found


@pytest.mark.parametrize(("own", "found"), [(64, True), (70, False)])
def test_an_exchange_is_three_times_the_pairs_usual_change(own: float, found: bool) -> None:
    xy = legs(exchanged(30, 40))
    row = np.arange(N)
    # Around the turns it stands still.
    xy[:, 1, 1] += own * (row % 2) * ~np.isin(row, [*range(27, 34), *range(38, 45)])
    assert bool(swapped_rows(xy)) == found


@pytest.mark.parametrize("row", [28, 31])
@pytest.mark.parametrize(("away", "found"), [(56, True), (64, False)])
def test_a_pair_stands_within_three_tenths_of_the_exchange_before_and_after_it(row: int, away: float, found: bool) -> None:
    xy = legs(exchanged(30, N))
    xy[row, 1, 1] += away
    assert bool(swapped_rows(xy)) == found


@pytest.mark.parametrize(
    ("unseen", "found"),
    [
        ([34, 33], [*range(35, N)]),
        ([34, 33, 32], []),
        ([35, 37], [36, *range(38, N)]),
        # It is seen once more at least on either side.
        ([36], [35, *range(37, N)]),
        ([36, 37], []),
        ([33], range(35, N)),
        ([33, 32], []),
    ],
)
def test_an_exchange_is_seen_across_a_short_gap_and_at_least_twice_on_either_side(unseen: list[int], found: range) -> None:
    # Exchanged, the hidden one is at 0, as what is hidden is stored.
    assert swapped_rows(legs(exchanged(35, N)) + [50, 0], missing=[(unseen, 1)]) == list(found)


def test_blocks_have_their_exchanges_to_themselves() -> None:
    block = (np.arange(N) >= 40).astype(np.int32)
    assert swapped_rows(legs(exchanged(30, N)), block=block) == [*range(30, 40)]
    assert swapped_rows(legs(exchanged(10, 39)), block=block) == [*range(10)]
    assert swapped_rows(legs(exchanged(40, N)), block=block) == []
    assert swapped_rows(legs(exchanged(39, N)), block=block) == []
    assert swapped_rows(legs(exchanged(30, 49)), block=block) == [*range(30, 40), *range(50, N)]


def test_a_pair_of_which_one_is_hidden_is_not_exchanged() -> None:
    # Of what is hidden the coordinates are 0, so that its side of the other may be another.
    assert swapped_rows(legs(exchanged(N, N)) + [250, 0], missing=[(slice(30, 40), 1)]) == []


def rats(*, apart: float = 300.0, after: float | None = None, moved: float = 0.0, parts: int = K) -> np.ndarray:
    """Return two animals that have each other's names from sample 30 on, where they have also moved sideways or apart."""
    xy = still(animals=2, apart=apart)
    late = still(animals=2, apart=apart if after is None else after)
    late[:, :, 1] += moved
    xy[30:, :parts], xy[30:, K : K + parts] = late[30:, K : K + parts], late[30:, :parts]
    return xy


@pytest.mark.parametrize(
    ("xy", "found"),
    [
        (rats(), True),
        # They are one radius apart, before and after.
        (rats(apart=104), True),
        (rats(apart=96), False),
        (rats(apart=150) / 100, True),
        (rats(apart=110, after=90), False),
        (rats(apart=90, after=110), False),
        # What is left of the motion is .35 of it.
        (rats(moved=108), True),
        (rats(moved=116), False),
        # Four parts of five say so.
        (rats(parts=7), True),
        (rats(parts=6), False),
    ],
)
def test_two_animals_are_exchanged_where_they_are_apart_and_nearly_all_parts_change_place(xy: np.ndarray, found: bool) -> None:
    marked = identity_swaps(poses(xy))
    assert places(marked) == ([(row, column) for row in (29, 30) for column in range(2 * K)] if found else [])


def test_of_two_animals_the_smaller_says_how_far_apart_they_have_to_be() -> None:
    small, large = still()[0] * 0.5 + [70, 0], still()[0]
    xy = np.concatenate([np.repeat([[*small, *large]], 50, axis=0), np.repeat([[*large, *small]], 10, axis=0)])
    assert identity_swaps(poses(xy))[49:51].all()


def test_a_part_that_agrees_with_neither_counts_against_an_exchange() -> None:
    """Where it lies on the other animal's it leaves all of the motion as it is, and yet is not nearer to the other's place."""
    xy = rats()
    for stray in (1, 2):
        xy[:, K + stray - 1] = xy[:, stray - 1]
        xy[30:, K + stray - 1, 0] += 10
        assert identity_swaps(poses(xy)).any() == (stray == 1)


@pytest.mark.parametrize(("seen", "found"), [(2, True), (1, False)])
def test_two_parts_that_both_animals_show_are_needed(seen: int, found: bool) -> None:
    # At any other sample all are seen, or there would be no size.
    missing = [(slice(29, 31), slice(seen, K))]
    marked = identity_swaps(poses(rats(), missing=missing))
    assert marked.any() == found
    assert not marked[29:31, seen:K].any()


def test_animals_change_names_in_no_gap() -> None:
    assert not identity_swaps(poses(rats(), block=(np.arange(N) >= 30).astype(np.int32))).any()
    assert not identity_swaps(poses(rats(), missing=[(29, slice(0, K))])).any()


@pytest.mark.parametrize("seed", range(3))
def test_the_geometric_median_has_the_least_sum_of_distances(seed: int) -> None:
    points = np.random.default_rng(seed).normal(0, 50, (1, 9, 2)).astype(np.float32)
    shown = np.arange(9)[None] < 7
    middle, known = geometric_median(points, shown)
    best = minimize(lambda m: np.hypot(*(points[0, :7] - m).T).sum(), points[0, :7].mean(axis=0), method="Nelder-Mead")
    assert known.all()
    assert np.hypot(*(points[0, :7] - middle[0]).T).sum() == pytest.approx(best.fun, rel=2e-3)


def test_the_geometric_median_may_lie_on_a_point_and_needs_three() -> None:
    cross = np.array([[[0, 0], [1, 0], [-1, 0], [0, 1], [0, -1]]] * 3, np.float32) + 5
    shown = np.array([[1, 1, 1, 0, 0], [1, 1, 1, 1, 1], [1, 1, 0, 0, 0]], bool)
    middle, known = geometric_median(cross, shown)
    assert known.tolist() == [True, True, False]
    np.testing.assert_allclose(middle, [[5, 5], [5, 5], [0, 0]], atol=1e-5)


def test_an_animal_is_shifted_by_what_most_of_it_moves_and_never_across_a_gap() -> None:
    xy = still()
    xy[20:] += [7, -3]
    xy[30:, 0] += 400
    shift = body_shift(poses(xy), list(range(K)))
    expected = np.zeros((N, 2))
    expected[20] = [7, -3]
    # One keypoint of eight that leaps hardly moves the others.
    np.testing.assert_allclose(shift, expected, atol=0.01)
    np.testing.assert_allclose(poses(xy).drift[[19, 20, N - 1], 3], [[0, 0], [7, -3], [7, -3]], atol=0.02)
    assert not body_shift(poses(xy, block=(np.arange(N) >= 20).astype(np.int32)), list(range(K)))[20].any()
    assert not body_shift(poses(xy, missing=[(19, slice(2, K))]), list(range(K)))[20].any()


def test_the_size_of_an_animal_is_the_median_of_its_radii_in_its_clip() -> None:
    xy = still(animals=2)
    xy[:, :K] *= np.repeat([1.0, 2.0, 4.0], [20, 15, 25])[:, None, None]
    xy[:, K:] = 1000 + 0.5 * (xy[:, K:] - 1000)
    clip = (np.arange(N) >= 35).astype(np.int32)
    size = poses(xy, block=clip).size
    np.testing.assert_allclose(size[[0, 34, 35], 0], [100, 100, 400], rtol=1e-4)
    np.testing.assert_allclose(size[[0, 59], -1], [50, 50], rtol=1e-3)
    # The root mean square of the distances of those that are shown.
    long = still()
    long[:, [0, 4]] *= 3
    np.testing.assert_allclose(poses(long).size[0, 0], 100 * np.sqrt((2 * 9 + 6) / 8), rtol=1e-4)
    np.testing.assert_allclose(poses(long, missing=[(slice(None), [0, 4])]).size[0, 0], 100, rtol=1e-4)
    # A pose of two keypoints has none.
    np.testing.assert_allclose(poses(still(), missing=[(slice(20, N), slice(2, K))]).size[0, 0], 100, rtol=1e-4)


def test_the_median_of_a_clip_is_that_of_what_is_known_of_it() -> None:
    values = np.array([[1, 5], [2, 6], [9, 7], [3, 8], [4, 9]], np.float32)
    known = np.array([[1, 0], [1, 0], [0, 0], [1, 1], [1, 1]], bool)
    found = clip_median(values, known, np.array([4, 4, 4, 2, 2], np.int32))
    np.testing.assert_array_equal(found, [[1.5, np.nan]] * 3 + [[3.5, 8.5]] * 2)
