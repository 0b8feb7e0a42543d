"""The training loop, and prediction with what it made: two functions that read top to bottom."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from data_schemas.progress import Progress
from model.lstm import WindowLSTM
from model.recipe import Recipe
from model.windowing import MISSING, Samples

__all__ = ["Windows", "network_logits", "train_network", "view_seed"]


_PREDICTION_BATCH = 8192
_STANDARDISATION_WINDOWS = 20_000


@dataclass(frozen=True)
class Windows:
    """Windows as an index over one matrix of samples, on one device.

    Attributes
    ----------
    xy : float32, shape (n, k, 2); shown : bool, shape (n, k); scale : float32, shape (n,)
        The samples (see :class:`model.windowing.Samples`).
    first : int64, shape (windows,)
        Row of each window's first sample in these.
    steps : int
        Samples in a window.
    """

    xy: Tensor
    shown: Tensor
    scale: Tensor
    first: Tensor
    steps: int

    @classmethod
    def of(cls, samples: Samples, first: NDArray[np.int64], *, steps: int, device: torch.device | None = None) -> Windows:
        """Move samples and index to a device; on the CPU nothing is copied."""
        return cls(
            xy=torch.from_numpy(samples.xy).to(device),
            shown=torch.from_numpy(samples.state > MISSING).to(device),
            scale=torch.from_numpy(samples.scale).to(device),
            first=torch.from_numpy(np.require(first, requirements=["C", "W"])).to(device),
            steps=steps,
        )

    def __len__(self) -> int:
        """Return the number of windows."""
        return len(self.first)

    def take(self, which: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Gather windows: xy (b, t, k, 2), shown (b, t, k), scale (b,)."""
        rows = self.first[which, None] + torch.arange(self.steps, device=self.first.device)
        return self.xy[rows], self.shown[rows], self.scale[rows[:, 0]]


def view_seed(seed: int, view: int) -> int:
    """Return the seed of the network of the n-th view of a classifier: each view has its own."""
    return seed + 7919 * view


def train_network(
    windows: Windows,
    target: NDArray[np.int64],
    *,
    view: str,
    recipe: Recipe,
    classes: int,
    seed: int,
    progress: Progress | None = None,
    losses: list[Tensor] | None = None,
) -> WindowLSTM:
    """Train one network on all ``windows``; the same seed on the same machine gives the same network.

    It takes ``recipe.optimizer_steps`` steps where that is set, else as many as ``recipe.epochs`` have, but at least
    ``recipe.min_optimizer_steps``, because a fixed number of epochs is far too few on a small set. The learning rate follows
    ``recipe.schedule``: down by ``gamma`` every ``step_epochs`` epochs (the original recipe), or one cycle.

    Parameters
    ----------
    windows : Windows
        The training windows, on the device to train on.
    target : int64, shape (windows,)
        Class of each window, 0 to ``classes`` - 1.
    losses : list, optional
        Is given the loss of every step, a scalar on the device: waiting for each number would slow a GPU down.
    """
    torch.manual_seed(seed)
    shuffle = np.random.default_rng(seed)
    device = windows.xy.device
    network = WindowLSTM(view, recipe, keypoints=windows.xy.shape[1], steps=windows.steps, classes=classes).to(device)
    if recipe.standardise:
        some = shuffle.permutation(len(windows))[:_STANDARDISATION_WINDOWS]
        network.fit_standardisation(*windows.take(torch.from_numpy(some).to(device)))

    y = torch.from_numpy(target).to(device)
    kept = _balanced(target, shuffle) if recipe.balance == "downsample" else np.arange(len(target))
    loss_of = nn.CrossEntropyLoss(weight=_class_weights(target, classes).to(device) if recipe.balance == "weights" else None)

    per_epoch = -(-len(kept) // recipe.batch_size)
    steps = recipe.optimizer_steps or max(recipe.epochs * per_epoch, recipe.min_optimizer_steps)
    optimizer = torch.optim.Adam(network.parameters(), lr=recipe.lr)
    scheduler: torch.optim.lr_scheduler.LRScheduler
    if recipe.schedule == "step":
        scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=recipe.step_epochs * per_epoch, gamma=recipe.gamma)
    else:
        scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=recipe.lr, total_steps=steps + 1)

    network.train()
    done = 0
    while done < steps:
        order = torch.from_numpy(shuffle.permutation(kept)).to(device)
        for batch in torch.split(order, recipe.batch_size)[: steps - done]:
            loss = loss_of(network(*windows.take(batch)), y[batch])
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            scheduler.step()
            done += 1
            if losses is not None:
                losses.append(loss.detach())
        if progress:
            progress(done, steps)
    return network.eval()


def network_logits(network: WindowLSTM, windows: Windows) -> NDArray[np.float32]:
    """Return logits of shape (windows, classes): unbounded scores, whose softmax are probabilities."""
    network.eval()
    # A GPU's shortened floats (TF32) are near enough for training, but a bundle should say the same wherever it is loaded.
    with torch.inference_mode(), torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
        rows = torch.arange(len(windows), device=windows.first.device)
        parts = [network(*windows.take(b)).float().cpu() for b in torch.split(rows, _PREDICTION_BATCH) if len(b)]
    return torch.cat(parts).numpy() if parts else np.empty((0, network.linear.out_features), np.float32)


def _balanced(target: NDArray[np.int64], shuffle: np.random.Generator) -> NDArray[np.int64]:
    """Return the rows of a draw in which every class is as frequent as the rarest."""
    by_class = [np.flatnonzero(target == c) for c in np.unique(target)]
    smallest = min(map(len, by_class))
    return np.sort(np.concatenate([shuffle.permutation(rows)[:smallest] for rows in by_class]))


def _class_weights(target: NDArray[np.int64], classes: int) -> Tensor:
    count = np.bincount(target, minlength=classes)
    return torch.tensor(np.where(count > 0, len(target) / (np.maximum(count, 1) * (count > 0).sum()), 0.0), dtype=torch.float32)
