"""Model bundles: a folder with ``model.json`` and ``weights.safetensors``; no pickle, so a stranger's bundle is only data.

``model.json`` holds what the network is and the hash of the weights, and a hash of itself, so that a damaged bundle never loads.
``MODEL_CARD.md`` (see :mod:`model.card`) lies beside them for people; no program reads it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from data_schemas.errors import BundleError
from data_schemas.files import disk_errors, read_json_object, replaced_file
from data_schemas.renamed_keys import as_named_now

__all__ = ["BUNDLE_FORMAT", "FINGERPRINT", "fingerprint", "is_bundle", "read_bundle", "write_bundle"]

BUNDLE_FORMAT = 1
FINGERPRINT = "fingerprint"
"""The key of model.json that holds a hash of what the model was trained on."""

_FACTS, _WEIGHTS, _CARD = "model.json", "weights.safetensors", "MODEL_CARD.md"
_AGAIN = "copy the bundle again from where it was made, or write it again with BehaviorClassifier.save"


def is_bundle(folder: Path) -> bool:
    """Tell whether a folder looks like a bundle, sound or not."""
    return (folder / _FACTS).exists()


def fingerprint(folder: Path) -> str | None:
    """Return the hash that a bundle carries of what it was trained on; None where it carries none, or is damaged or no bundle."""
    try:
        facts, _ = read_bundle(folder)
    except BundleError:
        return None
    found = as_named_now(_FACTS, facts)[0].get(FINGERPRINT)
    return found if isinstance(found, str) else None


def write_bundle(folder: Path, facts: Mapping[str, Any], *, weights: Mapping[str, Tensor], card: str) -> None:
    """Write a bundle; ``model.json`` comes last and holds the hash of the weights, so half a bundle never loads."""
    with disk_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    data = save({k: v.detach().cpu().contiguous() for k, v in weights.items()})
    _write(folder / _WEIGHTS, data)
    _write(folder / _CARD, card.encode())
    whole = {"format": BUNDLE_FORMAT, **facts, "weights_sha256": hashlib.sha256(data).hexdigest()}
    _write(folder / _FACTS, json.dumps({**whole, "sha256": _digest(whole)}, ensure_ascii=False, indent=2).encode())


def read_bundle(folder: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Return the facts and the weights of a bundle.

    Raises
    ------
    BundleError
        A file is missing or damaged, is none of pose-audit's, or the format is newer than this program.
    """
    facts = _read_facts(folder / _FACTS)
    path = folder / _WEIGHTS
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BundleError(f"{path}: cannot be read: {error.strerror or error}", hint=_AGAIN) from error
    if facts.get("weights_sha256") != hashlib.sha256(data).hexdigest():
        raise BundleError(f"{path}: is not the file that {_FACTS} was written with: damaged, cut short or exchanged", hint=_AGAIN)
    try:
        weights = load(data)
    except (SafetensorError, ValueError, KeyError) as error:
        raise BundleError(f"{path}: not a safetensors file: {error}", hint=_AGAIN) from error
    faulty = next((name for name, value in weights.items() if not value.is_floating_point() or not value.isfinite().all()), None)
    if faulty is not None:
        raise BundleError(f"{path}: {faulty} holds values that are not finite numbers", hint="train the model again")
    return facts, weights


def _read_facts(path: Path) -> dict[str, Any]:
    try:
        facts = read_json_object(path)
    except OSError as error:
        raise BundleError(
            f"{path}: cannot be read: {error.strerror or error}",
            hint=f"name a folder that holds {_FACTS} and {_WEIGHTS}, such as models/DOG of a run",
        ) from error
    except ValueError as error:
        raise BundleError(f"{path}: {error}", hint=_AGAIN) from error
    if not isinstance(facts.get("format"), int) or "weights_sha256" not in facts:
        raise BundleError(
            f"{path}: not the {_FACTS} of a pose-audit bundle", hint="name a folder that pose-audit wrote a model to"
        )
    if facts["format"] > BUNDLE_FORMAT:
        written = f" (by pose-audit {facts['pose_audit']})" if "pose_audit" in facts else ""
        raise BundleError(
            f"{path}: written in bundle format {facts['format']}{written}, newer than {BUNDLE_FORMAT}", hint="update pose-audit"
        )
    if facts.pop("sha256", None) != _digest(facts):
        raise BundleError(f"{path}: was changed after it was written: its hash is another", hint=_AGAIN)
    return facts


def _digest(facts: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(facts, ensure_ascii=True, sort_keys=True).encode()).hexdigest()


def _write(path: Path, data: bytes) -> None:
    with replaced_file(path) as part:
        part.write_bytes(data)
