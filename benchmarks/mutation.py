"""How many small faults the tests notice: mutants of cosmic-ray, each tried by the tests that run its line.

    python -m benchmarks.mutation [model windows detection evaluation review] [--sample 500] [--seed 0]

A mutant is a module with one change: an operator, a number, a condition, ... At each place one of each kind is drawn, none in
annotations, in the marks of a signature, in `strict` of `zip` or in `frozen` of a dataclass. First all tests of `tests/unit`
and `tests/property` but those of the pages run once, and it is recorded which lines each of them reaches. Then each mutant is
tried in a process forked from one that has loaded the product and collected the tests: by those that reach its line, 40
seconds' worth of them (first those that import its module or lie in its package's folder), the fast before the slow, until one
fails. Review stores are SQLite's. What was tried is written at once, and not tried again.
"""

from __future__ import annotations

import argparse
import ast
import gc
import hashlib
import importlib
import importlib.abc
import importlib.util
import json
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType, FunctionType, ModuleType

import pytest
from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator, operator_names
from coverage import Coverage

PACKAGES = {
    "model": "model",
    **{name: f"pipeline/{name}" for name in ("windows", "detection", "evaluation", "review")},
}
TESTS = ["tests/unit/data_schemas", "tests/unit/model", "tests/unit/pipeline", "tests/property"]
_OPTIONS = ["-q", "-p", "no:randomly", "-p", "no:cacheprovider", "-n", "0", "--hypothesis-seed=0"]
_OPTIONS += ["-k", "not postgresql and not processes"]
_WORTH = 40.0
_CALM = 20.0


@dataclass(frozen=True)
class Mutant:
    """A fault: which of an operator's places in a module is changed, and the lines of the statement where that is."""

    package: str
    module: str
    operator: str
    occurrence: int
    line: int
    lines: range = field(hash=False, compare=False)

    @property
    def name(self) -> str:
        """Return what tells it from all others."""
        return f"{self.module}:{self.line} {self.operator} {self.occurrence}"

    def source(self) -> str:
        """Return the module with the fault."""
        before = Path(self.module).read_text(encoding="utf-8")
        return str(mutate_code(before, get_operator(self.operator)(), self.occurrence))


@dataclass(frozen=True)
class LineCoverage:
    """Which tests reach each line of each module, and how many seconds a test takes."""

    tests: dict[str, dict[int, list[str]]]
    seconds: dict[str, float]


def mutants_of(package: str, module: str, rng: random.Random) -> list[Mutant]:
    """Return a mutant for each place and kind of change."""
    source = Path(module).read_text(encoding="utf-8")
    tree = ast.parse(source)
    nodes, silent, statements = list(ast_nodes(get_ast(source))), _annotations(tree), _statements(tree)
    found: dict[tuple[object, str], list[Mutant]] = {}
    for name in operator_names():
        operator = get_operator(name)
        if operator.arguments() or _same_of_masks(name):
            continue
        places = (start for node in nodes for start, _ in operator().mutation_positions(node))
        for occurrence, start in enumerate(places):
            if not any(a <= start < b for a, b in silent):
                if _is_mark(source, start):
                    continue
                kind = name.split("_", maxsplit=1)[0]
                lines = min((s for s in statements if start[0] in s), key=len, default=range(start[0], start[0] + 1))
                found.setdefault((start, kind), []).append(Mutant(package, module, name, occurrence, start[0], lines))
    return [rng.choice(same) for same in found.values()]


def _same_of_masks(operator: str) -> bool:
    """Tell whether an operator is no other one between masks, or none that numpy knows."""
    _, _, change = operator.partition("ReplaceBinaryOperator_")
    before, _, after = change.partition("_")
    return before in ("BitAnd", "BitOr") and after not in ("BitAnd", "BitOr", "BitXor")


def _is_mark(source: str, start: tuple[int, int]) -> bool:
    """Tell whether a place is the `*` or `/` of a signature."""
    line = source.splitlines()[start[0] - 1]
    return line[start[1] :].replace(" ", "")[:2] in ("*,", "/,") and line[: start[1]].rstrip()[-1:] in ("", "(", ",")


def _annotations(tree: ast.Module) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """Return where what nothing evaluates stands: annotations, and what only guards against a mistake of ours."""
    nodes: list[ast.expr | None] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.arg | ast.AnnAssign):
            nodes.append(node.annotation)
        elif isinstance(node, ast.FunctionDef):
            nodes.append(node.returns)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("zip", "dataclass"):
            nodes += [k.value for k in node.keywords]
    return [((n.lineno, n.col_offset), (n.end_lineno or 0, n.end_col_offset or 0)) for n in nodes if n is not None]


def _statements(tree: ast.Module) -> list[range]:
    """Return the lines of each statement, of one that holds others those of its head."""
    return [
        range(node.lineno, body[0].lineno if (body := getattr(node, "body", None)) else (node.end_lineno or node.lineno) + 1)
        for node in ast.walk(tree)
        if isinstance(node, ast.stmt)
    ]


class _Recorder:
    """A plugin that records which lines each test reaches, and how long it takes."""

    def __init__(self, coverage: Coverage) -> None:
        self.coverage = coverage
        self.seconds: dict[str, float] = {}
        self.failed: list[str] = []

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> object:
        self.coverage.switch_context(item.nodeid)
        started = time.monotonic()
        try:
            return (yield)
        finally:
            self.seconds[item.nodeid] = time.monotonic() - started

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.failed.append(report.nodeid)


def covered(packages: Iterable[str]) -> LineCoverage:
    """Run all tests once under coverage; end where one fails without any mutant."""
    with tempfile.TemporaryDirectory() as folder:
        coverage = Coverage(data_file=str(Path(folder) / "coverage"), include=[f"{PACKAGES[p]}/*" for p in packages])
        recorder = _Recorder(coverage)
        coverage.start()
        pytest.main([*_OPTIONS, "-W", "ignore", *TESTS], plugins=[recorder])
        coverage.stop()
        if recorder.failed:
            sys.exit(f"These tests fail as they are: {', '.join(recorder.failed)}")
        data = coverage.get_data()
        root = Path.cwd()
        tests = {str(Path(f).relative_to(root)): data.contexts_by_lineno(f) for f in data.measured_files()}
    return LineCoverage(tests, recorder.seconds)


def tests_for(mutant: Mutant, known: LineCoverage) -> list[str]:
    """Return the tests that reach a mutant's lines, the likeliest to fail first, a minute's worth of them."""
    reached = known.tests.get(mutant.module, {})
    names = {name for line in mutant.lines for name in reached.get(line, [])}
    if "" in names:  # What is run as a module is imported: every test that reaches any line of it.
        names = {name for line in reached.values() for name in line}
    dotted = mutant.module.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    folder = f"tests/unit/{PACKAGES[mutant.package]}/"

    def rank(name: str) -> tuple[bool, bool, float]:
        path = name.partition("::")[0]
        return dotted not in Path(path).read_text(encoding="utf-8"), not path.startswith(folder), known.seconds[name]

    kept, worth = [], 0.0
    for name in sorted(names - {""}, key=rank):
        if not kept or worth + known.seconds[name] <= _WORTH:
            kept.append(name)
            worth += known.seconds[name]
    return sorted(kept, key=lambda name: known.seconds[name])


def _changed_functions(before: CodeType, after: CodeType) -> list[tuple[CodeType, CodeType]] | None:
    """Return the functions of a module or class that a change is in; None where it is in what runs at import."""
    own = [[c for c in code.co_consts if not isinstance(c, CodeType)] for code in (before, after)]
    if (before.co_code, before.co_names, repr(own[0])) != (after.co_code, after.co_names, repr(own[1])):
        return None
    changed: list[tuple[CodeType, CodeType]] = []
    inner = ([c for c in code.co_consts if isinstance(c, CodeType)] for code in (before, after))
    for a, b in zip(*inner, strict=True):
        if a == b:
            continue
        if a.co_flags & 0x2:  # CO_NEWLOCALS: a function, which a class's body is not
            changed.append((a, b))
        elif (within := _changed_functions(a, b)) is None:
            return None
        else:
            changed += within
    return changed


def put_in_place(mutant: Mutant) -> bool:
    """Give the functions that are loaded the mutant's code; False where the change is in what runs at import."""
    file = str(Path(mutant.module).resolve())
    before, after = (compile(s, file, "exec", dont_inherit=True) for s in (Path(file).read_text("utf-8"), mutant.source()))
    changed = _changed_functions(before, after)
    if changed is None:
        return False
    places = {(a.co_qualname, a.co_firstlineno): b for a, b in changed}
    found = 0
    for function in [f for f in gc.get_objects() if isinstance(f, FunctionType) and f.__code__.co_filename == file]:
        code = places.get((function.__code__.co_qualname, function.__code__.co_firstlineno))
        if code is not None and len(code.co_freevars) == len(function.__code__.co_freevars):
            function.__code__ = code
            found += 1
    return found > 0


class _Mutated(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports a module with a fault in it."""

    def __init__(self, mutant: Mutant) -> None:
        self.mutant = mutant
        self.dotted = mutant.module.removesuffix(".py").removesuffix("/__init__").replace("/", ".")

    def find_spec(self, name: str, *_: object) -> object:
        file = str(Path(self.mutant.module).resolve())
        folder = [str(Path(file).parent)] if file.endswith("__init__.py") else None
        spec = importlib.util.spec_from_file_location(name, file, loader=self, submodule_search_locations=folder)
        return spec if name == self.dotted else None

    def exec_module(self, module: ModuleType) -> None:
        exec(compile(self.mutant.source(), str(module.__file__), "exec", dont_inherit=True), module.__dict__)


def _load_anew(mutant: Mutant, tests: list[str]) -> int:
    """Run tests with the product imported anew, one module of it with the fault."""
    for name in [n for n in sys.modules if n.partition(".")[0] in ("model", "pipeline", "data_schemas", "audit_app", "tests")]:
        del sys.modules[name]
    sys.meta_path.insert(0, _Mutated(mutant))
    # What was loaded for all cannot be rewritten by pytest.
    return int(pytest.main([*_OPTIONS, "-x", "-W", "ignore::pytest.PytestAssertRewriteWarning", *tests]))


def _try_here(session: pytest.Session, mutant: Mutant, tests: list[str]) -> int:
    """Try a mutant in this process, which is used up by that: 0 where all tests pass."""
    if not put_in_place(mutant):
        return _load_anew(mutant, tests)
    place = {name: i for i, name in enumerate(tests)}
    session.items = sorted((i for i in session.items if i.nodeid in place), key=lambda i: place[i.nodeid])
    session.config.option.maxfail = 1
    for i, item in enumerate(session.items):
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=session.items[i + 1] if i + 1 < len(session.items) else None)
        if session.testsfailed:
            return 1
    return 0


def _fork(session: pytest.Session, mutant: Mutant, tests: list[str], log: Path) -> int:
    """Try a mutant in a process of its own, and return its number."""
    child = os.fork()
    if child:
        return child
    os.setsid()
    file = os.open(log, os.O_RDWR | os.O_CREAT | os.O_TRUNC)
    for stream in (0, 1, 2):
        os.dup2(file, stream)
    code = 1
    try:
        code = _try_here(session, mutant, tests)
    finally:
        os._exit(code)


def _record(mutant: Mutant, outcome: str, seconds: float) -> dict[str, object]:
    lines = zip(Path(mutant.module).read_text("utf-8").splitlines(), mutant.source().splitlines(), strict=False)
    before, after = next(((a.strip(), b.strip()) for a, b in lines if a != b), ("", ""))
    facts = {"package": mutant.package, "mutant": mutant.name, "outcome": outcome, "before": before, "after": after}
    return {**facts, "seconds": round(seconds, 1)}


class _Trials:
    """A plugin that tries mutants in place of running the collected tests once."""

    def __init__(self, mutants: list[Mutant], known: LineCoverage, out: Path, *, minutes: float, at_once: int) -> None:
        self.mutants, self.known, self.out = mutants, known, out
        self.end, self.at_once = time.monotonic() + 60 * minutes, at_once

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        gc.freeze()
        running: dict[int, tuple[Mutant, float, float]] = {}
        left = list(reversed(self.mutants))
        with self.out.open("a", encoding="utf-8") as file, tempfile.TemporaryDirectory() as logs:

            def tell(mutant: Mutant, outcome: str, seconds: float) -> None:
                file.write(json.dumps(_record(mutant, outcome, seconds)) + "\n")
                file.flush()

            while running or (left and time.monotonic() < self.end):
                while left and len(running) < self.at_once and time.monotonic() < self.end:
                    mutant = left.pop()
                    tests = tests_for(mutant, self.known)
                    if not tests:
                        tell(mutant, "survived", 0.0)
                        continue
                    limit = _CALM + 5 * sum(self.known.seconds[t] for t in tests)
                    child = _fork(session, mutant, tests, Path(logs) / f"{len(left)}.log")
                    running[child] = (mutant, time.monotonic(), limit)
                for child, (mutant, started, limit) in list(running.items()):
                    done, status = os.waitpid(child, os.WNOHANG)
                    seconds = time.monotonic() - started
                    if not done and seconds > limit:
                        os.killpg(child, signal.SIGKILL)
                        _, status = os.waitpid(child, 0)
                    elif not done:
                        continue
                    tell(mutant, "timeout" if not done else "killed" if status else "survived", seconds)
                    del running[child]
                time.sleep(0.02)
        return True


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


def _drawn(packages: list[str], sample: int | None, seed: int) -> list[Mutant]:
    """Return mutants, the packages in turn, so that whoever stops early knows as much of each."""
    rng, drawn = random.Random(seed), []
    for package in packages:
        modules = sorted(str(p) for p in Path(PACKAGES[package]).rglob("*.py"))
        own = [mutant for module in modules for mutant in mutants_of(package, module, rng)]
        print(f"{package}: {len(own)} mutants of {len(modules)} modules", flush=True)
        rng.shuffle(own)
        drawn.append(own[: sample // len(packages)] if sample else own)
    return [own[i] for i in range(max(map(len, drawn))) for own in drawn if i < len(own)]


def _forked_cover(packages: list[str]) -> LineCoverage:
    """Return what `covered` does, with this process left as it was."""
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        os.close(reader)
        code = 1
        try:
            known = covered(packages)
            with os.fdopen(writer, "w") as pipe:
                json.dump([known.tests, known.seconds], pipe)
            code = 0
        except SystemExit as ended:
            print(ended, flush=True)
        finally:
            os._exit(code)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        text = pipe.read()
    os.waitpid(child, 0)
    if not text:
        sys.exit(1)
    tests, seconds = json.loads(text)
    return LineCoverage({m: {int(line): t for line, t in lines.items()} for m, lines in tests.items()}, seconds)


def _known(packages: list[str], kept: Path) -> LineCoverage:
    """Return what `covered` does, kept in a file as long as neither product nor tests change."""
    files = sorted(p for folder in ("model", "pipeline", "data_schemas", "tests") for p in Path(folder).rglob("*.py"))
    state = hashlib.sha256(b"\0".join([*(p.read_bytes() for p in files), " ".join(packages).encode()])).hexdigest()
    found = json.loads(kept.read_text()) if kept.exists() else {}
    if found.get("state") != state:
        measured = _forked_cover(packages)
        found = {"state": state, "tests": measured.tests, "seconds": measured.seconds}
        kept.write_text(json.dumps(found))
    tests = {m: {int(line): t for line, t in lines.items()} for m, lines in found["tests"].items()}
    return LineCoverage(tests, found["seconds"])


def main() -> None:
    """Try mutants and print the scores."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.mutation", description="Score the tests by mutants.")
    parser.add_argument("packages", nargs="*", choices=[*PACKAGES, []], help="all where none is named")
    parser.add_argument("--sample", type=int, help="so many mutants in all, as many of each package; every one by default")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--minutes", type=float, default=float("inf"), help="begin no further mutant after so long")
    parser.add_argument("--processes", type=int, default=2, help="so many mutants at once")
    parser.add_argument("--out", type=Path, default=Path("build/mutation.jsonl"))
    asked = parser.parse_args()
    packages, out = asked.packages or list(PACKAGES), asked.out.resolve()
    out.parent.mkdir(parents=True, exist_ok=True)
    sys.path.insert(0, str(Path.cwd()))
    sys.dont_write_bytecode = True
    results = [json.loads(line) for line in out.read_text().splitlines()] if out.exists() else []
    tried = {r["mutant"] for r in results}
    mutants = [m for m in _drawn(packages, asked.sample, asked.seed) if m.name not in tried]
    started = time.monotonic()
    known = _known(packages, out.with_suffix(".lines.json"))
    print(f"{len(known.seconds)} tests pass in {time.monotonic() - started:.0f} s", flush=True)
    for package in packages:
        for module in Path(PACKAGES[package]).rglob("*.py"):
            importlib.import_module(str(module.with_suffix("")).replace("/", ".").removesuffix(".__init__"))
    with tempfile.TemporaryDirectory() as folder:
        os.environ["HYPOTHESIS_STORAGE_DIRECTORY"] = folder
        trials = _Trials(mutants, known, out, minutes=asked.minutes, at_once=asked.processes)
        pytest.main([*_OPTIONS, "-W", "ignore::pytest.PytestAssertRewriteWarning", *TESTS], plugins=[trials])
    print(summary([json.loads(line) for line in out.read_text().splitlines()]))


if __name__ == "__main__":
    main()
