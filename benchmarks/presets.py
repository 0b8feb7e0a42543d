"""The presets, measured on SIMULATED clips: accuracy on unseen animals against the truth, and what the audit finds.

    python -m benchmarks.presets [--clips 400]

Networks learn from the labels that the clips carry, a quarter of whose windows are wrong, and predict animals never seen.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.machine import describe
from benchmarks.simulated import audited, markdown, scores, true_labels
from data_schemas.tables import PROBABILITY_PREFIX
from pipeline.simulation import SIMULATOR_VERSION, write_demo

PRESETS: dict[str, dict[str, Any]] = {
    "default": {"preset": "default"},
    "default, no cleaning": {"preset": "default", "cleaning_iterations": 0},
    "default, no cleaning, 10 epochs": {"preset": "default", "cleaning_iterations": 0, "length_search": False, "epochs": 10},
    "classic, 10 epochs": {"preset": "classic", "epochs": 10},
    "classic, 10 epochs, standardised": {"preset": "classic", "epochs": 10, "standardise": True},
    "classic (100 epochs), standardised": {"preset": "classic", "standardise": True},
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, default=400)
    given = parser.parse_args()
    print(f"SIMULATED, version {SIMULATOR_VERSION}, {given.clips} clips; {describe()}\n")
    with tempfile.TemporaryDirectory() as name:
        made = write_demo(Path(name) / "demo", clips=given.clips, pictures=False)
        truth = pd.read_parquet(made.truth)
        rows = {}
        for preset, keys in PRESETS.items():
            started = time.perf_counter()
            tables = audited(made.source, folder=Path(name) / preset, model=keys)
            seconds = time.perf_counter() - started
            oof = tables["oof"].merge(tables["windows"], on="window_id")
            columns = [c for c in oof if c.startswith(PROBABILITY_PREFIX)]
            predicted = np.array(columns)[oof[columns].fillna(-1).to_numpy().argmax(1)]
            accuracy = float((predicted == PROBABILITY_PREFIX + pd.Series(true_labels(oof, truth))).mean())
            found = scores(tables["issues"], truth)
            rows[preset] = {"accuracy on the truth": accuracy, **{k: found[k] for k in ("AUROC", "AP", "F1")}, "seconds": seconds}
            print(preset, rows[preset], file=sys.stderr, flush=True)
    print(markdown(pd.DataFrame(rows).T.round(4)))


if __name__ == "__main__":
    main()
