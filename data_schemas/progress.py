"""How a long task reports how far it is, whoever shows it."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[int, int], None]
"""Called with the number of items that are done, and of all items."""
