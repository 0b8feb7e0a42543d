"""A training loop like the project's with loss, input and choice of windows left open, and losses for noisy labels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import Module
from torch.nn.functional import cross_entropy, log_softmax, nll_loss, softmax

from model.lstm import WindowLSTM
from model.recipe import Recipe
from model.training import Windows

Loss = Callable[[Tensor, Tensor, Tensor], Tensor]
"""(logits (b, classes), given class (b,), place among the training windows (b,)) -> loss."""

Poses = tuple[Tensor, Tensor, Tensor]
_STANDARDISATION = 20_000
_Started = tuple[WindowLSTM, torch.optim.Optimizer, torch.optim.lr_scheduler.LRScheduler, tuple[Tensor, ...]]


@dataclass(frozen=True)
class Learner:
    """What is changed about training: the loss (made anew for every network), the poses, or nothing.

    Attributes
    ----------
    make_loss : callable
        (training windows, classes) -> loss.
    change : callable, optional
        Changes the poses of a batch.
    watch : callable, optional
        Is shown the network at ten checkpoints.
    """

    make_loss: Callable[[int, int], Loss]
    change: Callable[[Poses], Poses] | None = None
    watch: Callable[[WindowLSTM], None] | None = None


def learn(
    windows: Windows,
    target: NDArray[np.int64],
    *,
    view: str,
    recipe: Recipe,
    classes: int,
    seed: int,
    learner: Learner,
) -> WindowLSTM:
    """Train one network as :func:`model.training.train_network` does, one cycle of ``optimizer_steps``, with another loss."""
    network, optimizer, scheduler, batches = _start(windows, view=view, recipe=recipe, classes=classes, seed=seed)
    y, loss_of = torch.from_numpy(target), learner.make_loss(len(target), classes)
    for done, batch in enumerate(batches, start=1):
        poses = windows.take(batch)
        loss = loss_of(network(*(learner.change(poses) if learner.change else poses)), y[batch], batch)
        _step(loss, optimizer, scheduler)
        if learner.watch and done % max(1, recipe.optimizer_steps // 10) == 0:
            learner.watch(network)
    return network.eval()


def learn_in_pairs(
    windows: Windows,
    target: NDArray[np.int64],
    *,
    view: str,
    recipe: Recipe,
    classes: int,
    seed: int,
    kept: float,
) -> Pair:
    """Train two networks; each learns from the windows whose loss is small for the other (co-teaching, Han et al. 2018).

    The share that is kept falls from 1 to ``kept`` over the first half of the updates.
    """
    pair = [_start(windows, view=view, recipe=recipe, classes=classes, seed=seed + 13 * i) for i in range(2)]
    y = torch.from_numpy(target)
    for done, batch in enumerate(pair[0][3]):
        share = 1 - (1 - kept) * min(1.0, 2 * done / recipe.optimizer_steps)
        losses = [cross_entropy(network(*windows.take(batch)), y[batch], reduction="none") for network, *_ in pair]
        small = [loss.detach().argsort()[: int(share * len(batch))] for loss in losses]
        for (_, optimizer, scheduler, _), loss, chosen in zip(pair, losses, small[::-1], strict=True):
            _step(loss[chosen].mean(), optimizer, scheduler)
    return Pair(*(network for network, *_ in pair)).eval()


class Pair(Module):
    """Two networks that predict the mean of their probabilities."""

    def __init__(self, one: WindowLSTM, other: WindowLSTM) -> None:
        super().__init__()
        self.one, self.other = one, other

    def forward(self, *poses: Tensor) -> Tensor:
        """Return logits of the mean."""
        return torch.log((softmax(self.one(*poses), 1) + softmax(self.other(*poses), 1)) / 2)


def smoothed(_count: int, _classes: int, *, by: float = 0.1) -> Loss:
    """Cross entropy with label smoothing."""
    return lambda logits, y, _rows: cross_entropy(logits, y, label_smoothing=by)


def generalised(_count: int, _classes: int, *, q: float = 0.7) -> Loss:
    """Generalised cross entropy (Zhang & Sabuncu 2018)."""
    return lambda logits, y, _rows: ((1 - softmax(logits, 1).gather(1, y[:, None]) ** q) / q).mean()


def bootstrapping(_count: int, _classes: int, *, beta: float = 0.8) -> Loss:
    """Hard bootstrapping (Reed et al. 2015): part of the target is what the network itself says."""

    def loss_of(logits: Tensor, y: Tensor, _rows: Tensor) -> Tensor:
        return beta * cross_entropy(logits, y) + (1 - beta) * cross_entropy(logits, logits.detach().argmax(1))

    return loss_of


def early_learning(count: int, classes: int, *, memory: float = 0.7, weight: float = 3.0) -> Loss:
    """Early-learning regularisation (Liu et al. 2020): stay near the running mean of the network's own answers."""
    means = torch.zeros(count, classes)

    def loss_of(logits: Tensor, y: Tensor, rows: Tensor) -> Tensor:
        p = softmax(logits, 1).clamp(1e-4, 1 - 1e-4)
        means[rows] = memory * means[rows] + (1 - memory) * p.detach() / p.detach().sum(1, keepdim=True)
        return cross_entropy(logits, y) + weight * torch.log1p(-(means[rows] * p).sum(1)).mean()

    return loss_of


def forward_corrected(_count: int, _classes: int, *, transition: NDArray[np.float64]) -> Loss:
    """Forward correction (Patrini et al. 2017); ``transition`` holds the given class (column) of each true one (row)."""
    noise = torch.from_numpy(transition.astype(np.float32))
    return lambda logits, y, _rows: nll_loss(torch.log(softmax(logits, 1) @ noise + 1e-6), y)


def plain(_count: int, _classes: int) -> Loss:
    """Cross entropy."""
    return lambda logits, y, _rows: nll_loss(log_softmax(logits, 1), y)


def augmented(poses: Poses) -> Poses:
    """Turn each window by any angle, mirror half of them, and hide one keypoint in ten."""
    xy, shown, scale = poses
    angle = 2 * torch.pi * torch.rand(len(xy))
    cos, sin = torch.cos(angle)[:, None, None], torch.sin(angle)[:, None, None]
    x, y = xy[..., 0] * torch.where(torch.rand(len(xy)) < 0.5, -1.0, 1.0)[:, None, None], xy[..., 1]
    hidden = torch.rand(len(xy), 1, xy.shape[2]) < 0.1
    return torch.stack([cos * x - sin * y, sin * x + cos * y], dim=-1), shown & ~hidden, scale


def _start(windows: Windows, *, view: str, recipe: Recipe, classes: int, seed: int) -> _Started:
    torch.manual_seed(seed)
    shuffle = np.random.default_rng(seed)
    network = WindowLSTM(view, recipe, keypoints=windows.xy.shape[1], steps=windows.steps, classes=classes)
    some = shuffle.permutation(len(windows))[:_STANDARDISATION]
    network.fit_standardisation(*windows.take(torch.from_numpy(some)))
    rounds = -(-recipe.optimizer_steps * recipe.batch_size // len(windows))
    order = torch.from_numpy(np.concatenate([shuffle.permutation(len(windows)) for _ in range(rounds)]))
    optimizer = torch.optim.Adam(network.parameters(), lr=recipe.lr)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=recipe.lr, total_steps=recipe.optimizer_steps + 1)
    return network.train(), optimizer, scheduler, torch.split(order, recipe.batch_size)[: recipe.optimizer_steps]


def _step(loss: Tensor, optimizer: torch.optim.Optimizer, scheduler: torch.optim.lr_scheduler.LRScheduler) -> None:
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()
    scheduler.step()
