"""The tables that the stages hand to each other, as pandera schemas.

Frame spans are inclusive everywhere. Missing keypoints are nulls, never zeros. A table is validated where it is made and where
it is read from outside; a breach names the file, the column, the first bad row and its value.
"""

from data_schemas.tables.audit import ISSUES, SEGMENTS, SELFTEST, WINDOWS
from data_schemas.tables.checking import keypoints_of, text, text_by_code, validate
from data_schemas.tables.export import CHANGES, CLEAN_FRAMES, CLEAN_WINDOWS
from data_schemas.tables.predictions import ARM_PREDICTIONS, OOF, PREDICTIONS, PROBABILITY_PREFIX, TRUST, probability_columns
from data_schemas.tables.review import BLIND_SAMPLES, REVIEW_EVENTS
from data_schemas.tables.source import CLIPS, FRAMES, READER_MESSAGES, REVIEWED
from data_schemas.tables.vocabulary import (
    INJECTED_KINDS,
    KINDS,
    LABEL_SOURCES,
    MARKS,
    POSE_FAULTS,
    REVIEW_ACTIONS,
    SPLITS,
    STRATA,
)

__all__ = [
    "ARM_PREDICTIONS",
    "BLIND_SAMPLES",
    "CHANGES",
    "CLEAN_FRAMES",
    "CLEAN_WINDOWS",
    "CLIPS",
    "FRAMES",
    "INJECTED_KINDS",
    "ISSUES",
    "KINDS",
    "LABEL_SOURCES",
    "MARKS",
    "OOF",
    "POSE_FAULTS",
    "PREDICTIONS",
    "PROBABILITY_PREFIX",
    "READER_MESSAGES",
    "REVIEWED",
    "REVIEW_ACTIONS",
    "REVIEW_EVENTS",
    "SEGMENTS",
    "SELFTEST",
    "SPLITS",
    "STRATA",
    "TRUST",
    "WINDOWS",
    "keypoints_of",
    "probability_columns",
    "text",
    "text_by_code",
    "validate",
]
