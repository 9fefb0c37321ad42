"""The re-projected CT over the films, in the way the user chose."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from slicer.i18n import tr as _
from XRayLib.scene.film_views import film_view_ids, lay_over_film
from XRayLib.scene.overlay_nodes import hide_contours, put_comparison, put_contours
from XRayLib.scene.panel.allowed import allow

from XRayRegistrationLib.overlay_images import checkerboard, difference, edge_field, edge_threshold, fitted_to_film
from XRayRegistrationLib.panel_reprojection import Reprojected

BLEND, CONTOURS, CHECKERBOARD, DIFFERENCE = "blend", "contours", "checkerboard", "difference"


class FilmOverlays:
    """Draws the latest re-projections over their films, and again when the user chooses another way."""

    def __init__(self, ui: Any) -> None:
        self.ui = ui
        self._latest: list[Reprojected] = []

    def show(self, reprojections: Sequence[Reprojected], mode: str, opacity: float) -> None:
        """New re-projections."""
        self._latest = list(reprojections)
        self.draw(mode, opacity)

    def draw(self, mode: str, opacity: float) -> None:
        """The latest re-projections again. ``opacity`` counts for blending only: 0 shows the film, 1 the CT."""
        tip = _("Blend from the film (0) to the re-projected CT (1) in the X-ray views.")
        allow(self.ui.overlaySlider, mode == BLEND, _("Choose the overlay Blend to use the slider."), tip)
        for shown in self._latest:
            if mode != CONTOURS:
                hide_contours(shown.film)
            _DRAW[mode](shown, opacity)

    def clear(self) -> None:
        """The CT is gone: nothing is laid over the films."""
        for shown in self._latest:
            if shown.film.GetScene() is not None:
                hide_contours(shown.film)
                lay_over_film(shown.film, None, 0.0)
        self._latest = []

    def keep(self, films: Sequence[Any]) -> None:
        """Forget the re-projections of all other films."""
        ids = {film.GetID() for film in films}
        self._latest = [shown for shown in self._latest if shown.film.GetID() in ids]


def _blend(shown: Reprojected, opacity: float) -> None:
    lay_over_film(shown.film, shown.node, opacity)


def _contours(shown: Reprojected, _opacity: float) -> None:
    zero, strength = edge_field(shown.image)
    geometry, views = shown.radiograph.geometry, film_view_ids(shown.film)
    put_contours(zero, strength, edge_threshold(strength), geometry, shown.film, views)
    lay_over_film(shown.film, None, 0.0)


def _checkerboard(shown: Reprojected, _opacity: float) -> None:
    film = shown.radiograph
    image = checkerboard(film.line_integral, fitted_to_film(shown.image, film.line_integral, film.mask))
    lay_over_film(shown.film, put_comparison(image, film, shown.film, is_difference=False), 1.0)


def _difference(shown: Reprojected, _opacity: float) -> None:
    film = shown.radiograph
    fitted = fitted_to_film(shown.image, film.line_integral, film.mask)
    image = difference(film.line_integral, fitted, film.mask)
    lay_over_film(shown.film, put_comparison(image, film, shown.film, is_difference=True), 1.0)


_DRAW = {BLEND: _blend, CONTOURS: _contours, CHECKERBOARD: _checkerboard, DIFFERENCE: _difference}
