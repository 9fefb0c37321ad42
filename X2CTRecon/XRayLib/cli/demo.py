"""``xray3d demo``: the main job end to end on bundled data, in Slicer's own views."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from XRayLib.case import Options, Result
from XRayLib.cli.in_worker import run_in_worker
from XRayLib.cli.options import DeviceOption, JsonFlag
from XRayLib.cli.output import json_ready, reporting
from XRayLib.cli.reconstruct import load_case

FILMS = ("torso_pa.dcm", "torso_lateral.dcm")


def demo(
    output: Annotated[Path, typer.Option("--output", help="Folder for the scene, pictures, report and volume.")] = Path(
        "build/demo"
    ),
    method_id: Annotated[str, typer.Option("--method")] = "atlas",
    device: DeviceOption = "auto",
    as_json: JsonFlag = False,
) -> None:
    """Bundled PA and lateral radiographs of a simulated torso become a volume, a Slicer scene and a report."""
    with reporting(as_json) as out:
        from XRayLib.ct import save_volume
        from XRayLib.report import write_report
        from XRayLib.shared_files import shared_folder

        output.mkdir(parents=True, exist_ok=True)
        paths = [shared_folder("SampleData") / name for name in FILMS]
        with out.progress() as progress:
            started = time.perf_counter()
            case = load_case([str(path) for path in paths])
            result = run_in_worker(case, method_id, Options(device=device), progress, "volume")
            seconds = time.perf_counter() - started
            progress(0.9, "Drawing Slicer's views")
            save_volume(result.volume, output / "result.nii.gz")
            save_scene(result, [path.stem for path in paths], output)
            write_report(result, output, {"3D Slicer's views": output / "views.png"})
            metrics = {**measure(result), "seconds_load_and_reconstruct": seconds}
            (output / "metrics.json").write_text(json.dumps(json_ready(metrics), indent=1), encoding="utf-8")
        files = [output / name for name in ("scene.mrb", "views.png", "report.html", "result.nii.gz", "metrics.json")]
        out.result({"output": files, "metrics": metrics}, "\n".join(f"Wrote {path}" for path in files))


def save_scene(result: Result, names: Sequence[str], output: Path) -> None:
    """``scene.mrb`` with films, set-ups, volume and re-projections, and ``views.png`` of Slicer's views of it."""
    from XRayLib.scene.case_picture import render_case, save_contact_sheet
    from XRayLib.scene.film_views import show_films, show_in_slices
    from XRayLib.scene.headless import HeadlessSlicer
    from XRayLib.scene.layout import switch_to_film_layout
    from XRayLib.scene.radiograph_nodes import put_radiograph
    from XRayLib.scene.show_result import put_result
    from XRayLib.scene.volume_nodes import show_volume_rendering

    with HeadlessSlicer() as session:
        films = [put_radiograph(view.radiograph, name) for view, name in zip(result.views, names, strict=True)]
        shown = put_result(result, films)
        switch_to_film_layout(len(films))
        geometries = [view.radiograph.geometry for view in result.views]
        show_films(list(zip(films, geometries, strict=True)), shown.reprojections, in_3d=False)
        show_in_slices(shown.volume)
        show_volume_rendering(shown.volume, session.logic("VolumeRendering"))
        for model in shown.c_arms:
            model.GetDisplayNode().SetVisibility(False)
        session.three_d_view().frame("anterior")
        session.three_d_view().orbit(azimuth_deg=-25, elevation_deg=12)
        pictures = render_case(session, len(films))
        for model in shown.c_arms:
            model.GetDisplayNode().SetVisibility(True)
        save_contact_sheet(pictures, output / "views.png")
        session.save_scene(output / "scene.mrb")


def measure(result: Result) -> dict[str, Any]:
    """Metrics against the phantom that the bundled radiographs were simulated from, beside trivial baselines."""
    from XRayLib.metrics import evaluate_volume
    from XRayLib.phantom import sample_torso

    radiographs = tuple(view.radiograph for view in result.views)
    return dict(evaluate_volume(sample_torso(), result.volume, radiographs=radiographs))
