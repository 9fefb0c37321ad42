"""Rigid motion of a volume as a twist: a rotation vector and a translation about a pivot."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Matrix = NDArray[np.float64]


def motion_from_twist(twist: ArrayLike, pivot_ras_mm: ArrayLike) -> Matrix:
    """4x4 matrix of x -> pivot + R(w) (x - pivot) + t for ``twist`` = (w in rad, t in mm), RAS.

    Rodrigues' formula. ``geometry.moved(motion_from_twist(...))`` is the view as the moved volume sees it.
    """
    twist, pivot = np.asarray(twist, float), np.asarray(pivot_ras_mm, float)
    matrix = np.eye(4)
    matrix[:3, :3] = _rotation(twist[:3])
    matrix[:3, 3] = pivot - matrix[:3, :3] @ pivot + twist[3:]
    return matrix


def gradient_at_twist(gradient: ArrayLike, twist: ArrayLike) -> Matrix:
    """Chain rule from a small motion of the volume in its own frame to the twist that has already moved it.

    The pose derivatives of ``geometry.moved(motion_from_twist(twist, pivot))`` are those of a small motion about the
    pivot that comes before the twist's own; ``gradient`` (..., 6) holds them. The result (..., 6) is the derivative
    with respect to ``twist``: w -> w + dw puts the rotation J(w) dw before R(w), J the right Jacobian of SO(3), and
    t -> t + dt the translation R(w)^T dt.
    """
    gradient, twist = np.asarray(gradient, float), np.asarray(twist, float)
    turned = gradient[..., :3] @ _right_jacobian(twist[:3])
    return np.concatenate([turned, gradient[..., 3:] @ _rotation(twist[:3]).T], axis=-1)


def _cross_matrix(vector: Matrix) -> Matrix:
    x, y, z = vector
    return np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])


def _rotation(vector: Matrix) -> Matrix:
    angle, cross = np.linalg.norm(vector), _cross_matrix(vector)
    return np.eye(3) + np.sinc(angle / np.pi) * cross + 0.5 * np.sinc(angle / (2 * np.pi)) ** 2 * cross @ cross


def _right_jacobian(vector: Matrix) -> Matrix:
    """J with R(w + dw) = R(w) R(J(w) dw): I - (1 - cos a)/a^2 [w] + (a - sin a)/a^3 [w]^2."""
    angle, cross = np.linalg.norm(vector), _cross_matrix(vector)
    second = 1 / 6 - angle**2 / 120 if angle < 1e-3 else (angle - np.sin(angle)) / angle**3
    return np.eye(3) - 0.5 * np.sinc(angle / (2 * np.pi)) ** 2 * cross + second * cross @ cross
