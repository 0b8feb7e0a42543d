"""How many steps are taken, on which windows, and where."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.utils.class_weight import compute_class_weight

from data_schemas.errors import ConfigError
from model.device import available_devices, choose_device
from model.recipe import PRESETS, make_recipe
from model.training import Windows, _balanced, _class_weights, network_logits, train_network, view_seed
from model.windowing import SEEN, Samples

RECIPE = replace(PRESETS["default"], views=("body",), hidden_size=4, batch_size=20)


def windows(count: int = 50) -> Windows:
    xy = np.random.default_rng(0).normal(100, 30, (count + 4, 3, 2)).astype(np.float32)
    numbers = np.arange(count + 4, dtype=np.int32)
    samples = Samples(xy, np.full((count + 4, 3), SEEN, np.uint8), numbers, 0 * numbers, np.full(count + 4, 30, np.float32))
    return Windows.of(samples, np.arange(count), steps=5)


@pytest.mark.parametrize(
    ("changes", "steps", "told"),
    [
        # An epoch of 50 windows has three batches of 20, the last a short one.
        ({"epochs": 4, "min_optimizer_steps": 0}, 12, [3, 6, 9, 12]),
        ({"epochs": 4, "min_optimizer_steps": 14}, 14, [3, 6, 9, 12, 14]),
        ({"optimizer_steps": 2, "min_optimizer_steps": 14}, 2, [2]),
        # Downsampled to ten windows of either class, it has one.
        ({"epochs": 4, "min_optimizer_steps": 0, "balance": "downsample"}, 4, [1, 2, 3, 4]),
    ],
)
def test_training_takes_as_many_steps_as_the_recipe_says(changes: dict[str, object], steps: int, told: list[int]) -> None:
    losses: list[torch.Tensor] = []
    heard: list[tuple[int, int]] = []
    target = (np.arange(50) >= 40).astype(np.int64)
    how = {"view": "body", "recipe": replace(RECIPE, **changes), "classes": 2, "seed": 0}
    network = train_network(windows(), target, **how, progress=lambda *done: heard.append(done), losses=losses)
    assert len(losses) == steps
    assert heard == [(done, steps) for done in told]
    assert not network.training


@pytest.mark.parametrize(
    ("changes", "rates"),
    [
        ({"schedule": "step", "step_epochs": 2, "gamma": 0.3}, [0.01] * 6 + [0.003] * 6 + [0.0009] * 3),
        ({"schedule": "one-cycle"}, None),
    ],
)
def test_the_learning_rate_goes_down_by_steps_or_through_one_cycle(
    monkeypatch: pytest.MonkeyPatch, changes: dict[str, object], rates: list[float] | None
) -> None:
    seen: list[float] = []
    step = torch.optim.Adam.step

    def noting(self: torch.optim.Adam, *args: object) -> object:
        seen.append(self.param_groups[0]["lr"])
        return step(self, *args)

    monkeypatch.setattr(torch.optim.Adam, "step", noting)
    recipe = replace(RECIPE, epochs=5, min_optimizer_steps=0, **changes)
    train_network(windows(), np.arange(50) % 2, view="body", recipe=recipe, classes=2, seed=0)
    assert len(seen) == 15
    if rates:
        assert seen == pytest.approx(rates)
    else:
        assert max(seen) == pytest.approx(0.01, rel=0.05)
        assert seen[0] == pytest.approx(0.01 / 25)
        assert seen[-1] < 0.0005


def test_inputs_are_standardised_by_the_training_windows_where_the_recipe_says() -> None:
    def network(standardise: bool) -> torch.nn.Module:
        recipe = replace(RECIPE, optimizer_steps=1, standardise=standardise)
        return train_network(windows(), np.arange(50) % 2, view="body", recipe=recipe, classes=2, seed=0)

    plain, standard = network(False), network(True)
    assert plain.mean.tolist() == [0] * 8
    assert plain.std.tolist() == [1] * 8
    assert (standard.std[:6] > 0.3).all()
    assert standard.mean[0] != 0


def test_weights_of_classes_are_the_inverse_of_how_frequent_they_are() -> None:
    target = np.array([0] * 10 + [1] * 4 + [3] * 1)
    expected = compute_class_weight("balanced", classes=np.array([0, 1, 3]), y=target)
    assert _class_weights(target, 5).tolist() == pytest.approx([expected[0], expected[1], 0, expected[2], 0])


def test_downsampling_leaves_of_every_class_as_many_as_the_rarest_has() -> None:
    target = np.array([2] * 9 + [0] * 3 + [1] * 5)
    rows = _balanced(target, np.random.default_rng(0))
    assert rows.tolist() == sorted(set(rows.tolist()))
    assert np.bincount(target[rows]).tolist() == [3, 3, 3]
    assert rows.tolist() != _balanced(target, np.random.default_rng(1)).tolist()


def test_every_view_has_a_seed_of_its_own_and_no_windows_have_no_logits() -> None:
    assert view_seed(5, 0) == 5
    assert len({view_seed(seed, view) for seed in range(50) for view in range(4)}) == 200
    recipe = replace(RECIPE, optimizer_steps=1)
    network = train_network(windows(), np.arange(50) % 2, view="body", recipe=recipe, classes=2, seed=0)
    assert network_logits(network, windows(0)).shape == (0, 2)
    assert network_logits(network, windows()).shape == (50, 2)


@pytest.mark.parametrize(("cuda", "mps", "best"), [(True, True, "cuda"), (False, True, "mps"), (False, False, "cpu")])
def test_the_best_device_that_is_here_trains(monkeypatch: pytest.MonkeyPatch, cuda: bool, mps: bool, best: str) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
    assert available_devices()[0] == best
    assert available_devices()[-1] == "cpu"
    assert choose_device().type == best
    assert choose_device("cpu").type == "cpu"
    if not cuda:
        with pytest.raises(ConfigError, match=r"run\.device: 'cuda' is not available") as caught:
            choose_device("cuda")
        assert caught.value.hint.startswith(f"here: {best}")


@pytest.mark.parametrize(
    ("preset", "changes", "message", "hint"),
    [
        ("classical", {}, "no preset is called 'classical'", "known presets: default, classic"),
        ("default", {"hiden": 3}, "a recipe has no value 'hiden'", "known: views, layers, hidden_size"),
        ("default", {"views": ()}, "model.views is empty", "name at least one of frame, body, aligned, distances"),
        ("default", {"views": ("zzzzzz",)}, "no view is called 'zzzzzz'", "known views: frame, body, aligned, distances"),
    ],
)
def test_a_recipe_that_cannot_be_is_refused_with_what_can(
    preset: str, changes: dict[str, object], message: str, hint: str
) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        make_recipe(preset, **changes)
    assert caught.value.hint.startswith(hint)
    assert make_recipe("default", layers=None, hidden_size=7) == replace(PRESETS["default"], hidden_size=7)
