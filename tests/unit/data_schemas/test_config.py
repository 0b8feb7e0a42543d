"""audit.toml: read, explained when wrong, and written whole."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from data_schemas.config import Config, load_config
from data_schemas.errors import ConfigError
from data_schemas.renamed_keys import RENAMED, RenamedKey
from data_schemas.tables import OOF, SELFTEST
from pipeline.cli.settings import default_toml


def test_without_a_file_the_defaults_hold() -> None:
    assert load_config(None) == Config()


def test_options_win_over_the_file_and_none_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "audit.toml"
    path.write_text("[folds]\ncount = 4\nseed = 2\n")
    config = load_config(path, overrides={"folds": {"count": 3, "seed": None}})
    assert (config.folds.count, config.folds.seed) == (3, 2)


def test_paths_of_the_file_start_at_the_file(tmp_path: Path) -> None:
    path = tmp_path / "audit.toml"
    path.write_text('[source]\npath = "clips"\n[labels]\ntaxonomy = "own.toml"\n[pose]\nskeleton = "auto"\n')
    config = load_config(path)
    assert config.source.path == str(tmp_path / "clips")
    assert config.labels.taxonomy == str(tmp_path / "own.toml")
    assert config.pose.skeleton == "auto"


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("[folds]\ncuont = 3\n", "unknown key folds.cuont", "did you mean 'count'?"),
        ("[foldz]\n", "unknown key foldz", "did you mean 'folds'?"),
        ("[folds]\ncount = 1\n", "folds.count = 1", ""),
        ('[model]\npreset = "best"\n', "model.preset = 'best'", ""),
        ('[review]\nkeys = { play = "p!" }\n', "review.keys.play = 'p!'", ""),
        ("[review]\njump_frames = 0\n", "review.jump_frames = 0", ""),
        ("folds = 3\n", "folds = 3", ""),
        ("[folds\n", "audit.toml", "audit init"),
    ],
)
def test_what_is_not_understood_is_named_with_the_way_out(tmp_path: Path, text: str, message: str, hint: str) -> None:
    path = tmp_path / "audit.toml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    assert message in caught.value.message
    assert hint in caught.value.hint
    assert caught.value.exit_code == 2


def test_a_key_under_its_former_name_is_read_with_a_warning_and_options_win_over_it(tmp_path: Path) -> None:
    path = tmp_path / "audit.toml"
    path.write_text("[model]\nupdates = 30\nrate = 0.5\n")
    with pytest.warns(RenamedKey) as told:
        config = load_config(path, overrides={"model": {"optimizer_steps": 40}})
    assert (config.model.optimizer_steps, config.model.lr) == (40, 0.5)
    (warning,) = told
    assert str(warning.message) == (
        f"{path}: model.rate is now called model.lr, model.updates is now called model.optimizer_steps; "
        "the next version refuses former names"
    )


def test_a_key_under_both_names_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "audit.toml"
    path.write_text("[issues]\nwrong_clips = 0.1\nclip_error_rate = 0.1\n")
    with pytest.raises(ConfigError, match=r"issues\.wrong_clips and issues\.clip_error_rate are the same key") as caught:
        load_config(path)
    assert "wrong_clips" in caught.value.hint


def test_the_record_of_an_earlier_version_is_read_without_a_word() -> None:
    record = {"model": {"updates": 30, "passes": None}, "issues": {"wrong_clips": 0.1}}
    for config in (Config.model_validate(record), load_config(None, overrides=record)):
        assert (config.model.optimizer_steps, config.issues.clip_error_rate) == (30, 0.1)


def test_every_renamed_key_leads_to_one_that_exists() -> None:
    tables = {"oof.parquet": OOF, "selftest.parquet": SELFTEST}
    files = ("run.json", "run.json stages", "model.json", "retrain.json species", "metadata of tables")
    for section, names in RENAMED.items():
        if section in files:
            continue
        known = tables[section].columns if section in tables else Config.model_fields[section].annotation.model_fields
        assert set(names.values()) <= set(known)
        assert not set(names) & set(known)


def test_the_file_that_init_writes_holds_every_key_and_means_the_defaults() -> None:
    text = default_toml()
    assert Config.model_validate(tomllib.loads(text)) == Config()
    for section, field in Config.model_fields.items():
        assert f"[{section}]" in text
        for key, value in field.annotation.model_fields.items():
            assert f"{key} = " in text
            assert value.description, f"{section}.{key} does not say what it means"


def test_docs_name_every_key() -> None:
    docs = (Path(__file__).parents[3] / "docs" / "configuration.md").read_text()
    for section, field in Config.model_fields.items():
        for key in field.annotation.model_fields:
            assert f"`{section}.{key}`" in docs
