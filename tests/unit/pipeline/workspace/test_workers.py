"""Calls that run at once, in processes of this machine."""

from __future__ import annotations

import warnings

from joblib import delayed
from joblib.externals.loky import process_executor

from data_schemas.config import load_config
from pipeline.workspace.workers import workers


def test_results_come_in_the_order_of_the_calls_and_replaced_workers_alarm_nobody() -> None:
    with warnings.catch_warnings(), workers(load_config(None), serial=True) as run:
        assert list(run(delayed(pow)(2, n) for n in range(5))) == [1, 2, 4, 8, 16]
        # The words are joblib's: should they change, this fails.
        words = "A worker stopped while some jobs were given to the "
        assert words in (process_executor.__loader__.get_source(process_executor.__name__) or "")
        warnings.warn(words + "executor.", UserWarning, stacklevel=1)
