"""Readers: a source of clips in, validated tables out. What cannot be read is rejected with file, place and reason."""

from pipeline.readers.recordings import Recordings
from pipeline.readers.registry import Source, recognise

__all__ = ["Recordings", "Source", "recognise"]
