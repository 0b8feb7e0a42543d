"""The other commands, and what a new user meets first."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.integration

ROOT = Path(__file__).resolve().parents[2]


def test_init_writes_a_configuration_once(audit) -> None:
    assert "next: audit run" in audit("init", "ws", "--source", "clips").stdout
    assert f'path = "{audit.folder / "clips"}"' in (audit.folder / "ws" / "audit.toml").read_text()
    assert "exists already" in audit("init", "ws", code=2).stderr


def test_status_tells_stages_counts_and_segments_as_text_and_json(audited) -> None:
    text = audited("status", "-w", "ws").stdout
    assert "predict" in text
    assert "segments:" in text
    found = json.loads(audited("status", "-w", "ws", "--json").stdout)
    assert {"run_dir", "clips", "windows", "rejected", "segments"} <= set(found)
    assert len(found["clips"]) == 24
    assert found["rejected"] == 0
    assert Path(found["run_dir"]).is_dir()


def test_what_only_looks_at_a_run_loads_no_engine(audited) -> None:
    script = (
        "import sys; from pipeline.cli.app import main; sys.argv = ['audit', 'status', '-w', 'ws']\n"
        "try: main()\n"
        "finally: print({'torch', 'scipy', 'sklearn', 'cleanlab', 'streamlit'} & set(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=audited.folder, env=audited.environment, capture_output=True, text=True, check=False
    )
    assert "predict" in done.stdout
    assert done.stderr.splitlines()[-1] == "set()"


def test_doctor_finds_this_installation_fit(audit) -> None:
    out = audit("doctor").stdout
    for subject in ("pose-audit", "torch", "cleanlab", "devices", "fonts", "disk", "workspace"):
        assert subject in out
    assert "bad " not in out


def test_a_key_under_its_former_name_is_told_on_the_terminal(audit) -> None:
    (audit.folder / "audit.toml").write_text("[model]\nbatch = 64\n")
    told = audit("doctor").stderr
    assert told == "warning: audit.toml: model.batch is now called model.batch_size; the next version refuses former names\n"


def test_doctor_sees_another_package_in_the_way(audit) -> None:
    (audit.folder / "model").mkdir()
    (audit.folder / "model" / "__init__.py").write_text("")
    script = "import sys, runpy; sys.argv = ['audit', 'doctor']; runpy.run_module('pipeline.cli', run_name='__main__')"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=audit.folder, env=audit.environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert "rename or move" in done.stdout


@pytest.mark.parametrize("command", ["init", "demo", "run", "selftest", "status", "predict", "export-onnx", "compare", "doctor"])
def test_every_command_has_help_with_an_example(audit, command: str) -> None:
    assert f"Example: audit {command}" in audit(command, "--help").stdout


@pytest.mark.parametrize("page", ["cli.md", "configuration.md"])
def test_the_generated_pages_are_up_to_date(page: str) -> None:
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    generate = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generate)
    assert (ROOT / "docs" / page).read_text(encoding="utf-8") == generate.PAGES[page](), "run python docs/generate.py"


def test_the_wheel_holds_exactly_the_four_packages_with_their_data(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path), str(ROOT)],
        check=True,
        capture_output=True,
    )
    with zipfile.ZipFile(next(tmp_path.glob("pose_audit-*.whl"))) as wheel:
        names = wheel.namelist()
    tops = {n.split("/")[0] for n in names if ".dist-info/" not in n}
    assert tops == {"audit_app", "pipeline", "model", "data_schemas"}
    assert {"data_schemas/taxonomies/aihub59.toml", "data_schemas/skeletons/aihub59.toml", "model/py.typed"} <= set(names)
    assert {"pipeline/report/templates/report.html", "pipeline/report/templates/timeline.svg"} <= set(names)
    labeller = ROOT / "audit_app" / "components"
    assets = {p.relative_to(ROOT).as_posix() for p in (labeller / "assets").iterdir()}
    assert {*assets, "audit_app/components/pyproject.toml"} <= set(names)
