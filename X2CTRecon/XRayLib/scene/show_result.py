"""A method's Result put into the scene in one step: volume, uncertainty, tissues, re-projections, residuals,
provenance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from XRayLib.case import Result, View
from XRayLib.geometry_estimation.estimate_words import ESTIMATED
from XRayLib.scene.c_arm_nodes import show_set_up
from XRayLib.scene.confidence_nodes import UNCERTAINTY_ROLE, UNDETERMINED_ROLE, forget, put_uncertainty
from XRayLib.scene.matrices import local_to_world
from XRayLib.scene.provenance import STATEMENT, read_attribute, write_attributes
from XRayLib.scene.radiograph_nodes import set_geometry
from XRayLib.scene.reprojection_nodes import put_reprojection, put_residual, reprojection_of, residual_of
from XRayLib.scene.scene_step import SceneStep
from XRayLib.scene.subject_hierarchy import put_in_folder
from XRayLib.scene.tissue_nodes import TISSUES_ROLE, put_tissues
from XRayLib.scene.volume_nodes import RECONSTRUCTION, put_volume, show_as_ct


@dataclass(frozen=True)
class ShownResult:
    """The nodes a result became."""

    volume: Any
    reprojections: tuple[Any, ...]
    residuals: tuple[Any, ...] = ()
    uncertainty: Any = None
    c_arms: tuple[Any, ...] = ()
    tissues: Any = None


def put_result(
    result: Result,
    films: Sequence[Any],
    *,
    volume_node: Any = None,
    with_residual: bool = False,
) -> ShownResult:
    """Put a volume result into the scene; the scene stays as it was when any part of it fails.

    Parameters
    ----------
    films : the radiograph nodes of ``result.views``, in the same order; one that has left the scene is passed over.
    volume_node : scalar volume node to overwrite, None for a new one, named by its method.
    with_residual : whether to add film minus re-projection; one that the overwritten volume has is always made anew.
    """
    if result.volume is None:
        raise ValueError("put_result shows volume results only")
    there = [pair for pair in zip(result.views, films, strict=True) if pair[1].GetScene() is not None]
    with SceneStep().recording(changed=_written_over(volume_node, films)):
        return _put_nodes(result, there, volume_node, with_residual)


def _written_over(volume: Any, films: Sequence[Any]) -> list[Any]:
    """The nodes that a result over this volume changes, None among them."""
    nodes = list(films)
    if volume is not None:
        nodes += [volume, *(volume.GetNodeReference(role) for role in (UNCERTAINTY_ROLE, TISSUES_ROLE))]
        nodes += [image_of(film, volume) for film in films for image_of in (reprojection_of, residual_of)]
    return [*nodes, *(node.GetDisplayNode() for node in nodes if node is not None)]


def _put_nodes(result: Result, views: Sequence[tuple[View, Any]], volume_node: Any, with_residual: bool) -> ShownResult:
    name = _unused_name(result.method) if volume_node is None else ""
    volume = put_volume(result.volume, name, volume_node)
    volume.SetAndObserveTransformNodeID(None)
    _rename(volume, result.method)
    forget(volume, UNDETERMINED_ROLE)
    show_as_ct(volume)
    write_attributes(
        volume,
        {
            "Kind": RECONSTRUCTION,
            "Method": result.method,
            "Provenance": dict(result.provenance),
            "Quality": dict(result.quality),
            "Warnings": list(result.warnings),
            "Statement": STATEMENT,
        },
    )
    reprojections = tuple(_put_reprojection(view, film, volume) for view, film in views)
    residuals = tuple(
        _put_residual(view, film, volume) for view, film in views if with_residual or residual_of(film, volume)
    )
    uncertainty = None
    if result.uncertainty is None:
        forget(volume, UNCERTAINTY_ROLE)
    else:
        uncertainty = put_uncertainty(result.uncertainty, volume)
        write_attributes(uncertainty, {"Method": result.method})
    tissues = None
    if result.labels is None:
        forget(volume, TISSUES_ROLE)
    else:
        tissues = put_tissues(result.labels, volume, result.method)
    for view, film in views:
        _follow_estimate(view, film)
    films = [film for _view, film in views]
    c_arms = tuple(show_set_up(films, True))
    shown = ShownResult(volume, reprojections, residuals, uncertainty, c_arms, tissues)
    extras = [node for node in (uncertainty, tissues) if node is not None]
    put_in_folder([*films, volume, *reprojections, *residuals, *extras, *c_arms], volume.GetName() + " case")
    return shown


def _unused_name(method: str) -> str:
    """Results of several methods stand side by side in the same scene."""
    import slicer

    return slicer.mrmlScene.GenerateUniqueName(f"{method} volume")


def _rename(volume: Any, method: str) -> None:
    """A volume that is named by another method than that which has now written over it."""
    former = read_attribute(volume, "Method")
    if former and former != method and volume.GetName().startswith(f"{former} volume"):
        volume.SetName(_unused_name(method))


def _follow_estimate(view: View, film: Any) -> None:
    """A film whose geometry was estimated stands where it was found to have been, and its set-up with it."""
    geometry = view.radiograph.geometry
    if geometry.assumed == (ESTIMATED,):
        set_geometry(film, geometry.moved(local_to_world(film)), view.radiograph.view)


def _put_reprojection(view: View, film: Any, volume: Any) -> Any:
    """The re-projection brought to the film's own scale, with the film's grey levels."""
    gain, offset = view.fitted_gain_offset
    node = put_reprojection(gain * view.reprojection + offset, view.radiograph, film, volume)
    shown = film.GetDisplayNode()
    node.GetDisplayNode().SetWindowLevelMinMax(shown.GetWindowLevelMin(), shown.GetWindowLevelMax())
    write_attributes(node, {"Gain": gain, "Offset": offset, "Residual": view.residual})
    return node


def _put_residual(view: View, film: Any, volume: Any) -> Any:
    gain, offset = view.fitted_gain_offset
    image = view.radiograph.line_integral - (gain * view.reprojection + offset)
    image = image if view.radiograph.mask is None else image * view.radiograph.mask
    return put_residual(image, view.radiograph, film, volume)
