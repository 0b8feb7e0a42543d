"""Times as the browser's clock tells them; files and the store carry UTC."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import streamlit as st


def when_column(title: str) -> Any:
    """Return the setting of a table's column of times: they are shown in the browser's zone."""
    zone = browser_zone()
    said = f"By your clock ({zone}). Files and exports carry UTC." if zone != "UTC" else "In UTC."
    return st.column_config.DatetimeColumn(title, format="YYYY-MM-DD HH:mm:ss", timezone=zone, help=said)


def local_time(at: str) -> str:
    """Return a stored time, ISO 8601 in UTC, by the browser's clock, to the minute."""
    moment = datetime.fromisoformat(at)
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return f"{moment.astimezone(ZoneInfo(browser_zone())):%Y-%m-%d %H:%M}"


def browser_zone() -> str:
    """Return the zone that the browser gave, by its name; UTC where it gave none that is known here."""
    zone = st.context.timezone or "UTC"
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError):
        return "UTC"
    return zone
