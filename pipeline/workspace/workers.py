"""The engine that runs many calls at once: processes of this machine. It is made here alone, so that another can take over."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from typing import Any, Protocol, cast

from data_schemas.config import Config

Call = tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]
"""A function and its arguments, as ``joblib.delayed`` makes it; all of them can be pickled."""


class Workers(Protocol):
    """Runs calls anywhere, in any order.

    The results come in the order of the calls, for sums of floats depend on their order. All of them are taken before the next
    calls are given.
    """

    def __call__(self, calls: Iterable[Call], /) -> Iterator[Any]:
        """Yield the result of each call."""


def workers(config: Config, *, serial: bool = False) -> AbstractContextManager[Workers]:
    """Return ``run.jobs`` processes (0: one a core), or this process alone where calls must stand in line.

    Large arrays are shared by memory maps that are copied when written to: torch gets memory that it may call writable.
    """
    from joblib import Parallel

    # Where psutil is installed, a process whose memory has grown is replaced by a new one; nothing is lost by that.
    warnings.filterwarnings("ignore", "A worker stopped while some jobs were given", UserWarning)
    jobs = 1 if serial else config.run.jobs or -1
    return cast("AbstractContextManager[Workers]", Parallel(n_jobs=jobs, return_as="generator", mmap_mode="c"))
