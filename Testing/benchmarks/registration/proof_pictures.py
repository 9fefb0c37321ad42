"""Pictures of registrations of the proof, to see why they fail: film, film with the found outline, with the true one.

.venv/bin/python Testing/benchmarks/registration/proof_pictures.py build/proof.jsonl --worst 12 --out build/pictures
"""

from __future__ import annotations

import argparse
from dataclasses import fields
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from proof_cases import Matrix, ProofCase
from proof_films import expose_case, patient
from proof_tables import final_mtre
from resumable_rows import rows_of
from XRayLib.ct import Volume, attenuation_from_hu
from XRayLib.projector import Projector
from XRayLib.radiograph import Radiograph

SIZE_PX = 400
FOUND_BGR, TRUE_BGR = (0, 200, 255), (120, 255, 0)


def picture_of(row: dict[str, Any]) -> NDArray[np.uint8]:
    """One line of pictures per film."""
    case = ProofCase(**{field.name: row[field.name] for field in fields(ProofCase)})
    exposure = expose_case(case, patient(case.ct), patient(case.film_ct))
    projector = Projector(Volume(attenuation_from_hu(exposure.ct.voxels), exposure.ct.ijk_to_ras, "mu_per_mm"))
    found = np.array(row["ct_to_world"]) if "ct_to_world" in row else None
    lines = [_line(film, projector, found, exposure.true_ct_to_world) for film in exposure.radiographs]
    title = np.zeros((24, lines[0].shape[1], 3), np.uint8)
    words = (
        f"{row['key']} {row['realism']} mTRE {final_mtre(row):.2f} confidence {row['confidence']:.2f} {row['reason']}"
    )
    cv2.putText(title, words, (4, 17), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (255, 255, 255), 1, cv2.LINE_AA)
    return np.vstack([title, *lines])


def _line(film: Radiograph, projector: Projector, found: Matrix | None, true: Matrix | None) -> NDArray[np.uint8]:
    """The film's local contrast, then the same with the edges of the CT where it was found and where it is."""
    shown = cv2.cvtColor(_grey(_local(film.line_integral)), cv2.COLOR_GRAY2BGR)
    if film.mask is not None:
        shown[~film.mask] //= 2
    parts = [shown]
    for pose, colour in ((found, FOUND_BGR), (true, TRUE_BGR)):
        part = shown.copy()
        if pose is not None:
            part[_edges(projector.project([film.geometry.moved(pose)])[0])] = colour
        parts.append(part)
    return np.hstack([cv2.resize(part, (SIZE_PX, SIZE_PX), interpolation=cv2.INTER_AREA) for part in parts])


def _local(image: NDArray[np.float32], window: int = 81) -> NDArray[np.float32]:
    mean = cv2.blur(image, (window, window))
    contrast = np.sqrt(np.maximum(cv2.blur(image * image, (window, window)) - mean**2, 0))
    return (image - mean) / (contrast + 0.1 * image.std() + 1e-6)


def _grey(image: NDArray[np.float32]) -> NDArray[np.uint8]:
    return (255 * np.clip((image + 2) / 4, 0, 1)).astype(np.uint8)


def _edges(image: NDArray[np.float32]) -> NDArray[np.bool_]:
    return cv2.Canny(cv2.GaussianBlur(_grey(_local(image)), (0, 0), 2), 40, 90) > 0


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", type=Path)
    parser.add_argument("--worst", type=int, default=12, help="how many, by error; of negative cases by confidence")
    parser.add_argument("--out", type=Path, default=Path("build/pictures"))
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    ranked = sorted(rows_of(asked.rows), key=lambda row: -(row["confidence"] if row["negative"] else final_mtre(row)))
    for row in ranked[: asked.worst]:
        cv2.imwrite(str(asked.out / (row["key"].replace("/", "_") + ".png")), picture_of(row))


if __name__ == "__main__":
    main()
