"""Readers: a source of clips in, validated tables out. What cannot be read is set aside with file, place and reason."""

from pipeline.readers.recordings import Recordings
from pipeline.readers.registry import Reader, recognise

__all__ = ["Reader", "Recordings", "recognise"]
