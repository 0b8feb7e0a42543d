"""``audit.toml`` as `audit init` writes it: every key, its default and its meaning, from the configuration's own classes."""

from __future__ import annotations

import inspect
import json
import textwrap
from pathlib import Path

from pydantic import BaseModel

from data_schemas.config import Config
from data_schemas.files import disk_errors, replaced_file

_WIDTH = 118


def default_toml(*, source: str = "") -> str:
    """Return a commented audit.toml that holds every key; keys without a default of their own are commented out."""
    lines = ["# The configuration of this audit. Keys that are left out have the values shown here.", ""]
    for name, field in Config.model_fields.items():
        section = field.annotation
        if not (inspect.isclass(section) and issubclass(section, BaseModel)):
            continue
        lines += [f"# {inspect.getdoc(section)}", f"[{name}]"]
        for key, value in section.model_fields.items():
            lines += [f"# {line}" for line in textwrap.wrap(value.description or "", _WIDTH)]
            default = source if (name, key) == ("source", "path") else value.default
            lines += [f"# {key} = ..." if default is None else f"{key} = {json.dumps(default, ensure_ascii=False)}", ""]
    return "\n".join(lines)


def write_settings(path: Path, *, source: str = "") -> None:
    """Write a commented audit.toml."""
    hint = "name a folder that can be written to"
    with disk_errors(path, hint=hint):
        path.parent.mkdir(parents=True, exist_ok=True)
    with replaced_file(path, hint=hint) as part:
        part.write_text(default_toml(source=source), encoding="utf-8")
