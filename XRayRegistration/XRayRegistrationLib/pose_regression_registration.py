"""Registration by pose regression: a network trained for this patient reads the pose off each film."""

from __future__ import annotations

from collections.abc import Callable

from XRayLib.case import Case

from XRayRegistrationLib.learned.learned_method import LearnedRegistration, nominal_pose
from XRayRegistrationLib.learned.predict import Prediction, predict_by_pose_regression
from XRayRegistrationLib.learned.prepared_model import PreparedModel


class PoseRegressionRegistration(LearnedRegistration):
    """Starts from the orientation that the films' geometry says, and corrects it."""

    id = "pose-regression"
    title = "Pose regression"
    summary = (
        "A small network trained for this patient reads the pose off each film, relative to the orientation that the "
        "film's angles say; the views are combined and the pose is refined. Wide capture range in milliseconds, within "
        "the views that were prepared."
    )
    citation = (
        "Gopalakrishnan V. et al., Rapid patient-specific neural networks for intraoperative X-ray to volume "
        "registration (xvr), 2025, arXiv 2503.16309"
    )

    def predict(self, model: PreparedModel, case: Case, waiting: Callable[[], None]) -> Prediction:
        """One pose per film, and the one that all agree on best."""
        return predict_by_pose_regression(model, case.radiographs, nominal_pose(case), waiting)
