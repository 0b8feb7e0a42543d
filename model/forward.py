"""The networks of a classifier as one forward pass in numpy: quick for a single window, and the same to the bit among many.

It is there beside PyTorch for two things. A stream predicts one window at a time, which costs 0.30 ms here and 1.56 ms in
PyTorch (three small networks, one thread, inference mode, one process: the median of nine ratios is 4.9), most of it overhead of
calls: a stream on a busy core gets 1,431 windows a second instead of 377, on an idle one 3,154 instead of 567, and 2,000 are the
goal (``python -m benchmarks.streaming``). And PyTorch sums the products of a matrix in an order that depends on how many windows
there are; here every window is multiplied by itself (a stack of products of one shape, whatever their number) and all else goes
element by element, so that a window gets the same probabilities alone from a stream and with a thousand others from a table.
From PyTorch's they differ by rounding alone, less than 1e-5.

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
"""Windows at a time, so that their states stay in a processor's cache; probabilities do not depend on it."""

_HALF = np.float32(0.5)


class ForwardPass:
    """Weights of trained networks, laid out for windows one by one.

    Parameters
    ----------
    networks : sequence of WindowLSTM
        One a view, of the same recipe, on any device. Weights are copied: what is trained later is not seen.
    """

    def __init__(self, networks: Sequence[WindowLSTM]) -> None:
        self._projections = [_InputProjection.of(network) for network in networks]
        self._layers = [_Layer.of([n.lstm for n in networks], i) for i in range(networks[0].lstm.num_layers)]
        self._weight = np.stack([_array(n.linear.weight).T for n in networks])[:, None]
        self._bias = np.stack([_array(n.linear.bias) for n in networks])[:, None]

    def probabilities(self, xy: FloatArray, shown: NDArray[np.bool_], scale: FloatArray) -> FloatArray:
        """Return the probability of each class, shape (n, classes), rows sum to 1: the mean of the networks' softmax outputs.

        Parameters
        ----------
        xy : float32, shape (n, steps, keypoints, 2)
            Coordinates; 0, not NaN, where missing.
        shown : bool, shape (n, steps, keypoints)
            Whether each keypoint was seen or interpolated.
        scale : float32, shape (n,)
            The median pose radius that distances are divided by, in the units of ``xy``.
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
        views, mask = len(self._projections), shown.astype(np.float32)
        projected = np.empty((4, views, windows, steps, self._layers[0].states.shape[-1]), np.float32)
        for i, projection in enumerate(self._projections):
            projection.project(xy, shown, scale, mask=mask, out=projected[:, i])
        states = self._layers[0].scan(projected)
        for layer in self._layers[1:]:
            states = layer.scan(states @ layer.inputs)
        return (states.reshape(views, windows, 1, -1) @ self._weight)[:, :, 0] + self._bias


@dataclass(frozen=True)
class _InputProjection:
    """One view of a window, standardised and projected to the gates of the first layer."""

    view: View
    mean: FloatArray
    std: FloatArray
    mask: bool
    inputs: FloatArray
    """Shape (4, 1, features, hidden)."""

    @classmethod
    def of(cls, network: WindowLSTM) -> _InputProjection:
        inputs = _gates(network.lstm, "weight_ih_l0").swapaxes(-1, -2)[:, None]
        return cls(VIEWS[network.view], _array(network.mean), _array(network.std), network.mask, np.ascontiguousarray(inputs))

    def project(self, xy: FloatArray, shown: NDArray[np.bool_], scale: FloatArray, *, mask: FloatArray, out: FloatArray) -> None:
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

    def scan(self, projected: FloatArray) -> FloatArray:
        """Go over the steps from a state of zero.

        Parameters
        ----------
        projected : shape (4, views, n, steps, hidden)
            The input projections of the gates; overwritten.

        Returns
        -------
        states : shape (views, n, steps, hidden)
        """
        projected += self.bias
        _, views, windows, steps, hidden = projected.shape
        states = np.empty((views, windows, steps, hidden), np.float32)
        # Input, forget and output gate, cell candidate and cell: the first two times the last two are one product.
        space = np.zeros((5, views, windows, 1, hidden), np.float32)
        gates, sigmoid, output, cell = space[:4], space[:3], space[2], space[4]
        product = np.empty((2, views, windows, 1, hidden), np.float32)
        for t in range(steps):
            now, state = projected[:, :, :, t : t + 1], states[:, :, t : t + 1]
            if t:
                np.matmul(states[:, :, t - 1 : t], self.states, out=gates)
                now = np.add(gates, now, out=gates)
            np.tanh(now, out=gates)
            # sigmoid(z) = (1 + tanh(z / 2)) / 2, and the weights of these gates are halved.
            sigmoid *= _HALF
            sigmoid += _HALF
            np.multiply(space[:2], space[3:], out=product)
            np.add(product[0], product[1], out=cell)
            np.multiply(output, np.tanh(cell), out=state)
        return states


def _gates(lstm: nn.LSTM, name: str) -> FloatArray:
    """Return weights of the input, forget and output gate and the cell candidate along a first axis; gates halved (``scan``)."""
    entry, forget, candidate, output = np.split(_array(getattr(lstm, name)), 4)
    return np.stack([entry * _HALF, forget * _HALF, output * _HALF, candidate])


def _array(weights: Tensor) -> FloatArray:
    return weights.detach().cpu().float().numpy()
