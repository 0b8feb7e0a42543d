"""How many of the injected errors an audit brought back."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from data_schemas.tables import SELFTEST, text, validate
from pipeline.evaluation.intervals import share_estimate
from pipeline.selftest.injection import InjectedErrors

FEWEST_WINDOWS = 20
"""With fewer injected windows a share of them says nothing."""

_FIRST = 0.1
_KIND_OF = {"wrong_clip": "wrong_clip", "contaminated": "contaminated", "boundary": "boundary"}


def recovery(
    injected: InjectedErrors,
    issues: pd.DataFrame,
    *,
    before: pd.DataFrame,
    windows: pd.DataFrame,
    target: Mapping[tuple[str, str], str],
) -> dict[str, object]:
    """Return the scores of one audit of a copy with injected errors: a row of the selftest table but for kind, share and seed.

    Parameters
    ----------
    injected : InjectedErrors
        The copy's errors.
    issues, before : DataFrame
        The issues of the copy, and those of the data as they are.
    windows : DataFrame
        The windows of the data as they are.
    target : mapping
        The class that each (species, label) trains as.
    """
    facts = windows[["window_id", "species", "group"]].merge(injected.windows, on="window_id", how="left")
    ranked = _ranked(issues).merge(facts, on="window_id", how="inner", suffixes=("", "_before"), validate="one_to_one")
    hit = ranked["true_label"].notna().to_numpy(bool)
    flagged, first = ranked["is_issue"].to_numpy(bool), ranked["first"].to_numpy(bool)
    group = ranked.groupby(["species", "group"], sort=False).ngroup().to_numpy().astype(np.int64)
    counts = _counts(injected, audited=len(ranked), flagged=int(flagged.sum()), groups=len(np.unique(group)))
    if hit.sum() < FEWEST_WINDOWS:
        return nothing_injected(
            f"{hit.sum()} windows could be injected, {FEWEST_WINDOWS} are needed for a share that says something", counts=counts
        )
    old = _ranked(before).set_index("window_id").reindex(ranked.loc[hit, "window_id"])
    found = ranked[hit & flagged]
    kind = _KIND_OF.get(str(injected.spans["kind"].iloc[0]))
    return {
        **counts,
        **_rate("recall_10", hit & first, hit, group=group),
        **_rate("recall", hit & flagged, hit, group=group),
        **_rate("precision", hit & flagged, flagged, group=group),
        "lift": float((hit & first).sum() / hit.sum() / _FIRST),
        "recall_10_most": float(min(first.sum(), hit.sum()) / hit.sum()),
        "recall_10_before": float(old["first"].eq(True).mean()),
        "recall_before": float(old["is_issue"].eq(True).mean()),
        "right_kind": float((found["kind"] == kind).mean()) if kind and len(found) else None,
        "right_label": _right_label(found, target) if len(found) else None,
        "note": None,
    }


def nothing_injected(note: str, *, counts: Mapping[str, int] | None = None) -> dict[str, object]:
    """Return a row without scores, and the reason."""
    scores = [n for n in SELFTEST.columns if n not in ("kind", "share", "seed", "note", *_COUNTS)]
    return {**dict.fromkeys(_COUNTS, 0), **(counts or {}), **dict.fromkeys(scores), "note": note}


_COUNTS = ("stretches", "clips", "windows", "other_donor", "audited", "flagged", "groups")


def selftest_table(rows: list[dict[str, object]]) -> pd.DataFrame:
    """Return rows as a valid selftest table."""
    table = pd.DataFrame(rows, columns=list(SELFTEST.columns))
    scores = [n for n, column in SELFTEST.columns.items() if str(column.dtype) == "float64"]
    typed = table.astype({**dict.fromkeys(_COUNTS, "int32"), **dict.fromkeys(scores, "float64"), "seed": "int64"})
    texts = {name: text(table[name].to_numpy(object)) for name in ("kind", "note")}
    return validate(typed.assign(**texts), SELFTEST, source="selftest")


def findings(table: pd.DataFrame, *, run_dir: Path, untested: Sequence[str]) -> dict[str, Any]:
    """Return a selftest table and what stands around it as JSON values; missing scores are None."""
    rows = json.loads(table.to_json(orient="records", double_precision=6))
    return {"run_dir": str(run_dir.resolve()), "untested": list(untested), "injected": rows}


def _ranked(issues: pd.DataFrame) -> pd.DataFrame:
    """Return the audited windows by rank; ``first`` marks the first tenth. The hold-out is not in the list that people review."""
    audited = issues[issues["split"] == "audit"].sort_values("rank", ignore_index=True)
    audited = audited[["window_id", "is_issue", "kind", "suggested_label"]]
    return audited.assign(first=np.arange(len(audited)) < round(_FIRST * len(audited)))


def _counts(injected: InjectedErrors, *, audited: int, flagged: int, groups: int) -> dict[str, int]:
    spans = injected.spans
    return {
        "stretches": len(spans),
        "clips": int(spans["clip_id"].nunique()),
        "windows": len(injected.windows),
        "other_donor": int(spans["other_donor"].astype(bool).sum()),
        "audited": audited,
        "flagged": flagged,
        "groups": groups,
    }


def _right_label(found: pd.DataFrame, target: Mapping[tuple[str, str], str]) -> float:
    """Return the share of windows whose suggestion is the class that the poses had before."""
    pairs = zip(found["species"], found["true_label"], found["suggested_label"], strict=True)
    return float(np.mean([target.get((s, true), true) == target.get((s, suggested), suggested) for s, true, suggested in pairs]))


def _rate(name: str, part: NDArray[np.bool_], whole: NDArray[np.bool_], *, group: NDArray[np.int64]) -> dict[str, float | None]:
    """Return a share, and its 95 % interval where enough groups have any."""
    if not whole.any():
        return {name: None, f"{name}_low": None, f"{name}_high": None}
    parts, wholes = (np.bincount(group, counted).astype(np.float64) for counted in (part, whole))
    found = share_estimate(parts, wholes)
    return {name: found.value, f"{name}_low": found.low, f"{name}_high": found.high}
