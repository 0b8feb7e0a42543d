"""Which labels the pipeline trusts, once it knows what people said: the passes are heard again with reviewed labels fixed."""

from __future__ import annotations

import hashlib
from typing import Any

import pandas as pd
from numpy.typing import NDArray

from pipeline.detection.out_of_fold import trust_labels
from pipeline.retraining.arms import trusted_targets
from pipeline.retraining.material import Material
from pipeline.workspace import RunFolder, digest

__all__ = ["Trust", "hash_of"]

_COMPARED = ["window_id", "split", "target", "mixed", "reviewed"]


class Trust:
    """Says which class each window may teach where nobody reviewed it, and keeps what it found out.

    Attributes
    ----------
    names : set of str
        Of the parts that were asked for.
    """

    def __init__(self, material: Material, own: RunFolder, *, base: str) -> None:
        self._material, self._own, self._base = material, own, base
        self.names: set[str] = set()

    def __call__(self, windows: pd.DataFrame) -> pd.Series:
        """Return the class by window_id, null for none: as in the run, where no label is another than it was there."""
        if windows[_COMPARED].equals(self._material.run_windows[_COMPARED]):
            return trusted_targets(windows, self._material.oof)
        name = f"trusted-{digest(self._base, hash_of(windows[_COMPARED]))}"
        self.names.add(name)
        taught = self._own.read_array(name)
        if taught is None:
            taught = self._hear(windows)
            self._own.write_array(name, taught)
        return windows["target"].where(taught).set_axis(windows["window_id"])

    def _hear(self, windows: pd.DataFrame) -> NDArray[Any]:
        """Hear the passes and return which windows' own labels they trust, bool, shape (windows,)."""
        pairs = pd.MultiIndex.from_arrays([windows["species"], windows["target"].fillna("")])
        audited = (windows["split"] == "audit").to_numpy(bool)
        # A class that review left no audited window is known to nobody: hold-out windows that carry it are not listened to.
        known = audited | ((windows["split"] == "holdout").to_numpy(bool) & pairs.isin(pairs[audited]))
        heard = trust_labels(
            windows[known].reset_index(drop=True), self._material.poses[0], config=self._material.config, parts=_Nowhere()
        )
        return windows["window_id"].isin(heard.loc[heard["taught"], "window_id"]).to_numpy(bool)


class _Nowhere:
    """Keeps no parts: the passes are quick, and only what they end with is kept."""

    def read_array(self, _name: str) -> None:
        return None

    def write_array(self, _name: str, _array: NDArray[Any]) -> None:
        return


def hash_of(table: pd.DataFrame) -> str:
    """Return a hash of the rows of a table, in their order."""
    rows = pd.util.hash_pandas_object(table.astype(object), index=False).to_numpy()
    return hashlib.blake2b(rows.tobytes(), digest_size=16).hexdigest()
