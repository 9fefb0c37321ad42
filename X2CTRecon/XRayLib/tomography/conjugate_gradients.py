"""Conjugate gradients for damped linear least squares."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]


def damped_least_squares(
    forward: Callable[[Array], Array],
    adjoint: Callable[[Array], Array],
    data: Array,
    *,
    steps: int,
    damping: float = 0.0,
    finished: Callable[[Array], bool] = lambda _residual: False,
) -> tuple[Array, int]:
    """Some steps toward the q that minimises |forward(q) - data|^2 + damping |q|^2, from q = 0.

    CGLS (Bjoerck, Numerical Methods for Least Squares Problems, SIAM 1996, algorithm 7.4.1), which never forms the
    normal equations. Stopped early it is a regularisation of its own.

    Parameters
    ----------
    forward, adjoint : functions
        A linear map and its adjoint between float32 arrays of any shapes.
    data : array
        In the shape that ``forward`` returns.
    steps : int
        At most so many applications of either map.
    damping : float
    finished : function of the residual data - forward(q)
        Asked before every step; True ends the iteration.

    Returns
    -------
    q and the number of steps taken.
    """
    residual = data.astype(np.float32, copy=True)
    gradient = adjoint(residual)
    q = np.zeros_like(gradient)
    direction = gradient.copy()
    power = first_power = _power(gradient)
    for step in range(steps):
        if power <= 1e-12 * first_power or finished(residual):
            return q, step
        image = forward(direction)
        length = power / max(_power(image) + damping * _power(direction), 1e-30)
        q += np.float32(length) * direction
        residual -= np.float32(length) * image
        gradient = adjoint(residual) - np.float32(damping) * q
        power, previous = _power(gradient), power
        direction = gradient + np.float32(power / previous) * direction
    return q, steps


def _power(a: Array) -> float:
    return float(np.dot(a.ravel(), a.ravel()))
