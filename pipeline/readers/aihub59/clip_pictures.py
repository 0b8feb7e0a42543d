"""Match frame pictures to clips by name, wherever they lie."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from pipeline.readers.files.listing import Listing
from pipeline.readers.names import clip_id_of, is_writable
from pipeline.readers.recordings import Clip, ReaderMessage

_TAIL = re.compile(r"(?:cat|dog)-[a-z]+-\d+$", re.IGNORECASE)


def with_pictures(clips: Sequence[Clip], listing: Listing) -> tuple[list[Clip], list[ReaderMessage]]:
    """Return the clips with the picture of each frame, and messages on folders of pictures that belong to no clip.

    A folder belongs to the clip of the same name, else to the one whose name ends alike (``cat-arch-006178``).
    """
    # A path that no table can hold would not lead back to its picture.
    unnamed = sorted(folder for folder in listing.pictures if not is_writable(folder))
    messages = [
        ReaderMessage(folder, "", "the folder's name is not UTF-8: its pictures are ignored; rename it") for folder in unnamed
    ]
    folders = _folders_by_name(set(listing.pictures).difference(unnamed))
    used: set[str] = set()
    matched = []
    for clip in clips:
        name = str(clip.facts["clip_id"])
        folder = folders.get(name) or folders.get(_tail(name))
        if folder is None:
            matched.append(clip)
            continue
        used.add(folder)
        pictures = listing.pictures[folder]
        joint = "" if folder.endswith("::") or not folder else "/"
        paths = [f"{folder}{joint}{pictures[n]}" if n in pictures else None for n in clip.frame_number.tolist()]
        matched.append(replace(clip, images=paths))
    unmatched = sorted(set(listing.pictures).difference(unnamed, used))
    return matched, messages + [ReaderMessage(folder, "", "pictures of no clip that was read: ignored") for folder in unmatched]


def _folders_by_name(folders: Collection[str]) -> Mapping[str, str]:
    named: dict[str, str] = {}
    for folder in sorted(folders):
        name = clip_id_of(folder)
        named.setdefault(name, folder)
        named.setdefault(_tail(name), folder)
    named.pop("", None)
    return named


def _tail(name: str) -> str:
    found = _TAIL.search(name)
    return found[0].lower() if found else ""
