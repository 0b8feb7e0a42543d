"""Write the pages that the code itself knows best: the command line and the configuration. Run after changing either.

A test fails when a page differs from what this writes.
"""

from __future__ import annotations

import inspect
import json
from pathlib import Path

import click
import typer.main

from data_schemas.config import Config
from pipeline.cli.app import app

HERE = Path(__file__).resolve().parent


def command_line() -> str:
    """Return docs/cli.md: every command's --help."""
    group = typer.main.get_command(app)
    lines = ["# The command line", "", "Written by `python docs/generate.py` from `--help`.", ""]
    lines += [
        "Data go to stdout, progress and errors to stderr. Exit codes: 0 done, 2 usage or configuration, 3 invalid data,",
        "4 a stage is missing or stale or the disk refuses, 1 a bug. `AUDIT_WORKSPACE` stands for `-w`.",
    ]
    for name, command in commands(group, "audit"):
        context = click.Context(command, info_name=name, max_content_width=100, terminal_width=100)
        lines += ["", f"## {name}", "", "```text", command.get_help(context), "```"]
    return "\n".join(lines) + "\n"


def commands(group: click.Group, name: str) -> list[tuple[str, click.Command]]:
    """Return the commands of a group and of the groups in it, by their whole names."""
    found = []
    for word in group.list_commands(click.Context(group)):
        command = group.get_command(click.Context(group), word)
        inner = hasattr(command, "list_commands")
        found += commands(command, f"{name} {word}") if inner else [(f"{name} {word}", command)]
    return found


def configuration() -> str:
    """Return docs/configuration.md: every key, its default and its meaning."""
    lines = ["# Configuration", "", "Written by `python docs/generate.py` from the classes in `data_schemas/config.py`.", ""]
    lines += ["`audit init` writes an `audit.toml` with all of these. Unknown keys are refused, with the nearest known one."]
    for name, field in Config.model_fields.items():
        section = field.annotation
        lines += ["", f"## [{name}]", "", str(inspect.getdoc(section)), "", "| key | default | meaning |", "|---|---|---|"]
        for key, value in section.model_fields.items():
            default = "from the preset" if value.default is None else f"`{json.dumps(value.default)}`"
            lines.append(f"| `{name}.{key}` | {default} | {value.description} |")
    return "\n".join(lines) + "\n"


PAGES = {"cli.md": command_line, "configuration.md": configuration}

if __name__ == "__main__":
    for page, make in PAGES.items():
        (HERE / page).write_text(make(), encoding="utf-8")
