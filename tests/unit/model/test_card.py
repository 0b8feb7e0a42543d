"""Model cards say what was measured, and what was not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from model.card import Figure, ModelCard, write_model_card
from model.classifier import BehaviorClassifier
from model.recipe import make_recipe

CARD = ModelCard(
    name="Dogs from keypoints",
    summary="Tells two actions apart.",
    classes={"SIT": 1234, "WALK|RUN": None},
    data={"source": "clips/<2024>", "animals": 12},
    training={"recipe": "default"},
    figures=[Figure("balanced accuracy", 0.8123, 0.7411, 0.8702, on="12 animals"), Figure("macro F1", 0.79)],
    limits=["Seen from the side only."],
)


def test_a_card_holds_every_fact() -> None:
    text = CARD.markdown()
    assert "# Dogs from keypoints\n" in text
    assert "| SIT | 1,234 |" in text
    assert "| balanced accuracy | 0.812 | 0.741 to 0.870 | 12 animals |" in text
    assert "- animals: 12" in text
    assert "- Seen from the side only." in text


def test_what_is_not_known_is_said_to_be() -> None:
    text = replace(CARD, data={}).markdown()
    assert "| WALK\\|RUN | unknown |" in text
    assert "| macro F1 | 0.790 | none |" in text
    assert "## Data\n\nNot recorded." in text
    assert "None was measured" in replace(CARD, figures=()).markdown()


def test_names_from_files_start_no_markup() -> None:
    text = replace(CARD, name="a\n# b <script>").markdown()
    assert "# a # b &lt;script>\n" in text
    assert "clips/&lt;2024>" in text


def test_a_bundle_has_a_card_and_a_better_one_takes_its_place(tmp_path: Path) -> None:
    recipe = make_recipe("default", min_optimizer_steps=2)
    classifier = BehaviorClassifier(["a", "b"], ["nose", "tail"], species="DOG", recipe=recipe, device="cpu")
    classifier.fit(np.random.default_rng(0).normal(0, 1, (8, 5, 2, 2)), ["a", "b"] * 4)
    classifier.save(tmp_path)
    own = (tmp_path / "MODEL_CARD.md").read_text()
    assert "Tells 2 actions of DOG apart" in own
    assert "- keypoints: nose, tail" in own
    assert "None was measured" in own
    write_model_card(tmp_path, replace(classifier.card(), figures=CARD.figures))
    assert "balanced accuracy" in (tmp_path / "MODEL_CARD.md").read_text()
    assert BehaviorClassifier.load(tmp_path, device="cpu").classes == ("a", "b")
