"""A small audit of one view: nothing is kept, and training is short."""

from __future__ import annotations

import numpy as np

from data_schemas.config import Config, load_config

__all__ = ["Nowhere", "config"]


class Nowhere:
    """Keeps nothing."""

    def read_array(self, name: str) -> None:
        return None

    def write_array(self, name: str, array: np.ndarray) -> None:
        pass


def config(**model: object) -> Config:
    keys = {"views": ["body"], "optimizer_steps": 30} | model
    return load_config(None, overrides={"model": keys, "folds": {"count": 3}, "run": {"jobs": 1}})
