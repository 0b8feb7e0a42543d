"""How many small faults the tests notice: mutants of cosmic-ray, each tried by the tests of its package.

    python -m benchmarks.mutation [model windows detection evaluation review] [--sample 200] [--seed 0]

Works on a copy of the tree. At each place one mutant of a kind is drawn (an operator, a number, a condition, ...), none in
annotations. The tests are those of `tests/unit` and `tests/property` that import the mutated module, then all of its package's
own folder, but for those that start many processes; the first failure ends them. Every mutant is tried in a process forked from
one that has loaded the libraries. What was tried is written as it comes, and not tried again.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy  # noqa: F401 -- the libraries are loaded once, before anything is forked
import pandera  # noqa: F401
import pytest
import sklearn.linear_model  # noqa: F401
import sqlalchemy  # noqa: F401
import torch  # noqa: F401
from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator, operator_names

PACKAGES = {
    "model": "model",
    **{name: f"pipeline/{name}" for name in ("windows", "detection", "evaluation", "review")},
}
_CALM = 30.0


@dataclass(frozen=True)
class Mutant:
    """A fault: which of an operator's places in a module is changed, and in which line that is."""

    module: str
    operator: str
    occurrence: int
    line: int

    @property
    def name(self) -> str:
        """Return what tells it from all others."""
        return f"{self.module}:{self.line} {self.operator} {self.occurrence}"


def mutants_of(module: str, rng: random.Random) -> list[Mutant]:
    """Return a mutant for each place and kind of change."""
    source = Path(module).read_text(encoding="utf-8")
    nodes, silent = list(ast_nodes(get_ast(source))), _annotations(ast.parse(source))
    found: dict[tuple[object, str], list[Mutant]] = {}
    for name in operator_names():
        operator = get_operator(name)
        if operator.arguments() or _same_of_masks(name):
            continue
        places = (start for node in nodes for start, _ in operator().mutation_positions(node))
        for occurrence, start in enumerate(places):
            if not any(a <= start < b for a, b in silent):
                kind = name.split("_", maxsplit=1)[0]
                found.setdefault((start, kind), []).append(Mutant(module, name, occurrence, start[0]))
    return [rng.choice(same) for same in found.values()]


def _same_of_masks(operator: str) -> bool:
    """Tell whether an operator is no other one between masks, or none that numpy knows."""
    _, _, change = operator.partition("ReplaceBinaryOperator_")
    before, _, after = change.partition("_")
    return before in ("BitAnd", "BitOr") and after not in ("BitAnd", "BitOr", "BitXor")


def _annotations(tree: ast.Module) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """Return where annotations stand, which nothing evaluates."""
    nodes: list[ast.expr | None] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.arg | ast.AnnAssign):
            nodes.append(node.annotation)
        elif isinstance(node, ast.FunctionDef):
            nodes.append(node.returns)
    return [((n.lineno, n.col_offset), (n.end_lineno or 0, n.end_col_offset or 0)) for n in nodes if n is not None]


def tests_for(package: str, module: str) -> list[str]:
    """Return the test files that import a module, then those of its package's folder."""
    dotted = module.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    folder = Path("tests/unit") / PACKAGES[package]
    every = sorted([*Path("tests/unit").rglob("test_*.py"), *Path("tests/property").rglob("test_*.py")])
    named = Path(module).stem
    first = [t for t in every if dotted in t.read_text(encoding="utf-8")]
    first.sort(key=lambda t: (named not in t.stem, folder not in t.parents, str(t)))
    own = [t for t in every if folder in t.parents and t not in first]
    return [str(t) for t in [*(t for t in first if "audit_app" not in t.parts), *own]]


def passes(tests: list[str], *, limit: float) -> bool | None:
    """Run tests in a process of their own; None where they do not end in time."""
    child = os.fork()
    if not child:
        os.setsid()
        log = os.open("last.log", os.O_RDWR | os.O_CREAT | os.O_TRUNC)
        for stream in (0, 1, 2):
            os.dup2(log, stream)
        options = ["-x", "-q", "-p", "no:randomly", "-p", "no:cacheprovider", "-n", "0", "--hypothesis-seed=0"]
        # What was loaded for all cannot be rewritten by pytest.
        options += ["-k", "not processes", "-W", "ignore::pytest.PytestAssertRewriteWarning"]
        code = 1
        try:
            code = int(pytest.main([*options, *tests]))
        finally:
            os._exit(code)
    end = time.monotonic() + limit
    while time.monotonic() < end:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status) == 0
        time.sleep(0.05)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return None


def tried(mutant: Mutant, package: str, *, limit: float) -> dict[str, object]:
    """Return how a mutant fared."""
    path = Path(mutant.module)
    source = path.read_text(encoding="utf-8")
    changed = mutate_code(source, get_operator(mutant.operator)(), mutant.occurrence)
    path.write_text(changed, encoding="utf-8")
    started = time.monotonic()
    try:
        passed = passes(tests_for(package, mutant.module), limit=limit)
    finally:
        path.write_text(source, encoding="utf-8")
    lines = zip(source.splitlines(), changed.splitlines(), strict=False)
    before, after = next(((a.strip(), b.strip()) for a, b in lines if a != b), ("", ""))
    outcome = "survived" if passed else "killed" if passed is False else "timeout"
    told = {"package": package, "mutant": mutant.name, "outcome": outcome, "before": before, "after": after}
    return {**told, "seconds": round(time.monotonic() - started, 1)}


def _limits(packages: list[str]) -> dict[str, float]:
    """Return for each package after how many seconds its tests hang; end where they fail without any mutant."""
    limits = {}
    for package in packages:
        started = time.monotonic()
        tests = [str(Path("tests/unit") / PACKAGES[package])]
        if not passes(tests, limit=3600):
            sys.exit(f"{package}: its tests fail as they are, see {Path('last.log').resolve()}")
        limits[package] = _CALM + 5 * (time.monotonic() - started)
        print(f"{package}: its tests pass in {time.monotonic() - started:.0f} s", flush=True)
    return limits


def _copied() -> Iterator[str]:
    listed = subprocess.run(["git", "ls-files", "-z"], check=True, capture_output=True, text=True).stdout
    yield from (name for name in listed.split("\0") if name and Path(name).exists())


def summary(results: list[dict[str, object]]) -> str:
    """Return the score of each package, and what survived."""
    lines = []
    for package in PACKAGES:
        own = [r for r in results if r["package"] == package]
        if own:
            caught = sum(r["outcome"] != "survived" for r in own)
            lines.append(f"{package:<12}{caught} of {len(own)} killed ({caught / len(own):.0%})")
    survived = [r for r in results if r["outcome"] == "survived"]
    return "\n".join([*lines, *(f"survived {r['mutant']}\n  - {r['before']}\n  + {r['after']}" for r in survived)])


def main() -> None:
    """Try mutants and print the scores."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.mutation", description="Score the tests by mutants.")
    parser.add_argument("packages", nargs="*", choices=[*PACKAGES, []], help="all where none is named")
    parser.add_argument("--sample", type=int, help="so many mutants in all, as many of each package; every one by default")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--minutes", type=float, default=float("inf"), help="begin no further mutant after so long")
    parser.add_argument("--out", type=Path, default=Path("build/mutation.jsonl"))
    asked = parser.parse_args()
    packages, out = asked.packages or list(PACKAGES), asked.out.resolve()
    out.parent.mkdir(parents=True, exist_ok=True)
    copy = out.with_suffix(".tree")
    shutil.rmtree(copy, ignore_errors=True)
    for name in _copied():
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(name, copy / name)
    os.chdir(copy)
    sys.path.insert(0, str(copy))
    sys.dont_write_bytecode = True
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"

    rng, drawn = random.Random(asked.seed), []
    for package in packages:
        modules = sorted(str(p) for p in Path(PACKAGES[package]).rglob("*.py"))
        own = [(package, mutant) for module in modules for mutant in mutants_of(module, rng)]
        print(f"{package}: {len(own)} mutants of {len(modules)} modules", flush=True)
        rng.shuffle(own)
        drawn.append(own[: asked.sample // len(packages)] if asked.sample else own)
    results = [json.loads(line) for line in out.read_text().splitlines()] if out.exists() else []
    known = {r["mutant"] for r in results}
    limits, end = _limits(packages), time.monotonic() + 60 * asked.minutes
    # In turn, so that whoever stops early knows as much of each package.
    turns = [own[i] for i in range(max(map(len, drawn))) for own in drawn if i < len(own)]
    with out.open("a", encoding="utf-8") as told:
        for package, mutant in turns:
            if mutant.name in known or time.monotonic() > end:
                continue
            results.append(tried(mutant, package, limit=limits[package]))
            told.write(json.dumps(results[-1]) + "\n")
            told.flush()
    print(summary(results))
    shutil.rmtree(copy)


if __name__ == "__main__":
    main()
