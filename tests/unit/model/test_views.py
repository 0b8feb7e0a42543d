"""What each view keeps and what it forgets."""

from __future__ import annotations

import pytest
import torch

from model.views import VIEWS, view_size

SHOWN = torch.ones(3, 5, 4, dtype=torch.bool)
SCALE = torch.ones(3)


@pytest.fixture
def xy() -> torch.Tensor:
    return torch.randn(3, 5, 4, 2, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("view", VIEWS)
def test_every_view_has_its_stated_size_and_is_finite_with_keypoints_missing(view: str, xy: torch.Tensor) -> None:
    shown = SHOWN.clone()
    shown[0] = False
    shown[1, 2] = False
    shown[2, :, 1] = False
    features = VIEWS[view](torch.where(shown[..., None], xy, 0.0), shown, SCALE)
    assert features.shape == (3, 5, view_size(view, 4))
    assert torch.isfinite(features).all()
    assert (features[0] == 0).all()


@pytest.mark.parametrize("view", VIEWS)
def test_no_view_sees_where_the_camera_stood(view: str, xy: torch.Tensor) -> None:
    moved = VIEWS[view](xy + torch.tensor([300.0, -40.0]), SHOWN, SCALE)
    torch.testing.assert_close(moved, VIEWS[view](xy, SHOWN, SCALE), atol=1e-3, rtol=1e-3)


@pytest.mark.parametrize("view", VIEWS)
def test_no_view_sees_the_unit_of_length(view: str, xy: torch.Tensor) -> None:
    larger = VIEWS[view](xy * 8, SHOWN, SCALE * 8)
    torch.testing.assert_close(larger, VIEWS[view](xy, SHOWN, SCALE), atol=1e-4, rtol=1e-3)


def test_frame_view_is_the_recipes_min_max(xy: torch.Tensor) -> None:
    features = VIEWS["frame"](xy, SHOWN, SCALE).reshape(3, 5, 4, 2)
    assert features.amin((2,)).abs().max() == 0
    assert (features.amax((2,)) - 1).abs().max() < 1e-6


def test_frame_view_of_a_box_without_size_is_zero() -> None:
    assert (VIEWS["frame"](torch.full((3, 5, 4, 2), 7.0), SHOWN, SCALE) == 0).all()


def test_body_view_sees_the_animal_move(xy: torch.Tensor) -> None:
    walking = xy + torch.arange(5.0)[None, :, None, None] * torch.tensor([1.0, 0.0])
    difference = VIEWS["body"](walking, SHOWN, SCALE)[:, 1:, -2] - VIEWS["body"](xy, SHOWN, SCALE)[:, 1:, -2]
    torch.testing.assert_close(difference, torch.ones(3, 4))


def test_aligned_view_forgets_the_roll_of_the_camera(xy: torch.Tensor) -> None:
    long = xy * torch.tensor([3.0, 0.5])
    angle = torch.tensor(0.3)
    turn = torch.tensor([[angle.cos(), angle.sin()], [-angle.sin(), angle.cos()]])
    torch.testing.assert_close(
        VIEWS["aligned"](long @ turn, SHOWN, SCALE), VIEWS["aligned"](long, SHOWN, SCALE), atol=1e-4, rtol=1e-3
    )


def test_distances_forget_any_turn(xy: torch.Tensor) -> None:
    turn = torch.tensor([[0.0, 1.0], [-1.0, 0.0]])
    torch.testing.assert_close(VIEWS["distances"](xy @ turn, SHOWN, SCALE), VIEWS["distances"](xy, SHOWN, SCALE))


def test_views_are_what_they_are_called() -> None:
    """Of two steps of three keypoints, the last of which is missing in the second, in units of 2."""
    xy = torch.tensor([[[[0.0, 0.0], [4.0, 0.0], [2.0, 6.0]], [[2.0, 4.0], [6.0, 4.0], [0.0, 0.0]]]])
    shown = torch.tensor([[[True, True, True], [True, True, False]]])
    scale = torch.tensor([2.0])
    boxed = VIEWS["frame"](xy, shown, scale)
    torch.testing.assert_close(boxed, torch.tensor([[[0, 0, 1, 0, 0.5, 1], [0, 0, 1, 0, 0, 0]]]))
    # The centre goes from (2, 2) to (4, 4).
    centred = VIEWS["body"](xy, shown, scale)
    torch.testing.assert_close(centred, torch.tensor([[[-1.0, -1, 1, -1, 0, 2, 0, 0], [-1, 0, 1, 0, 0, 0, 1, 1]]]))
    gaps = torch.tensor([2.05, 10**0.5 + 0.05, 10**0.5 + 0.05]).log()
    torch.testing.assert_close(VIEWS["distances"](xy, shown, scale), torch.stack([gaps, torch.tensor([2.05, 1, 1]).log()])[None])


@pytest.mark.parametrize("degrees", [0, 30, 44])
def test_aligned_lays_the_longest_axis_along_x(degrees: float) -> None:
    angle = torch.tensor(degrees * torch.pi / 180)
    along, across = torch.stack([angle.cos(), angle.sin()]), torch.stack([-angle.sin(), angle.cos()])
    pose = torch.stack([-3 * along, 3 * along, across, -across])
    found = VIEWS["aligned"](
        (pose + 5 * along * torch.arange(2.0)[:, None, None])[None], torch.ones(1, 2, 4, dtype=torch.bool), SCALE[:1]
    )
    expected = [-3.0, 0, 3, 0, 0, 1, 0, -1]
    torch.testing.assert_close(found, torch.tensor([[[*expected, 0, 0], [*expected, 5, 0]]]), atol=1e-5, rtol=0)
