"""Films as a function of the atlas' deformation, and the deformations that explain them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from XRayLib.ct import Volume
from XRayLib.data_consistency.film_corrections import fitted_gain_offset
from XRayLib.data_consistency.film_errors import FilmErrors, with_background
from XRayLib.tomography import Films, ProjectionSystem, damped_least_squares

from X2CTReconLib.population_atlas.deformed import deformed, deformed_with_gradient
from X2CTReconLib.population_atlas.displacement import SmoothDisplacement
from X2CTReconLib.population_atlas.display_curves import DisplayCurves

Array = NDArray[np.float32]

STEPS = 16
"""Of conjugate gradients for every linear problem."""

SHARES = (1.0, 0.5, 0.25)
"""Of a round's step that are tried; none is taken that makes the films fit worse."""

DRAWN_NEARER = 0.8
"""Share of a draw's distance from the best that is kept: far away films are less linear than assumed there. Found on
chests with atlases of others."""

LEAST_SLOPE = 0.2
"""Of a display curve: films are not inverted."""


class Linearised(NamedTuple):
    """What films show per unknown around some unknowns, and what is left of the films there; in their deviations."""

    misfit: Array
    forward: Callable[[Array], Array]
    adjoint: Callable[[Array], Array]
    root: Array
    """Reciprocal deviation of every pixel; 0 in films that do not fit at all."""


@dataclass(frozen=True, eq=False)
class FittingProblem:
    """Unknown are the displacement's parameters, the weights of the films' display curves and the white noise behind
    the films' backgrounds, all in one vector and of deviation 1."""

    coarse: Volume
    displacement: SmoothDisplacement
    system: ProjectionSystem
    films: Films
    """As contrasty as the atlas. Were they scaled to the deformed one, all that it leaves unexplained would lower its
    contrast, then theirs, and so on: patients would get thinner along the beam."""
    trust: Array
    """0..1 for every pixel."""
    errors: FilmErrors
    curves: DisplayCurves

    @property
    def nothing(self) -> Array:
        """No displacement, films that show line integrals, no background."""
        return np.zeros(self._fitted + self.trust.size, np.float32)

    def round(self, unknowns: Array) -> tuple[Array, bool]:
        """One Gauss-Newton step, and whether it made the films fit better."""
        here = self._linearised(unknowns)
        target, _ = damped_least_squares(
            here.forward, here.adjoint, here.misfit + here.forward(unknowns), steps=STEPS, damping=1.0
        )
        before = float((here.misfit**2).sum() + (unknowns**2).sum())
        for share in SHARES:
            tried = unknowns + np.float32(share) * (target - unknowns)
            misfit = here.root * (self.films.images - self._shown(tried, self._projected(tried)))
            if float((misfit**2).sum() + (tried**2).sum()) < before:
                return tried, True
        return unknowns, False

    def drawn(
        self,
        unknowns: Array,
        pairs: int,
        rng: np.random.Generator,
        on_pair: Callable[[int], None] = lambda _number: None,
    ) -> Array:
        """(2 pairs, count) parameters of displacements that explain the films as well, within their errors; of no pairs
        those that fit best.

        Draws from the Gaussian posterior around the ``unknowns`` that fit best, by fitting prior and data that were
        perturbed (Papandreou and Yuille, NIPS 2010, section 3), each with its mirror image.
        """
        here, count = self._linearised(unknowns), self.displacement.count
        drawn = []
        for number in range(pairs):
            on_pair(number)
            prior = rng.standard_normal(unknowns.shape, dtype=np.float32)
            noise = rng.standard_normal(here.misfit.shape, dtype=np.float32)
            known, _ = damped_least_squares(
                here.forward, here.adjoint, noise - here.forward(prior), steps=STEPS, damping=1.0
            )
            change = np.float32(DRAWN_NEARER) * (prior + known)[:count]
            drawn += [unknowns[:count] + change, unknowns[:count] - change]
        return np.stack(drawn) if drawn else unknowns[None, :count]

    def _linearised(self, unknowns: Array) -> Linearised:
        count, weights = self.displacement.count, self._weights(unknowns)
        voxels, slopes = deformed_with_gradient(self.coarse.voxels, self._displacement_mm(unknowns), self._spacing_mm)
        projected = self.system.forward(voxels)
        terms, slope = self.curves.terms(projected), np.maximum(self.curves.slope(projected, weights), LEAST_SLOPE)
        root = self._root(projected)

        def films_of(change: Array) -> Array:
            moved = self.system.forward((slopes * self.displacement.displacement_mm(change[:count])).sum(axis=0))
            return slope * moved + np.einsum("vn,vnyx->vyx", change[count:].reshape(weights.shape), terms)

        def change_of(images: Array) -> Array:
            moved = self.displacement.adjoint(slopes * self.system.adjoint(slope * images))
            return np.concatenate([moved, np.einsum("vyx,vnyx->vn", images, terms).ravel()])

        forward, adjoint = with_background(films_of, change_of, self.errors, (self._fitted,))
        return Linearised(
            root * (self.films.images - self._shown(unknowns, projected)),
            lambda change: root * forward(change),
            lambda images: adjoint(root * images),
            root,
        )

    def _projected(self, unknowns: Array) -> Array:
        return self.system.forward(deformed(self.coarse.voxels, self._displacement_mm(unknowns), self._spacing_mm))

    def _shown(self, unknowns: Array, projected: Array) -> Array:
        background = self.errors.background(unknowns[self._fitted :].reshape(self.trust.shape))
        return self.curves.shown(projected, self._weights(unknowns)) + background

    def _root(self, projected: Array) -> Array:
        root = np.sqrt(self.trust) / self.errors.white
        _, _, strangers = fitted_gain_offset(projected, self.films, self.trust)
        root[list(strangers)] = 0
        return root

    def _displacement_mm(self, unknowns: Array) -> Array:
        return self.displacement.displacement_mm(unknowns[: self.displacement.count])

    def _weights(self, unknowns: Array) -> Array:
        return unknowns[self.displacement.count : self._fitted].reshape(self.curves.shape)

    @property
    def _fitted(self) -> int:
        """How many unknowns there are besides the backgrounds."""
        return self.displacement.count + int(np.prod(self.curves.shape))

    @property
    def _spacing_mm(self) -> float:
        return float(self.coarse.spacing_mm[0])
