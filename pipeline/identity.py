"""What a run is known by: hashes of JSON values, and of the code."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

__all__ = ["code_version", "digest"]


def digest(*parts: Any) -> str:
    """Return a hash of JSON values, the same on every machine."""
    text = json.dumps(parts, ensure_ascii=False, sort_keys=True, default=str)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def code_version() -> str:
    """Return a hash over the modules that make a run's tables, so that a run never goes on with other code."""
    apart = {("pipeline", name) for name in ("demo", "export", "proof", "retraining", "review", "prediction.py")}
    apart |= {("model", f"{name}.py") for name in ("card", "frames", "onnx_export", "streaming")}
    root = Path(__file__).resolve().parent.parent
    found = hashlib.blake2b(digest_size=8)
    for package in ("data_schemas", "model", "pipeline"):
        for path in sorted((root / package).rglob("*")):
            if path.suffix in (".py", ".toml") and path.relative_to(root).parts[:2] not in apart:
                found.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    return found.hexdigest()
