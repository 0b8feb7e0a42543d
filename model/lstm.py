"""The network of the recipe: an LSTM over a window's steps, all hidden states into one linear layer."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from model.recipe import Recipe
from model.views import VIEWS, view_size

__all__ = ["WindowLSTM"]


class WindowLSTM(nn.Module):
    """Classify windows of poses as seen through one view.

    The hidden states of all steps are concatenated into one linear layer; the state starts at zero for every window, so that
    windows are independent of each other. The view and the standardisation (fitted on the training windows) are part of the
    network: raw poses go in, logits come out.

    Parameters
    ----------
    view : str
        A key of :data:`model.views.VIEWS`.
    recipe : Recipe
        Layers, hidden size, dropout and whether inputs are standardised and masked.
    keypoints, steps, classes : int
        Sizes of a window and of the output.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, view: str, recipe: Recipe, *, keypoints: int, steps: int, classes: int) -> None:
        super().__init__()
        self.view = view
        self.mask = recipe.mask
        features = view_size(view, keypoints)
        self.register_buffer("mean", torch.zeros(features))
        self.register_buffer("std", torch.ones(features))
        self.lstm = nn.LSTM(features + keypoints * recipe.mask, recipe.hidden_size, recipe.layers, batch_first=True)
        self.dropout = nn.Dropout(recipe.dropout)
        self.linear = nn.Linear(steps * recipe.hidden_size, classes)

    @classmethod
    def of_weights(cls, weights: Mapping[str, Tensor], place: int, recipe: Recipe, **sizes: int) -> WindowLSTM:
        """Return the network of the recipe's view at ``place``, around its weights ``PLACE.NAME`` among those of a bundle.

        Nothing is allocated before they are found to fit: sizes that a bundle claims but does not hold cost no memory.
        """
        own = {name.partition(".")[2]: value for name, value in weights.items() if name.startswith(f"{place}.")}
        with torch.device("meta"):
            network = cls(recipe.views[place], recipe, **sizes)
        network.load_state_dict(own, assign=True)
        return network.float().eval()

    def forward(self, xy: Tensor, shown: Tensor, scale: Tensor) -> Tensor:
        """Return logits, shape (b, classes), for xy (b, t, k, 2), 0 where missing; shown, bool (b, t, k); and scale (b,)."""
        return self.linear(self.dropout(self.embed(xy, shown, scale)))  # type: ignore[no-any-return]

    def embed(self, xy: Tensor, shown: Tensor, scale: Tensor) -> Tensor:
        """Return the concatenated hidden states, shape (b, t x hidden)."""
        features = (VIEWS[self.view](xy, shown, scale) - self.mean) / self.std
        if self.mask:
            features = torch.cat([features, shown.to(features.dtype)], dim=2)
        states, _ = self.lstm(features)
        return states.flatten(1)  # type: ignore[no-any-return]

    def fit_standardisation(self, xy: Tensor, shown: Tensor, scale: Tensor) -> None:
        """Set mean and standard deviation (at least 0.001) of the view's features to those of these windows."""
        features = VIEWS[self.view](xy, shown, scale).flatten(0, 1)
        self.mean.copy_(features.mean(0))
        self.std.copy_(features.std(0).clamp(min=1e-3))
