"""The networks of a classifier as one forward pass in numpy: quick for a single window, and the same to the bit among many.

PyTorch needs a millisecond to call three small networks for one window, most of it overhead, and sums the products of a matrix
in an order that depends on how many windows there are. Here every window is multiplied by itself (a stack of products of one
shape, whatever their number) and all else goes element by element, so that a window gets the same probabilities whether it comes
alone from a stream or with a thousand others from a table. From what PyTorch says of it they differ by rounding alone.

The equations are those of :class:`torch.nn.LSTM` (Hochreiter & Schmidhuber 1997, with the forget gate of Gers et al. 2000).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from model.lstm import WindowLSTM
from model.views import VIEWS, View

__all__ = ["ForwardPass"]

FloatArray = NDArray[np.float32]

_CHUNK = 64
"""Windows at a time, so that their states stay in a processor's cache; the answer does not depend on it."""

_HALF = np.float32(0.5)


class ForwardPass:
    """Weights of trained networks, laid out for windows one by one.

    Parameters
    ----------
    networks : sequence of WindowLSTM
        One a view, of the same recipe, on any device. Weights are copied: what is trained later is not seen.
    """

    def __init__(self, networks: Sequence[WindowLSTM]) -> None:
        self._sights = [_Sight.of(network) for network in networks]
        self._layers = [_Layer.of([n.lstm for n in networks], i) for i in range(networks[0].lstm.num_layers)]
        self._weight = np.stack([_array(n.linear.weight).T for n in networks])[:, None]
        self._bias = np.stack([_array(n.linear.bias) for n in networks])[:, None]

    def probabilities(self, xy: FloatArray, shown: NDArray[np.bool_], scale: FloatArray) -> FloatArray:
        """Return the mean of the networks' probabilities, shape (n, classes).

        Parameters
        ----------
        xy : float32, shape (n, steps, keypoints, 2)
            Coordinates; 0 where missing.
        shown : bool, shape (n, steps, keypoints)
        scale : float32, shape (n,)
            The median pose radius that distances are divided by.
        """
        found = np.empty((len(xy), self._bias.shape[-1]), np.float32)
        # Views divide first, and then leave out what had nothing to be divided by.
        with np.errstate(divide="ignore", invalid="ignore"):
            for start in range(0, len(xy), _CHUNK):
                some = slice(start, start + _CHUNK)
                logits = self._logits(xy[some], shown[some], scale[some]).astype(np.float64)
                logits -= np.maximum.reduce(logits, axis=2, keepdims=True)
                powers = np.exp(logits, out=logits)
                powers /= np.add.reduce(powers, axis=2, keepdims=True)
                found[some] = np.add.reduce(powers, axis=0) / len(powers)
        return found

    def _logits(self, xy: FloatArray, shown: NDArray[np.bool_], scale: FloatArray) -> FloatArray:
        """Return shape (views, n, classes)."""
        windows, steps = shown.shape[:2]
        views, mask = len(self._sights), shown.astype(np.float32)
        driven = np.empty((4, views, windows, steps, self._layers[0].states.shape[-1]), np.float32)
        for i, sight in enumerate(self._sights):
            sight.drive(xy, shown, scale, mask=mask, out=driven[:, i])
        states = self._layers[0].scan(driven)
        for layer in self._layers[1:]:
            states = layer.scan(states @ layer.inputs)
        return (states.reshape(views, windows, 1, -1) @ self._weight)[:, :, 0] + self._bias


@dataclass(frozen=True)
class _Sight:
    """One view of a window with its standardisation, and what it drives the first layer with."""

    view: View
    mean: FloatArray
    std: FloatArray
    mask: bool
    inputs: FloatArray
    """Shape (4, 1, features, hidden)."""

    @classmethod
    def of(cls, network: WindowLSTM) -> _Sight:
        inputs = _gates(network.lstm, "weight_ih_l0").swapaxes(-1, -2)[:, None]
        return cls(VIEWS[network.view], _array(network.mean), _array(network.std), network.mask, np.ascontiguousarray(inputs))

    def drive(self, xy: FloatArray, shown: NDArray[np.bool_], scale: FloatArray, *, mask: FloatArray, out: FloatArray) -> None:
        """Fill ``out``, shape (4, n, steps, hidden)."""
        features = self.view(xy, shown, scale)
        features -= self.mean
        features /= self.std
        np.matmul(np.concatenate([features, mask], axis=2) if self.mask else features, self.inputs, out=out)


@dataclass(frozen=True)
class _Layer:
    """One layer of all networks. Gates are the first axis: what is done to several of them is done to one stretch of memory."""

    inputs: FloatArray
    """Shape (4, views, 1, inputs, hidden); empty for the first layer, whose inputs differ in number."""
    states: FloatArray
    """Shape (4, views, 1, hidden, hidden)."""
    bias: FloatArray
    """Shape (4, views, 1, 1, hidden)."""

    @classmethod
    def of(cls, lstms: Sequence[nn.LSTM], place: int) -> _Layer:
        def stacked(name: str) -> FloatArray:
            return np.stack([_gates(m, f"{name}_l{place}") for m in lstms], axis=1)[:, :, None]

        inputs = stacked("weight_ih").swapaxes(-1, -2) if place else np.empty(0, np.float32)
        return cls(
            inputs=np.ascontiguousarray(inputs),
            states=np.ascontiguousarray(stacked("weight_hh").swapaxes(-1, -2)),
            bias=(stacked("bias_ih") + stacked("bias_hh"))[..., None, :],
        )

    def scan(self, driven: FloatArray) -> FloatArray:
        """Go over the steps from a state of zero.

        Parameters
        ----------
        driven : shape (4, views, n, steps, hidden)
            What the inputs give to the gates; overwritten.

        Returns
        -------
        states : shape (views, n, steps, hidden)
        """
        driven += self.bias
        _, views, windows, steps, hidden = driven.shape
        states = np.empty((views, windows, steps, hidden), np.float32)
        # Input, forget and output gate, proposal and cell: the first two times the last two are one product.
        space = np.zeros((5, views, windows, 1, hidden), np.float32)
        gates, opened, outward, cell = space[:4], space[:3], space[2], space[4]
        product = np.empty((2, views, windows, 1, hidden), np.float32)
        for t in range(steps):
            now, state = driven[:, :, :, t : t + 1], states[:, :, t : t + 1]
            if t:
                np.matmul(states[:, :, t - 1 : t], self.states, out=gates)
                now = np.add(gates, now, out=gates)
            np.tanh(now, out=gates)
            # sigmoid(z) = (1 + tanh(z / 2)) / 2, and the weights of these gates are halved.
            opened *= _HALF
            opened += _HALF
            np.multiply(space[:2], space[3:], out=product)
            np.add(product[0], product[1], out=cell)
            np.multiply(outward, np.tanh(cell), out=state)
        return states


def _gates(lstm: nn.LSTM, name: str) -> FloatArray:
    """Return weights in the order input, forget, output, proposal along a first axis, the first three halved (see ``scan``)."""
    given, forgotten, proposed, output = np.split(_array(getattr(lstm, name)), 4)
    return np.stack([given * _HALF, forgotten * _HALF, output * _HALF, proposed])


def _array(weights: Tensor) -> FloatArray:
    return weights.detach().cpu().float().numpy()
