"""Model bundles: a folder with ``model.json`` and ``weights.safetensors``; no pickle, so a stranger's bundle is only data."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from data_schemas.errors import BundleError

__all__ = ["BUNDLE_FORMAT", "read_bundle", "write_bundle"]

BUNDLE_FORMAT = 1
_CARD, _WEIGHTS = "model.json", "weights.safetensors"


def write_bundle(folder: Path, card: Mapping[str, Any], *, weights: Mapping[str, Tensor]) -> None:
    """Write a bundle; ``model.json`` comes last and holds the hash of the weights, so half a bundle never loads."""
    folder.mkdir(parents=True, exist_ok=True)
    data = save({k: v.detach().cpu().contiguous() for k, v in weights.items()})
    _write(folder / _WEIGHTS, data)
    whole = {"format": BUNDLE_FORMAT, **card, "weights_sha256": hashlib.sha256(data).hexdigest()}
    _write(folder / _CARD, json.dumps(whole, ensure_ascii=False, indent=2).encode())


def read_bundle(folder: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Return the card and the weights of a bundle.

    Raises
    ------
    BundleError
        A file is missing or damaged, the weights are not those that the card names, or the format is newer than this program.
    """
    hint = "name a folder that holds model.json and weights.safetensors, or write the bundle again"
    try:
        card = json.loads((folder / _CARD).read_bytes())
        data = (folder / _WEIGHTS).read_bytes()
        weights = load(data)
    except (OSError, ValueError, SafetensorError) as error:
        raise BundleError(f"{folder}: not a readable model bundle: {error}", hint=hint) from error
    if not isinstance(card, dict) or card.get("weights_sha256") != hashlib.sha256(data).hexdigest():
        raise BundleError(f"{folder}: {_WEIGHTS} is not the file that {_CARD} was written with", hint=hint)
    if card.get("format") != BUNDLE_FORMAT:
        raise BundleError(f"{folder}: bundle format {card.get('format')!r}, expected {BUNDLE_FORMAT}", hint="update pose-audit")
    return card, weights


def _write(path: Path, data: bytes) -> None:
    part = path.with_name(path.name + ".part")
    with part.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
