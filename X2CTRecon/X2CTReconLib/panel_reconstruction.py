"""From film nodes to a Case, and from a Result to the nodes and views of a reconstruction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from XRayLib.case import Case, Options
from XRayLib.registry import method as method_by_id
from XRayLib.scene.camera import look_at_front
from XRayLib.scene.film_views import show_in_slices
from XRayLib.scene.other_results import show_only
from XRayLib.scene.radiograph_nodes import radiograph_from_node
from XRayLib.scene.show_result import ShownResult, put_result
from XRayLib.scene.volume_nodes import show_volume_rendering


def case_from_films(films: Sequence[Any]) -> Case:
    """The case of radiograph nodes, geometry in world RAS."""
    return Case(tuple(radiograph_from_node(node) for node in films))


def look_at_reconstruction(volume: Any, with_rendering: bool = True, in_place_of_another: bool = False) -> None:
    """A reconstructed volume in the slice views and, when asked for, rendered in 3D.

    ``in_place_of_another`` leaves slices and camera where they are, to see the same place of both.
    """
    import slicer

    show_in_slices(volume, fitted=not in_place_of_another)
    show_only(volume)
    if with_rendering:
        show_volume_rendering(volume, slicer.modules.volumerendering.logic())
        if not in_place_of_another:
            look_at_front(volume)


def reconstruct_blocking(films: Sequence[Any], method_id: str, model: str, volume_node: Any) -> ShownResult:
    """Run a method in the worker, wait, and show the result."""
    from XRayLib.scene.worker_session import blocking_client

    case = case_from_films(films)
    method_by_id(method_id).check(case)
    result = blocking_client().run_blocking(method_id, case, Options(bundle=model))
    shown = put_result(result, films, volume_node=volume_node)
    look_at_reconstruction(shown.volume)
    return shown
