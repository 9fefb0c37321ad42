"""Registration by scene coordinates: which point of the patient does each pixel's ray enter and leave through."""

from __future__ import annotations

from collections.abc import Callable

from XRayLib.case import Case

from XRayRegistrationLib.learned.learned_method import LearnedRegistration
from XRayRegistrationLib.learned.predict import Prediction, predict_by_scene_coordinates
from XRayRegistrationLib.learned.prepared_model import PreparedModel


class SceneCoordinateRegistration(LearnedRegistration):
    """Needs no start and no nominal orientation: the pose follows from the recognised points."""

    id = "scene-coordinates"
    title = "Scene coordinates"
    summary = (
        "A network trained for this patient recognises on each film where the rays enter and leave the body; the pose "
        "follows from these points and is refined. It works without any idea of the orientation, within the views that "
        "were prepared, and refuses when the points do not agree."
    )
    citation = (
        "Shrestha P. et al., X-Ray to CT Rigid Registration Using Scene Coordinate Regression, MICCAI 2023, "
        "arXiv 2311.15087"
    )

    def predict(self, model: PreparedModel, case: Case, waiting: Callable[[], None]) -> Prediction:
        """RANSAC and weighted refinement on the points of all films."""
        return predict_by_scene_coordinates(model, case.radiographs, waiting)
