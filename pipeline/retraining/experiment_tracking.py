"""Losses and figures to TensorBoard or MLflow; both are an extra and imported only when asked for."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import ModuleType
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from data_schemas.errors import ConfigError, UsageError
from pipeline.workspace.file_names import file_name

_KINDS = ("tensorboard", "mlflow")
_EXPERIMENT = "pose-audit"
_MANY = 1000


class Tracker(Protocol):
    """Where a retraining is followed."""

    def losses(self, arm: str, species: str, by_view: Mapping[str, NDArray[np.float32]]) -> None:
        """Take the loss of every optimizer step of each network of a model."""

    def figures(self, arm: str, species: str, values: Mapping[str, float | None]) -> None:
        """Take the figures of a model on the verified hold-out."""

    def close(self) -> None:
        """Write what is left to write."""


def open_tracker(where: str, *, run_name: str) -> Tracker | None:
    """Return the tracker that ``tensorboard:DIR`` or ``mlflow:URI`` names; None for an empty name.

    Raises
    ------
    ConfigError
        It names neither.
    UsageError
        The package is not installed.
    """
    if not where:
        return None
    kind, _, place = where.partition(":")
    if kind not in _KINDS or not place:
        raise ConfigError(f"retrain.track: {where!r} is no place to track to", hint="tensorboard:DIR or mlflow:URI")
    if kind == "tensorboard":
        return _TensorBoard(_needed("torch.utils.tensorboard", "tensorboard"), place, run_name=run_name)
    return _MLflow(_needed("mlflow", "mlflow"), place, run_name=run_name)


def _needed(module: str, package: str) -> ModuleType:
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise UsageError(f"{package} is not installed", hint="pip install 'pose-audit[track]'") from error


class _TensorBoard:
    """One log folder a model, so that arms lie over each other in one chart."""

    def __init__(self, module: ModuleType, folder: str, *, run_name: str) -> None:
        self._module, self._folder = module, f"{folder}/{run_name}"

    def losses(self, arm: str, species: str, by_view: Mapping[str, NDArray[np.float32]]) -> None:
        with self._module.SummaryWriter(self._place(arm, species)) as writer:
            for view, values in by_view.items():
                for step, value in enumerate(values.tolist(), start=1):
                    writer.add_scalar(f"loss/{view}", value, step)

    def figures(self, arm: str, species: str, values: Mapping[str, float | None]) -> None:
        with self._module.SummaryWriter(self._place(arm, species)) as writer:
            for name, value in values.items():
                if value is not None:
                    writer.add_scalar(f"hold-out/{name.replace(' ', '_')}", value, 0)

    def close(self) -> None:
        """Nothing is left to write."""

    def _place(self, arm: str, species: str) -> str:
        return f"{self._folder}/{file_name(f'{arm}-{species}')}"


class _MLflow:
    """One MLflow run a model, all in the experiment ``pose-audit``."""

    def __init__(self, module: ModuleType, uri: str, *, run_name: str) -> None:
        self._module, self._uri, self._name = module, uri, run_name
        self._runs: dict[tuple[str, str], str] = {}
        with self._explained():
            self._client = module.tracking.MlflowClient(tracking_uri=uri)
            experiment = self._client.get_experiment_by_name(_EXPERIMENT)
            self._experiment = experiment.experiment_id if experiment else self._client.create_experiment(_EXPERIMENT)

    def losses(self, arm: str, species: str, by_view: Mapping[str, NDArray[np.float32]]) -> None:
        metric = self._module.entities.Metric
        for view, values in by_view.items():
            self._log(arm, species, [metric(f"loss/{view}", v, 0, step) for step, v in enumerate(values.tolist(), start=1)])

    def figures(self, arm: str, species: str, values: Mapping[str, float | None]) -> None:
        metric = self._module.entities.Metric
        self._log(arm, species, [metric(f"hold-out/{name}", v, 0, 0) for name, v in values.items() if v is not None])

    def close(self) -> None:
        with self._explained():
            for run_id in self._runs.values():
                self._client.set_terminated(run_id)

    def _log(self, arm: str, species: str, points: list[Any]) -> None:
        with self._explained():
            if (arm, species) not in self._runs:
                tags = {"mlflow.runName": f"{self._name} {arm} {species}", "arm": arm, "species": species}
                self._runs[arm, species] = self._client.create_run(self._experiment, tags=tags).info.run_id
            for start in range(0, len(points), _MANY):
                self._client.log_batch(self._runs[arm, species], metrics=points[start : start + _MANY])

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except self._module.exceptions.MlflowException as error:
            first = str(error).splitlines()[0]
            raise UsageError(f"mlflow:{self._uri}: {first}", hint="name a server or database that MLflow can write to") from error
