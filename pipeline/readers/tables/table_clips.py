"""What the rows of a table say of each clip as a whole, and of its frames: labels, species, groups, frame rates."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_schemas.config import Config
from data_schemas.labels import Taxonomy
from data_schemas.tables import LABEL_SOURCES
from pipeline.readers.action_classes import class_of, inspected_class, unknown_action
from pipeline.readers.checks import ASSUMED_RATE, ASSUMED_RATE_NOTE, Unreadable, frame_rates
from pipeline.readers.names import years
from pipeline.readers.pauses import mismatch_notes, skipped_numbers, uncounted_pauses
from pipeline.readers.recordings import ReaderMessage, group_of
from pipeline.readers.tables.table_columns import Rows
from pipeline.readers.tables.table_files import CLIP_TEXT
from pipeline.readers.time_units import frame_rate_note, frame_rates_agree

NO_SPECIES = "ANIMAL"
"""The species of clips that name none."""

Declared = list[dict[str, str | None]]
"""What the rows of each clip declare, by column."""

_NO_LABEL = "-1"
"""What numeric labels say of a frame that has none; no class is called so."""

FrameClasses = tuple[list[str], NDArray[np.int64]]
"""Classes, and the place of each row's among them, -1 where it has none."""

_GROUPS = ("subject_id", "recording_id")
"""Columns by which clips are kept on one side of a fold."""

_Known = dict[tuple[str, str], str | Unreadable]

_PLACES = {"subject_id": "column subject_id", "recording": "column recording_id"}


def declared_of_clips(rows: Rows) -> Declared:
    """Return the names that the rows of each clip agree on; clips whose rows do not are rejected."""
    declared: Declared = [dict.fromkeys(CLIP_TEXT) for _ in rows.names]
    for column in (c for c in CLIP_TEXT if c in rows):
        names, codes = _labels_of(rows, column) if column == "label" else rows.names_of(column)
        way = ": a label per frame belongs into the column frame_label" if column == "label" else ""
        first = codes[rows.first]
        rows.reject_rows(codes != first[rows.clip], column, f"{column} changes within the clip{way}")
        if column in _GROUPS:
            rows.notes += [ReaderMessage(rows.source(0)[0], column, note) for note in _nearly_one(names)]
        for facts, code in zip(declared, first.tolist(), strict=True):
            facts[column] = names[code] if code >= 0 else None
    for facts in declared:
        facts["species"] = (facts["species"] or NO_SPECIES).upper()
    return declared


def _nearly_one(names: list[str]) -> list[str]:
    """Return a note on names that letter case alone tells apart: were they one animal, it would stand on both sides of a fold."""
    spellings: defaultdict[str, list[str]] = defaultdict(list)
    for name in names:
        spellings[name.casefold()].append(name)
    several = [found for found in spellings.values() if len(found) > 1]
    return [
        f"{', '.join(map(repr, found))} differ in letter case only: taken for {len(found)}; of one, spell them alike"
        for found in several
    ]


def frame_classes(rows: Rows, declared: Declared, *, taxonomy: Taxonomy | None) -> FrameClasses | None:
    """Return the class of every row, or None where frames have no labels; clips with one that is not known are rejected."""
    if "frame_label" not in rows:
        return None
    actions, codes = _labels_of(rows, "frame_label")
    species = sorted({str(facts["species"]) for facts in declared})
    place = {name: i for i, name in enumerate(species)}
    of_clip = np.array([place[str(facts["species"])] for facts in declared], np.int64)
    pairs = np.where(codes >= 0, of_clip[rows.clip] * len(actions) + codes, -1)
    classes: dict[str, int] = {}
    class_of_pair = np.full(len(species) * len(actions) + 1, -1, np.int64)
    for pair in np.unique(pairs[pairs >= 0]).tolist():
        action = actions[pair % len(actions)]
        found = taxonomy.resolve(species[pair // len(actions)], action) if taxonomy else action
        if found is not None:
            class_of_pair[pair] = classes.setdefault(found, len(classes))
    found_classes = class_of_pair[pairs]
    if taxonomy:

        def reason(row: int) -> str:
            kind, action = species[of_clip[rows.clip[row]]], actions[codes[row]]
            return unknown_action(action, species=kind, taxonomy=taxonomy)

        rows.reject_rows((codes >= 0) & (found_classes < 0), "frame_label", reason)
    return list(classes), found_classes


def _labels_of(rows: Rows, column: str) -> tuple[list[str], NDArray[np.int64]]:
    """Return the different labels in a column and the place of each row's among them, -1 where it has none."""
    names, codes = rows.names_of(column)
    none = np.isin(codes, [place for place, name in enumerate(names) if name == _NO_LABEL])
    rows.note(f"{column} is -1, which stands for no label: unlabelled; a class of that name needs another one", none)
    return names, np.where(none, -1, codes)


def label_sources(rows: Rows, labels: FrameClasses | None) -> NDArray[np.int64] | None:
    """Return where the class of every row comes from, as a place in LABEL_SOURCES, or None where the table does not say.

    What is no such name counts as given, like a row without a class.
    """
    if labels is None or "label_source" not in rows:
        return None
    names, codes = rows.names_of("label_source")
    known = {name: place for place, name in enumerate(LABEL_SOURCES)}
    given = known["given"]
    declared = np.array([*(known.get(name, -1) for name in names), given], np.int64)[codes]
    rows.note(f"label_source is none of {', '.join(LABEL_SOURCES)}: taken as given", declared < 0)
    sources = np.where((declared < 0) | (labels[1] < 0), given, declared)
    rows.note("a label was reviewed, says label_source: it is taken as right", sources != given)
    return np.asarray(sources)


def rates_of_clips(
    rows: Rows, time: NDArray[np.float64], *, declared: NDArray[np.float64], kept: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Return each clip's frames a second, shape (clips,): as declared, as the times of its kept frames give it, or as assumed.

    Where the two do not agree the times are taken, for windows are cut by them; that is noted, as are times that make no likely
    rate (see :mod:`pipeline.readers.time_units`).

    Parameters
    ----------
    time : float64, shape (rows,)
        Whole milliseconds.
    declared : float64, shape (clips,)
        NaN where the table declares none.
    """
    clips = np.array([c for c in range(len(rows.names)) if c not in rows.rejected_clips], np.int64)
    if not len(clips):
        return np.where(np.isnan(declared), ASSUMED_RATE, declared)
    used = kept & ~rows.in_rejected_clips()
    number, time, clip = rows.number[used].astype(np.int64), time[used], rows.clip[used]
    first = np.searchsorted(clip, clips)
    last = np.append(first[1:], len(time)) - 1
    measured, elapsed = np.full(len(declared), np.nan), np.zeros(len(declared))
    measured[clips] = frame_rates(number, time, first)
    elapsed[clips] = time[last] - time[first]
    parted = uncounted_pauses(number, time, first) | skipped_numbers(number, time, first)
    for c in np.unique(clip[parted]).tolist():
        own = slice(*np.searchsorted(clip, [c, c + 1]))
        rows.note_clip(c, mismatch_notes(number[own], time[own]))
    by_row = np.zeros(len(declared), bool)
    by_row[clips] = (elapsed[clips] == last - first) & (last > first)
    agree = frame_rates_agree(declared, measured, elapsed)
    for c in clips.tolist():
        if np.isnan(measured[c]) and np.isnan(declared[c]):
            rows.note_clip(c, {ASSUMED_RATE_NOTE: 1})
        elif (np.isnan(declared[c]) or not agree[c]) and (
            note := frame_rate_note(
                measured[c], declared=None if agree[c] else declared[c], by_row=bool(by_row[c]), column="timestamp_ms"
            )
        ):
            rows.note_clip(c, {note: 1})
    rates = np.where(np.isnan(declared) | ~agree, measured, declared)
    return np.where(np.isnan(rates), ASSUMED_RATE, rates)


def facts_of_clips(
    rows: Rows,
    declared: Declared,
    *,
    labels: FrameClasses | None,
    rates: NDArray[np.float64],
    config: Config,
    taxonomy: Taxonomy | None,
) -> list[dict[str, Any]]:
    """Return the columns of the clips table but ``skeleton`` and ``frame_count``; a clip without label or group is rejected."""
    commonest = _commonest(rows, labels) if labels else [None] * len(rows.names)
    # Looking for the nearest known name takes a millisecond, and a name that is not known seldom comes alone.
    known: _Known = {}
    facts: list[dict[str, Any]] = []
    for clip, row in enumerate(declared):
        subject, recording = row["subject_id"], row["recording_id"]
        source, digest = rows.source(clip)
        fact: dict[str, Any] = row | {"clip_id": rows.names[clip], "source": source, "source_hash": digest}
        fact |= {"fps": rates[clip], "age": years(row["age"]), "recording_id": recording or subject or rows.names[clip]}
        facts.append(fact)
        try:
            given = row["label"] or commonest[clip]
            unlabelled = given is None and config.labels.missing == "unlabelled"
            fact["label"] = None if unlabelled else _label(row, given, taxonomy=taxonomy, known=known)
            animal = {"subject_id": subject or recording}
            fact["subject_id"] = group_of(fact["clip_id"], recording=recording, animal=animal, config=config, places=_PLACES)
        except Unreadable as error:
            rows.reject_clip(clip, error.reason, place=error.place)
        other, notes = inspected_class(row["other_label"], species=str(row["species"]), taxonomy=taxonomy)
        fact["other_label"] = other
        rows.note_clip(clip, notes)
    return facts


def _label(row: dict[str, str | None], label: str | None, *, taxonomy: Taxonomy | None, known: _Known) -> str:
    species = str(row["species"])
    if label is None:
        raise Unreadable("column label", "no label is given")
    if (species, label) not in known:
        try:
            known[species, label] = class_of(label, species=species, taxonomy=taxonomy, places=("column species", "column label"))
        except Unreadable as error:
            known[species, label] = error
    found = known[species, label]
    if isinstance(found, Unreadable):
        raise Unreadable(found.place, found.reason)
    return found


def _commonest(rows: Rows, labels: FrameClasses) -> list[str | None]:
    """Return the class that most frames of each clip have, the first by name where two are as common."""
    names, codes = labels
    rank = {name: i for i, name in enumerate(sorted(names))}
    ranks = np.array([*(rank[name] for name in names), -1], np.int64)[codes]
    some = ranks >= 0
    pairs, counts = np.unique(rows.clip[some] * max(len(names), 1) + ranks[some], return_counts=True)
    found: list[str | None] = [None] * len(rows.names)
    by_name = sorted(names)
    for pair in pairs[np.lexsort((-pairs, counts))].tolist():  # the commonest comes last, and stays
        found[pair // len(names)] = by_name[pair % len(names)]
    return found
