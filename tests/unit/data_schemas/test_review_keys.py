"""Keys of one's own: none is given away twice, and no act is left without one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import audit_app.components
from data_schemas.config import load_config
from data_schemas.errors import ConfigError
from data_schemas.review_keys import DEFAULT_KEYS, check_keys

KEYMAP = Path(audit_app.components.__file__).with_name("assets") / "keymap.js"


def test_the_page_has_the_same_keys():
    told = re.findall(r'\{ id: "(\w+)", keys: \[(.*?)\]', KEYMAP.read_text(encoding="utf-8"))
    page = {act: tuple(re.findall(r'"(.*?)"', keys)) for act, keys in told}
    assert page == {act: keys for act, keys in DEFAULT_KEYS.items() if not act.startswith("paint_")}
    assert len([act for act in DEFAULT_KEYS if act.startswith("paint_")]) == 19


def test_keys_may_be_exchanged_and_have_their_modifiers_in_any_order():
    assert check_keys({"pen": "KeyM", "mark": "KeyP", "redo": "Shift+Ctrl+KeyZ"})["redo"] == "Ctrl+Shift+KeyZ"
    # Redo keeps its other key, Delete stays for clearing.
    assert check_keys({"note": "Ctrl+KeyY", "fit": "Backspace"})


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ('pen = "Ctrl+KeyZ"', "takes the only key of undo"),
        ('accept = "KeyU"', "takes the only key of unsure"),
        ('pen = "KeyW"\nmark = "KeyW"', "given to both pen and mark"),
        ('undo = "Shift+Ctrl+KeyU"\nredo = "Ctrl+Shift+KeyU"', "given to both undo and redo"),
        ('und = "KeyW"', "did you mean 'undo'"),
    ],
)
def test_a_key_for_two_acts_is_refused_and_names_both(tmp_path, keys, said):
    path = tmp_path / "audit.toml"
    path.write_text(f"[review.keys]\n{keys}\n", encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    assert said in caught.value.message
    assert "review.keys" in caught.value.message
