"""Where networks train: CUDA, then Apple's MPS, then the CPU."""

from __future__ import annotations

import torch

from data_schemas.errors import ConfigError

__all__ = ["available_devices", "choose_device"]


def available_devices() -> tuple[str, ...]:
    """Return the kinds of device that PyTorch can use here, best first."""
    found = []
    if torch.cuda.is_available():
        found.append("cuda")
    if torch.backends.mps.is_available():
        found.append("mps")
    return (*found, "cpu")


def choose_device(wanted: str = "auto") -> torch.device:
    """Return the device to train on.

    Raises
    ------
    ConfigError
        ``wanted`` is neither ``auto`` nor a device that is here.
    """
    here = available_devices()
    if wanted != "auto" and wanted not in here:
        raise ConfigError(f"run.device: {wanted!r} is not available", hint=f"here: {', '.join(here)}; auto takes the first")
    return torch.device(here[0] if wanted == "auto" else wanted)
