"""A folder appears whole or not at all, and nothing that somebody else put there is lost."""

from __future__ import annotations

import errno
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from data_schemas.errors import StageError, UsageError, WorkspaceError
from pipeline.export.placing import SUMS, placed_folder, refuse_place, write_sums


def export(out: Path, content: str, *, force: bool = False) -> None:
    with placed_folder(out, force=force) as part:
        (part / "a").mkdir()
        (part / "a" / "b.txt").write_text(content)
        write_sums(part)


def fill_the_disk(out: Path) -> None:
    with placed_folder(out, force=False) as part:
        (part / "half").write_text("x")
        raise OSError(errno.ENOSPC, "No space left on device")


def content(folder: Path) -> dict[str, str]:
    return {p.relative_to(folder).as_posix(): p.read_text() for p in folder.rglob("*") if p.is_file() and p.name != SUMS}


def test_an_export_replaces_an_earlier_one_and_leaves_nothing_beside(tmp_path: Path) -> None:
    for words in ("one", "two"):
        export(tmp_path / "deep" / "out", words)
        assert content(tmp_path / "deep" / "out") == {"a/b.txt": words}
        assert [p.name for p in (tmp_path / "deep").iterdir()] == ["out"]
    (tmp_path / "empty").mkdir()
    export(tmp_path / "empty", "three")


@pytest.mark.parametrize("touch", ["a/b.txt", "mine.txt"])
def test_a_folder_that_is_not_just_an_export_is_refused_and_with_force_moved_aside(tmp_path: Path, touch: str) -> None:
    out = tmp_path / "out"
    export(out, "one")
    (out / touch).write_text("my own work")
    before = content(out)
    with pytest.raises(UsageError, match="not empty"):
        export(out, "two")
    assert content(out) == before
    export(out, "two", force=True)
    assert content(out) == {"a/b.txt": "two"}
    assert content(tmp_path / "out.before-1") == before


def test_a_file_in_the_way_is_refused(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("x")
    with pytest.raises(UsageError, match="no folder"):
        export(tmp_path / "out", "one", force=True)


def test_a_full_disk_leaves_the_earlier_export(tmp_path: Path) -> None:
    export(tmp_path / "out", "one")
    with pytest.raises(WorkspaceError, match="No space"):
        fill_the_disk(tmp_path / "out")
    assert content(tmp_path / "out") == {"a/b.txt": "one"}
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_a_killed_export_leaves_nothing_half_and_the_next_one_works(tmp_path: Path) -> None:
    script = (
        "import os, sys, signal; from pathlib import Path; from pipeline.export.placing import placed_folder\n"
        "with placed_folder(Path(sys.argv[1]), force=False) as part:\n"
        "    (part / 'half').write_text('x'); os.kill(os.getpid(), signal.SIGKILL)"
    )
    done = subprocess.run([sys.executable, "-c", script, tmp_path / "out"], cwd=Path(__file__).parents[4], check=False)
    assert done.returncode == -signal.SIGKILL
    assert not (tmp_path / "out").exists()
    export(tmp_path / "out", "one")
    assert content(tmp_path / "out") == {"a/b.txt": "one"}
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_two_exports_to_one_place_do_not_mix(tmp_path: Path) -> None:
    with placed_folder(tmp_path / "out", force=False) as part:
        with pytest.raises(StageError, match="another export"):
            export(tmp_path / "out", "two")
        (part / "x").write_text("one")
        write_sums(part)
    assert content(tmp_path / "out") == {"x": "one"}


@pytest.mark.parametrize("out", ["ws", ".", "ws/runs/x", "clips", "clips/clean"])
def test_workspace_runs_and_source_are_never_written_over(tmp_path: Path, out: str) -> None:
    with pytest.raises(UsageError):
        refuse_place(tmp_path / out, workspace=tmp_path / "ws", source=tmp_path / "clips")
    refuse_place(tmp_path / "ws" / "clean", workspace=tmp_path / "ws", source=tmp_path / "clips")


def test_sums_are_those_that_sha256sum_checks(tmp_path: Path) -> None:
    export(tmp_path / "out", "one")
    subprocess.run(["sha256sum", "--check", "--strict", SUMS], cwd=tmp_path / "out", check=True, capture_output=True)
