"""What a dataset was made from, what review changed in it, and how far it was reviewed: figures as JSON values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import data_schemas
from data_schemas.config import Config, Export
from data_schemas.labels import Taxonomy
from data_schemas.tables import MARKS
from pipeline.audit.summary import label_errors
from pipeline.export.aihub import LabelFiles
from pipeline.export.placing import sha256_of
from pipeline.export.tables import WrittenTable
from pipeline.review.access import orphans_of
from pipeline.review.frame_labels import changed_frames
from pipeline.review.segment_states import unreviewed
from pipeline.review.window_labels import CleanWindows
from pipeline.workspace.hashes import digest
from pipeline.workspace.run_folder import RunFolder

_CLASS = ["species", "label"]


@dataclass(frozen=True)
class ExportTables:
    """The tables of a run after review, and what was written of them."""

    events: pd.DataFrame
    clips: pd.DataFrame
    after: pd.DataFrame
    changes: pd.DataFrame
    run_windows: pd.DataFrame
    windows: CleanWindows
    issues: pd.DataFrame
    written: Sequence[WrittenTable]
    label_files: LabelFiles | None


def datasheet(
    made: ExportTables, folder: RunFolder, out: Path, *, config: Config, settings: Export, taxonomy: Taxonomy | None
) -> dict[str, Any]:
    """Return the datasheet of an export.

    No time of writing is kept: the same decisions give the same bytes; ``decisions.newest`` has the time of the last one.
    """
    record, after = folder.record(), made.after
    species = made.after["clip_id"].map(made.clips.set_index("clip_id")["species"])
    return {
        "made_by": f"pose-audit {data_schemas.__version__}",
        "source": {
            "path": record["source"],
            "format": record["format"],
            "hash": digest(made.clips[["clip_id", "source", "source_hash"]].to_dict("list")),
        },
        "run": {
            "name": folder.path.name,
            "run_hash": record["run_hash"],
            "version": record["version"],
            "code": record["code"],
        },
        "settings": settings.model_dump(mode="json"),
        "taxonomy": _taxonomy(taxonomy, config, made),
        "decisions": _decisions(made.events, folder),
        "frames": _frames(after),
        "windows": _windows(made),
        "clips": {"run": len(made.clips), "exported": int(after.loc[~after["excluded"], "clip_id"].nunique())},
        "classes": _classes(made, species),
        "changes": _changes(made.changes),
        "error_rates": _error_rates(unreviewed(made.issues, made.run_windows, record.get("trust", [])), after, species),
        "label_files": None if made.label_files is None else asdict(made.label_files),
        "files": _files(made.written, out),
    }


def _taxonomy(taxonomy: Taxonomy | None, config: Config, made: ExportTables) -> dict[str, Any]:
    used = made.windows.table[_CLASS].dropna().drop_duplicates().sort_values(_CLASS)
    found = {str(s): sorted(part["label"]) for s, part in used.groupby("species")}
    if taxonomy is None:
        return {"name": None, "merge": config.labels.merge, "labels": found}
    labels = {
        s: [
            {"name": x.name, "en": x.en, "ko": x.ko}
            for x in [taxonomy.label(s, n) for n in (*taxonomy.names(s), *_new(s, names, taxonomy))]
        ]
        for s, names in found.items()
    }
    return {"name": taxonomy.name, "merge": config.labels.merge, "labels": labels}


def _new(species: str, names: Sequence[str], taxonomy: Taxonomy) -> list[str]:
    return [n for n in names if n not in taxonomy.names(species)]


def _decisions(events: pd.DataFrame, folder: RunFolder) -> dict[str, Any]:
    by_reviewer = events["reviewer"].value_counts().sort_index()
    return {
        "events": len(events),
        "newest": None if events.empty else str(events["at"].max()),
        "reviewers": {str(name): int(count) for name, count in by_reviewer.items()},
        "orphans": 0 if events.empty else len(orphans_of(folder, events)),
    }


def _frames(after: pd.DataFrame) -> dict[str, Any]:
    excluded = after["excluded"]
    counts = {
        "run": len(after),
        "exported": int((~excluded).sum()),
        "excluded": int(excluded.sum()),
        "reviewed": int((after["label_source"] != "given").sum()),
        "changed": int(changed_frames(after).sum()),
        "unlabelled": int((after["label"].isna() & ~excluded).sum()),
        **{mark: int((after["mark"] == mark).sum()) for mark in MARKS},
    }
    sources = after.loc[~excluded & after["label"].notna(), "label_source"].value_counts().sort_index()
    return {
        **counts,
        "reviewed_share": _share(counts["reviewed"], counts["run"]),
        "by_source": {str(name): int(count) for name, count in sources.items()},
    }


def _windows(made: ExportTables) -> dict[str, Any]:
    table, issues = made.windows.table, made.issues[made.issues["split"] == "audit"]
    given = made.run_windows.set_index("window_id")["label"].reindex(table["window_id"]).array
    return {
        "run": len(made.run_windows),
        "exported": len(table),
        "left_out_mixed": made.windows.left_out_mixed,
        "left_out_excluded": made.windows.left_out_excluded,
        "mixed": int(table["mixed"].sum()),
        "changed": int(changed_frames(pd.DataFrame({"label": table["label"].array, "given": given})).sum()),
        "unlabelled": int(table["label"].isna().sum()),
        "flagged": int(issues["is_issue"].sum()),
        "flagged_share": _share(int(issues["is_issue"].sum()), len(issues)),
    }


def _classes(made: ExportTables, species: pd.Series) -> list[dict[str, Any]]:
    """Return how many frames and windows every class of every species had and has."""
    after, left = made.after, ~made.after["excluded"]
    counts = {
        "frames_before": _count(species, after["given"]),
        "frames_after": _count(species[left], after.loc[left, "label"]),
        "windows_before": _count(made.run_windows["species"], made.run_windows["label"]),
        "windows_after": _count(made.windows.table["species"], made.windows.table["label"]),
    }
    table = pd.DataFrame(counts).fillna(0).astype("int64").sort_index()
    return [
        {"species": str(s), "label": str(x)} | {str(k): int(v) for k, v in row.items()}
        for (s, x), row in zip(table.index, table.to_dict("records"), strict=True)
    ]


def _count(species: pd.Series, label: pd.Series) -> pd.Series:
    return pd.DataFrame({"species": species.array, "label": label.array}).value_counts(_CLASS, sort=False)


def _changes(changes: pd.DataFrame) -> list[dict[str, Any]]:
    """Return from what to what labels were changed, the commonest first; ``to`` is null for excluded frames."""
    grouped = changes.groupby(["species", "from", "to"], dropna=False).agg(spans=("frames", "size"), frames=("frames", "sum"))
    table = grouped.reset_index().sort_values(["frames", "species", "from", "to"], ascending=[False, True, True, True])
    return [{str(k): None if pd.isna(v) else v for k, v in row.items()} for row in table.to_dict("records")]


def _error_rates(issues: pd.DataFrame, after: pd.DataFrame, species: pd.Series) -> list[dict[str, Any]]:
    """Return for every given label the share expected to be wrong by the run, and that found wrong among reviewed frames.

    What a later round expects is of the windows that had not been reviewed before it.
    Reviewers look first where label quality is lowest, so the second is no estimate for the frames that nobody looked at.
    """
    looked = ((after["label_source"] != "given") & ~after["excluded"]).to_numpy(bool)
    seen = after.loc[looked, ["given", "label"]].assign(species=species[looked], wrong=lambda t: t["given"] != t["label"])
    observed = seen.groupby(["species", "given"])["wrong"].agg(["size", "sum"])
    rows = []
    for rate in label_errors(issues):
        frames, wrong = (
            observed.loc[rate["species"], rate["label"]] if (rate["species"], rate["label"]) in observed.index else (0, 0)
        )
        rows.append(
            {
                "species": rate["species"],
                "label": rate["label"],
                "windows": rate["windows"],
                "flagged": rate["flagged"],
                "expected_wrong": rate["share"],
                "reviewed_frames": int(frames),
                "observed_wrong": _share(int(wrong), int(frames)),
            }
        )
    return rows


def _files(written: Sequence[WrittenTable], out: Path) -> dict[str, Any]:
    return {
        name: {"sha256": sha256_of(out / name), "bytes": (out / name).stat().st_size, "rows": table.rows}
        for table in written
        for name in table.names
    }


def _share(part: int, whole: int) -> float | None:
    return round(float(np.divide(part, whole)), 6) if whole else None
