"""Several films' answers as one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from X2CTReconLib.mesh_preparation.mesh_model import SeenMesh


def combined(answers: Sequence[SeenMesh]) -> SeenMesh:
    """The mean weighted by inverse covariances, vertex by vertex: each film counts in the directions that it shows.

    The films' errors count as independent, so that the covariance is that of the weighted mean.
    """
    if len(answers) == 1:
        return answers[0]
    precisions = [np.linalg.inv(answer.covariance_mm2) for answer in answers]
    covariance = np.linalg.inv(sum(precisions))
    weighted = sum(
        np.einsum("vij,vj->vi", precision, answer.displacement_mm)
        for precision, answer in zip(precisions, answers, strict=True)
    )
    return SeenMesh(np.einsum("vij,vj->vi", covariance, weighted), covariance)
