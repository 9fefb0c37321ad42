"""Options that several commands have, so that they mean the same everywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

CtOption = Annotated[Path, typer.Option("--ct", help="CT in HU: NIfTI, NRRD, MHA or a DICOM folder.")]
ViewOption = Annotated[
    list[str], typer.Option("--view", help="IMAGE[:GEOMETRY]; once per view. GEOMETRY: a file, or pa, ap, ll, rl.")
]
FrameOption = Annotated[
    int | None,
    typer.Option("--frame", min=1, help="Which X-ray of files that hold several, from 1; default: 1."),
]
MethodOption = Annotated[str, typer.Option("--method", help="See the table of methods in the README.")]
ModelOption = Annotated[str, typer.Option("--model", help="Model bundle id; default: the method's own choice.")]
OrganMeshOption = Annotated[
    Path | None,
    typer.Option("--prior-mesh", help="A breathing organ's closed surface in the CT (.vtp, .vtk, .stl, .obj)."),
]
OrganLabelOption = Annotated[
    str, typer.Option("--prior-label", help="LABELS[:VALUE]: or that organ in a label volume, e.g. l.nii.gz:5.")
]
RefineOption = Annotated[bool, typer.Option("--refine/--no-refine", help="Improve the first answer on the films.")]
SeedOption = Annotated[int, typer.Option("--seed", min=0, help="Of all random draws.")]
DeviceOption = Annotated[str, typer.Option("--device", help="auto, cpu or cuda.")]
JsonFlag = Annotated[bool, typer.Option("--json", help="One JSON object on stdout; words go to stderr.")]
