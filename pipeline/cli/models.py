"""`audit predict` and `audit export-onnx`: what is done with a model bundle."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.options import FormatOption, by_former_name


def predict(
    source: Annotated[Path, typer.Argument(help="Folder, archive or table with clips; labels are not needed.")],
    model: Annotated[Path, typer.Option(help="A model bundle, or a folder with a bundle for each species.")],
    out: Annotated[Path, typer.Option(help="Ends in .parquet or .csv.", dir_okay=False)],
    format: FormatOption = None,
    stride_s: Annotated[float, typer.Option(help="Seconds from one window to the next.")] = 1.0,
    hop: Annotated[float | None, typer.Option(hidden=True)] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
) -> None:
    """Predict the windows of a source by a model bundle, and write their probabilities.

    Clips are cut as in training, and each goes to the bundle of its species. Clips that cannot be read are listed, the others
    predicted.

    Example: audit predict /data/new-clips --model runs/latest/models/reviewed --out predictions.parquet
    """
    from pipeline.audit.prediction import load_models, predict_recordings, reading_config, require_writable, write_predictions
    from pipeline.readers import recognise
    from pipeline.report.run_text import predicted_lines, rejected_lines
    from pipeline.workspace.progress import stage_progress

    stride_s = by_former_name(hop, stride_s, former="--hop", name="--stride-s")
    require_writable(out)
    config = reading_config(format=format)
    models = load_models(model, device=device)
    reader = recognise(source, format=config.source.format)
    with stage_progress("read") as progress:
        found = reader.read(config, progress=progress)
    sys.stderr.writelines(f"{line}\n" for line in rejected_lines(found.rejected))
    with stage_progress("predict"):
        predicted = predict_recordings(found, models, stride_s=stride_s, config=config)
    write_predictions(predicted.table, out)
    typer.echo("\n".join(predicted_lines(predicted, out=out)))


def export_onnx_file(
    model: Annotated[Path, typer.Option(help="A model bundle.")],
    out: Annotated[Path, typer.Option(help="Ends in .onnx.", dir_okay=False)],
) -> None:
    """Write a model bundle as one ONNX file, after comparing the two. Needs pip install 'pose-audit[onnx]'.

    Input `poses`: float32 (batch, steps, keypoints, 2), x and y in any unit, NaN where missing. Output `probabilities`: (batch,
    classes). Normalisation is inside; classes and keypoints lie in the metadata.

    Example: audit export-onnx --model runs/latest/models/reviewed/DOG --out dog.onnx
    """
    from data_schemas.errors import UsageError
    from model.classifier import BehaviorClassifier
    from model.onnx_export import export_onnx

    if out.suffix.lower() != ".onnx":
        raise UsageError(f"{out}: does not end in .onnx", hint=f"--out {out.stem}.onnx")
    classifier = BehaviorClassifier.load(model, device="cpu")
    apart = export_onnx(classifier, out)
    typer.echo(
        f"wrote {out}: poses (batch, {classifier.steps}, {len(classifier.keypoints)}, 2) -> probabilities (batch, "
        f"{len(classifier.classes)}); at most {apart:.1g} from the bundle"
    )
