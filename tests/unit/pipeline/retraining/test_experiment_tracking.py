"""Where a retraining can be followed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from data_schemas.errors import ConfigError, UsageError
from pipeline.retraining import experiment_tracking
from pipeline.retraining.experiment_tracking import open_tracker


def test_no_place_is_no_tracker() -> None:
    assert open_tracker("", run_name="run") is None


@pytest.mark.parametrize("where", ["tensorboard", "tensorboard:", "wandb:x", "logs"])
def test_a_place_that_is_none_is_refused(where: str) -> None:
    with pytest.raises(ConfigError, match="no place to track to"):
        open_tracker(where, run_name="run")


@pytest.mark.parametrize("where", ["tensorboard:logs", "mlflow:runs"])
def test_a_missing_package_is_named_with_the_command_that_brings_it(where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(experiment_tracking.importlib, "import_module", missing)
    with pytest.raises(UsageError, match=f"{where.partition(':')[0]} is not installed") as caught:
        open_tracker(where, run_name="run")
    assert "pip install 'pose-audit[track]'" in caught.value.hint


def test_mlflow_takes_losses_and_figures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mlflow = pytest.importorskip("mlflow")
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    uri = (tmp_path / "runs").as_uri()
    tracker = open_tracker(f"mlflow:{uri}", run_name="run")
    assert tracker is not None
    tracker.losses("given", "DOG", {"body": np.linspace(1, 0.5, 2500, dtype=np.float32)})
    tracker.figures("given", "DOG", {"balanced accuracy": 0.75, "macro F1": None})
    tracker.close()
    client = mlflow.tracking.MlflowClient(tracking_uri=uri)
    (run,) = client.search_runs([client.get_experiment_by_name("pose-audit").experiment_id])
    assert run.info.status == "FINISHED"
    assert run.data.metrics["hold-out/balanced accuracy"] == 0.75
    assert [m.step for m in client.get_metric_history(run.info.run_id, "loss/body")] == list(range(1, 2501))


def test_an_mlflow_that_refuses_is_no_bug(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("mlflow")
    monkeypatch.delenv("MLFLOW_ALLOW_FILE_STORE", raising=False)
    with pytest.raises(UsageError, match="mlflow:"):
        open_tracker(f"mlflow:{(tmp_path / 'runs').as_uri()}", run_name="run")
