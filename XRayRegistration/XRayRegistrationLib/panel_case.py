"""From the panel's nodes to the Case and the Options of a registration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from XRayLib.case import Case, Landmarks, SurfaceMesh
from XRayLib.ct import Volume
from XRayLib.geometry import XRayGeometry, isocenter_of
from XRayLib.scene.landmark_nodes import ct_points, film_pixels
from XRayLib.scene.matrices import rigid_local_to_world
from XRayLib.scene.radiograph_nodes import film_geometry, radiograph_from_node
from XRayLib.scene.volume_nodes import volume_from_node

from XRayRegistrationLib.landmark_pairs import PickedPoints, is_enough, pair_landmarks

STARTS = ("auto", "given", "landmarks", "center", "search")
"""Where a registration starts; "center" is "given" with the CT as it was scanned, its middle at the isocentre."""


def landmarks_of(ct_list: Any, films: Sequence[Any]) -> Landmarks:
    """The landmarks picked in the CT and on the films."""
    return pair_landmarks(PickedPoints(*ct_points(ct_list)), [PickedPoints(*film_pixels(film)) for film in films])


def has_been_placed(ct: Any) -> bool:
    """Whether the CT stands elsewhere than where it was scanned."""
    return not np.allclose(rigid_local_to_world(ct), np.eye(4), atol=1e-6)


def centered_pose(volume: Volume, films: Sequence[Any]) -> np.ndarray:
    """(4, 4) that puts the middle of the CT, turned as it was scanned, where the films' central rays meet."""
    pose = np.eye(4)
    target = isocenter_of([film_geometry(film) for film in films])
    pose[:3, 3] = target - volume.center_ras_mm
    return pose


def initial_pose(start: str, ct: Any, volume: Volume, films: Sequence[Any]) -> np.ndarray | None:
    """The given pose of a start; None when the method finds its own."""
    if start == "center":
        return centered_pose(volume, films)
    if start == "given" or (start == "auto" and has_been_placed(ct)):
        return rigid_local_to_world(ct)
    return None


def registration_case(
    ct: Any,
    films: Sequence[Any],
    start: str = "auto",
    ct_list: Any = None,
    volume: Volume | None = None,
    initial: np.ndarray | None = None,
    organ: SurfaceMesh | None = None,
) -> Case:
    """The case of a CT node and radiograph nodes, geometry in world RAS, CT in its own RAS.

    ``volume`` spares reading the CT again; ``initial`` is used instead of what ``start`` means; ``organ`` is in CT RAS.
    """
    volume = volume or volume_from_node(ct, in_world=False)
    landmarks = landmarks_of(ct_list, films)
    return Case(
        radiographs=tuple(radiograph_from_node(film) for film in films),
        ct=volume,
        mesh=organ,
        initial_ct_to_world=initial_pose(start, ct, volume, films) if initial is None else initial,
        landmarks=landmarks if is_enough(landmarks) else None,
    )


def geometries_of(case: Case) -> list[XRayGeometry]:
    """Where the films of a case stand."""
    return [radiograph.geometry for radiograph in case.radiographs]


def start_options(start: str, refine: bool = True) -> Mapping[str, Any]:
    """Options.extra for a start."""
    extra: dict[str, Any] = {"initialisation": "given" if start == "center" else start}
    return extra if refine else {**extra, "refine": False}
