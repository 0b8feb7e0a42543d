"""Progress of the stages on stderr: a bar with rate and time left on a terminal, a line a stage elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    ProgressColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as ProgressBars
from rich.text import Text

from data_schemas.progress import Progress

StageProgress = Callable[[str], AbstractContextManager[Progress]]
"""Shows how far the stage of this name is, while it runs."""

_UNITS = {"read": "files", "predict": "networks", "train": "networks"}


class _Rate(ProgressColumn):
    """Items a second."""

    def render(self, task: Task) -> Text:
        """Return the rate of the last seconds."""
        speed = task.finished_speed or task.speed
        return Text(f"{speed:,.1f} {task.fields['unit']}/s" if speed else "", style="progress.data.speed")


@contextmanager
def stage_progress(name: str) -> Iterator[Progress]:
    """Show one stage while it runs; gives the function that takes how far it is."""
    console = Console(stderr=True, soft_wrap=True)
    unit = _UNITS.get(name, "steps")
    started = time.monotonic()
    if not console.is_terminal:
        seen = [0]

        def count(_done: int, total: int) -> None:
            seen[0] = total

        yield count
        seconds = time.monotonic() - started
        rate = f", {seen[0]} {unit} at {seen[0] / max(seconds, 1e-9):,.1f}/s" if seen[0] else ""
        sys.stderr.write(f"{name:<8} {seconds:6.1f} s{rate}\n")
        return
    columns = (
        TextColumn("{task.description:<8}"),
        BarColumn(),
        MofNCompleteColumn(),
        _Rate(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with ProgressBars(*columns, console=console, transient=False) as bars:
        task = bars.add_task(name, total=None, unit=unit)

        def show(done: int, total: int) -> None:
            bars.update(task, completed=done, total=total)

        yield show
        bars.update(task, total=bars.tasks[0].total or 1, completed=bars.tasks[0].total or 1)
