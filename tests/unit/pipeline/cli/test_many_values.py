"""Options that take several values in a row."""

from __future__ import annotations

from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

from pipeline.cli.options import ManyValues

app = typer.Typer()


@app.command(cls=ManyValues)
def show(
    shares: Annotated[list[float] | None, typer.Option()] = None,
    kinds: Annotated[list[str] | None, typer.Option()] = None,
    seed: Annotated[int, typer.Option()] = 0,
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    typer.echo(f"{shares} {kinds} {seed} {as_json}")


@pytest.mark.parametrize(
    ("words", "got"),
    [
        ("", "None None 0 False"),
        ("--shares 0.05 0.15 0.3", "[0.05, 0.15, 0.3] None 0 False"),
        ("--shares 0.05 --shares 0.15", "[0.05, 0.15] None 0 False"),
        ("--shares=0.05 0.15 --json", "[0.05, 0.15] None 0 True"),
        ("--kinds flips boundary --seed 3 --shares 0.1", "[0.1] ['flips', 'boundary'] 3 False"),
    ],
)
def test_values_may_follow_one_name_or_repeat_it(words: str, got: str) -> None:
    assert CliRunner().invoke(app, words.split()).output.strip() == got


@pytest.mark.parametrize("words", ["stray", "--seed 3 4", "--json stray"])
def test_other_words_are_refused_as_ever(words: str) -> None:
    assert CliRunner().invoke(app, words.split()).exit_code == 2
