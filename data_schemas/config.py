"""The configuration of an audit: ``audit.toml``, validated.

Every option of the command line that matters is a key here. Defaults stand in one place, in these classes; ``audit init`` writes
them out with their comments.
"""

from __future__ import annotations

import re
import tomllib
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from data_schemas.errors import ConfigError
from data_schemas.labels import nearest
from data_schemas.renamed_keys import RenamedKey, as_named_now
from data_schemas.review_keys import check_keys

Share = Annotated[float, Field(ge=0.0, lt=1.0)]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Source(_Section):
    """Where the clips are."""

    path: str = ""
    """Folder, archive or table with the clips; a relative path is relative to this file. `audit run SOURCE` overrides it."""
    format: str = "auto"
    """Format of the source: aihub59 or table; auto recognises it."""
    encoding: str = "auto"
    """Encoding of text that is neither UTF-8 nor UTF-16, such as cp1252 or cp949; auto tells these two apart where it can."""

    @field_validator("encoding")
    @classmethod
    def _is_known(cls, value: str) -> str:
        if value != "auto":
            try:
                "".encode(value)
            except LookupError as error:
                raise ValueError("not an encoding; such as cp1252, cp949, latin-1, shift_jis, or auto") from error
        return value


class Labels(_Section):
    """What the labels mean."""

    taxonomy: str = "auto"
    """auto (aihub59 for AI-Hub clips, else the labels as they are), a built-in name, none, or the path of your own .toml."""
    merge: str = "none"
    """A merge of the taxonomy that training uses, such as classic; labels are stored and reviewed unmerged."""
    missing: Literal["reject", "unlabelled"] = "reject"
    """What happens to a clip without any label: reject it, or read it as unlabelled, as audit predict does."""


class Pose(_Section):
    """Which keypoints count as seen, and which are implausible."""

    skeleton: str = "auto"
    """auto (the taxonomy's, else keypoints without edges), a built-in name, or the path of your own .toml."""
    min_confidence: Share = 0.0
    """Keypoints of a lower confidence count as missing; an empty one is unknown, not low. Refused if no keypoint has one."""
    max_keypoint_gap_ms: Annotated[int, Field(ge=0)] = 400
    """Gaps of a keypoint up to this long are interpolated within the clip, and marked."""
    find_faults: bool = True
    """Look for keypoints that leap, stretch a bone, stand still, or are exchanged (left and right, or two animals)."""
    max_implausible: Annotated[float, Field(ge=0, le=1)] = 0.25
    """Windows with a larger share of implausible keypoints, among the visible ones, are bad_pose: never trained on."""


class Windows(_Section):
    """How clips are cut into windows."""

    hz: Annotated[float, Field(gt=0, le=1000)] = 5.0
    """Samples a second, taken by timestamp."""
    steps: Annotated[int, Field(ge=1, le=1000)] = 5
    """Samples in a window."""
    stride: Annotated[int, Field(ge=1)] = 1
    """Samples from one window to the next."""
    max_gap_ms: Annotated[int, Field(ge=0)] = 600
    """A window never spans a longer gap in the frames; samples that fall into a shorter one are interpolated and marked."""
    min_visible: Annotated[float, Field(ge=0, le=1)] = 0.2
    """Windows with a smaller share of keypoints that are seen or interpolated, and plausible, are bad_pose: never trained on."""


class Groups(_Section):
    """What is never on both sides of a fold."""

    by: Literal["subject", "recording", "clip"] = "subject"
    """subject (the animal; for AI-Hub its date, breed, gender and age), recording, or clip (only if clips are independent)."""
    missing: Literal["reject", "clip"] = "reject"
    """What happens to a clip whose group is not known: reject it, or let it be its own group."""


class Folds(_Section):
    """How windows are predicted by models that did not see them."""

    count: Annotated[int, Field(ge=2, le=100)] = 5
    """Folds, grouped and stratified; fewer where there are fewer groups."""
    repeats: Annotated[int, Field(ge=1, le=100)] = 1
    """How often everything is predicted, each time with other folds; the probabilities are averaged."""
    holdout: Share = 0.1
    """Share of the groups that is set apart before anything else; at least 5 groups of a species that has 20 or more."""
    seed: Annotated[int, Field(ge=0)] = 0
    """The same seed on the same machine gives the same result."""


class Model(_Section):
    """The network that predicts; keys that are left out come from the preset."""

    preset: Literal["default", "classic"] = "default"
    """default (short training on several views), or classic (the original recipe: 3 layers of 30, 100 epochs)."""
    views: tuple[str, ...] | None = None
    """What each network sees of a window: frame, body, aligned, distances; one network a view, probabilities averaged."""
    layers: Annotated[int, Field(ge=1, le=16)] | None = None
    """LSTM layers."""
    hidden_size: Annotated[int, Field(ge=1, le=4096)] | None = None
    """Features in the hidden state of a layer."""
    dropout: Share | None = None
    """Dropout before the linear layer."""
    standardise: bool | None = None
    """Standardise the inputs on the training windows of each fold."""
    mask: bool | None = None
    """Give the network which keypoints were seen."""
    epochs: Annotated[int, Field(ge=1)] | None = None
    """Passes over the training windows."""
    min_optimizer_steps: Annotated[int, Field(ge=0)] | None = None
    """Train for at least this many optimizer steps, one batch each, however few windows there are."""
    batch_size: Annotated[int, Field(ge=1)] | None = None
    """Windows in a batch."""
    lr: Annotated[float, Field(gt=0)] | None = None
    """Learning rate (its peak, for one-cycle)."""
    schedule: Literal["step", "one-cycle"] | None = None
    """step (down by 0.3 every 10 epochs, as in the recipe) or one-cycle."""
    balance: Literal["none", "weights", "downsample"] | None = None
    """weights: classes are weighted in the loss; downsample: all are cut down to the smallest; none: left as they are."""
    optimizer_steps: Annotated[int, Field(ge=1)] | None = None
    """Train for exactly this many optimizer steps, whatever epochs, min_optimizer_steps and length_search say."""
    cleaning_iterations: Annotated[int, Field(ge=0, le=50)] | None = None
    """Most iterations in which quick base learners prune the labels that networks train on; 0 trains on all windows."""
    length_search: bool | None = None
    """Search on one fold for how many optimizer steps to train, unless optimizer_steps is set."""


class Issues(_Section):
    """How label quality becomes flags and segments."""

    smooth_seconds: Annotated[float, Field(gt=0, le=60)] = 1.0
    """Standard deviation of the average over neighbouring windows, in seconds."""
    clip_error_rate: Annotated[float, Field(ge=0, le=0.5)] = 0.002
    """Expected share of clips whose label is wrong throughout; a larger one finds more of them and fewer of all other errors."""


class Review(_Section):
    """How decisions are made and where they are kept; no run depends on it."""

    database: str = ""
    """Where review events are kept: empty is review.db of the workspace, else an SQLAlchemy URL such as postgresql+psycopg://..."""
    reviewer: str = ""
    """Name that decisions carry; empty lets the page ask once."""
    password: str = ""
    """Hash of the password that opens the app, as `audit password` writes it; --host beyond this machine needs it, or a login."""
    hosts: tuple[str, ...] = ()
    """Further names under which browsers reach the app, such as that of a proxy. Other names are refused."""
    jump_frames: Annotated[int, Field(ge=2, le=1000)] = 10
    """How many frames Shift with an arrow key moves."""
    keys: dict[str, Annotated[str, Field(pattern=r"^((Ctrl|Shift|Alt)\+)*[A-Z][A-Za-z0-9]*$")]] = {}
    """Keys of your own by action, named by their place on the keyboard, such as { play = "KeyW", undo = "Ctrl+KeyU" }."""

    @field_validator("keys")
    @classmethod
    def _keep_a_key_for_every_act(cls, keys: dict[str, str]) -> dict[str, str]:
        return check_keys(keys)

    @field_validator("password")
    @classmethod
    def _is_hash(cls, value: str) -> str:
        if value and not re.fullmatch(r"scrypt:[0-9]+:[A-Za-z0-9+/=]+:[A-Za-z0-9+/=]+", value):
            raise ValueError("not a hash that `audit password` has made; passwords themselves do not belong into the file")
        return value


class Proof(_Section):
    """What the review is to reach; no run depends on it."""

    target_error_rate: Annotated[float, Field(gt=0, lt=1)] = 0.05
    """Share of wrong labels at which review may stop, once a blind sample shows with 95 % confidence that no more are wrong."""


class Export(_Section):
    """How decisions become a dataset; no run depends on it."""

    mixed_margin: Annotated[float, Field(ge=0, le=1)] = 0.5
    """Share of a window's frames by which its commonest label must lead the next, or it is left out; 1 allows one label only."""
    csv: bool = False
    """Write every table as CSV beside the Parquet."""
    aihub: bool = False
    """Write corrected label files in the original layout (AI-Hub sources)."""
    include_blind: bool = False
    """Let blind labels count as reviews. They are meant for measuring, and cannot measure what they decided."""


class Retrain(_Section):
    """Which models `audit retrain` trains and compares; no run depends on it."""

    conditions: tuple[Literal["given", "pruned", "reviewed"], ...] = ()
    """Training conditions (arms): given, pruned, reviewed; empty takes given and pruned, and reviewed if anything is reviewed."""
    learning_curve: bool = True
    """Also train on the first 25, 50 and 75 % of the decisions, if enough windows of the hold-out are verified."""
    track: str = ""
    """Where losses and figures are logged too: tensorboard:DIR or mlflow:URI; empty for nowhere."""


class Run(_Section):
    """How the work is done; none of it changes a result's meaning."""

    jobs: Annotated[int, Field(ge=0)] = 0
    """Processes; 0 takes every core."""
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    """Where networks train; auto takes CUDA, then MPS, then the CPU."""


class Config(_Section):
    """All sections of audit.toml."""

    source: Source = Source()
    labels: Labels = Labels()
    pose: Pose = Pose()
    windows: Windows = Windows()
    groups: Groups = Groups()
    folds: Folds = Folds()
    model: Model = Model()
    issues: Issues = Issues()
    review: Review = Review()
    proof: Proof = Proof()
    export: Export = Export()
    retrain: Retrain = Retrain()
    run: Run = Run()

    @model_validator(mode="before")
    @classmethod
    def _read_former_names(cls, data: Any) -> Any:
        # Records of runs that an earlier version made; load_config has renamed what a file says, with a warning.
        return config_as_named_now(data)[0] if isinstance(data, dict) else data


def config_as_named_now(data: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """Return a configuration under the keys of now, and the key of now of each former one that was used.

    Raises
    ------
    ConfigError
        A key is given under both names.
    """
    found, used = dict(data), dict[str, str]()
    for section, values in data.items():
        if isinstance(values, dict):
            found[section], old = as_named_now(section, values)
            used |= {f"{section}.{former}": f"{section}.{now}" for former, now in old.items()}
    return found, used


def load_config(path: Path | None, *, overrides: dict[str, dict[str, Any]] | None = None) -> Config:
    """Read ``audit.toml`` (or take the defaults where ``path`` is None) and lay the command line's options over it.

    Raises
    ------
    ConfigError
        The file is not readable TOML, a key or value is not understood (one line a key, with the nearest known key), or a key is
        given under its name and its former one.

    Warns
    -----
    RenamedKey
        The file gives a key under its former name. Overrides may, for they may come from the record of an earlier run.
    """
    data: dict[str, Any] = {}
    if path is not None:
        try:
            data = tomllib.loads(path.read_text(encoding="utf-8-sig"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise ConfigError(f"{path}: {error}", hint="correct the file; `audit init DIR` writes a fresh one") from error
        data, used = config_as_named_now(data)
        if used:
            listed = ", ".join(f"{old} is now called {new}" for old, new in used.items())
            warnings.warn(f"{path}: {listed}; the next version refuses former names", RenamedKey, stacklevel=1)
    for section, values in config_as_named_now(overrides or {})[0].items():
        given = {k: v for k, v in values.items() if v is not None}
        if given:
            inner = data.setdefault(section, {})
            if isinstance(inner, dict):
                inner.update(given)
    if path is not None:
        _anchor(data, path.parent)
    try:
        return Config.model_validate(data)
    except ValidationError as error:
        raise _explained(error, path) from error


def _anchor(data: dict[str, Any], folder: Path) -> None:
    """Let relative paths of the file start at the file's own folder."""
    for section, key in (("source", "path"), ("labels", "taxonomy"), ("pose", "skeleton")):
        inner = data.get(section)
        value = inner.get(key) if isinstance(inner, dict) else None
        if isinstance(inner, dict) and isinstance(value, str) and value and (key == "path" or value.endswith(".toml")):
            inner[key] = str(folder / value)


def _explained(error: ValidationError, path: Path | None) -> ConfigError:
    lines, hints = [], []
    for problem in error.errors():
        place = [str(p) for p in problem["loc"]]
        if problem["type"] == "extra_forbidden":
            known = _keys(place[:-1])
            close = nearest(place[-1], known)
            lines.append(f"unknown key {'.'.join(place)}")
            hints.append(f"did you mean {close!r}?" if close else f"known keys: {', '.join(known)}")
        else:
            shown = "..." if place[-1:] == ["password"] else repr(problem["input"])
            lines.append(f"{'.'.join(place)} = {shown}: {problem['msg']}")
    return ConfigError(
        f"{path or 'options'}: " + "; ".join(lines), hint="; ".join(hints) or "docs/configuration.md lists every key"
    )


def _keys(place: list[str]) -> list[str]:
    model: type[BaseModel] = Config
    for name in place:
        field = model.model_fields.get(name)
        kinds = [k for k in (field.annotation, *get_args(field.annotation)) if isinstance(k, type)] if field else []
        inner = next((k for k in kinds if issubclass(k, BaseModel)), None)
        if inner is None:
            return []
        model = inner
    return list(model.model_fields)
