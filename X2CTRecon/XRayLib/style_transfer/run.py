"""A method run on films in the style of simulated ones, its result shown against the films as they were."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from XRayLib.case import Case, Options, Result, View
from XRayLib.errors import InputError
from XRayLib.registry import Method, Progress, part_of
from XRayLib.reprojection import fit_gain_offset
from XRayLib.style_transfer.transfer import TransferredFilm, installed_style_transfer

OPTION = "style_transfer"
"""Key of ``Options.extra``: true or false (default)."""

SHARE_OF_PROGRESS = 0.05


def run_with_style_transfer(method: Method, case: Case, options: Options, progress: Progress) -> Result:
    """``method.run``, after the style transfer of films processed for reading where the option asks for it.

    The result's views hold the original films, and its residuals are against them; ``quality`` gains, for every film
    N that was changed, "style_moved_px_N", "style_edge_correlation_N" and "style_residual_N" (against the changed
    film); films that were kept are warned of.

    Raises
    ------
    InputError
        When the option is neither true nor false, when the method does not return a volume, or without a style bundle.
    """
    asked, options = options.flag(OPTION), options.without(OPTION)
    if not asked:
        return method.run(case, options, progress)
    if method.returns != "volume":
        raise InputError(f"{method.title} takes no style transfer: switch it off.")
    progress(0.0, "Transferring the style of the films")
    transfer = installed_style_transfer(options.device)
    films = [transfer.transferred(radiograph) for radiograph in case.radiographs]
    changed = replace(case, radiographs=tuple(film.radiograph for film in films))
    result = method.run(changed, options, part_of(progress, SHARE_OF_PROGRESS, 1.0))
    return _told(result, case, films, transfer.bundle)


def _told(result: Result, case: Case, films: Sequence[TransferredFilm], bundle: Any) -> Result:
    quality, views, warnings = dict(result.quality), list(result.views), []
    for number, (film, original) in enumerate(zip(films, case.radiographs, strict=True), 1):
        if film.check is not None:
            quality[f"style_moved_px_{number}"] = film.check.moved_px
            quality[f"style_edge_correlation_{number}"] = film.check.edge_correlation
        if not film.changed:
            warnings.append(f"Film {number} was used as it is, without style transfer: {film.reason}.")
        elif number <= len(views):
            quality[f"style_residual_{number}"] = views[number - 1].residual
            views[number - 1] = _against(original.line_integral, views[number - 1])
            quality[f"reprojection_residual_{number}"] = views[number - 1].residual
    if any(film.changed for film in films):
        warnings.append(
            "A network changed the tones of the films before the reconstruction (style transfer); edges were checked "
            "to be where they were."
        )
    record = {"bundle": {"id": bundle.id, "version": bundle.version, "sha256": bundle.sha256}}
    return replace(
        result,
        views=tuple(views),
        quality=quality,
        warnings=(*result.warnings, *warnings),
        provenance={**result.provenance, OPTION: {**record, "films_changed": [film.changed for film in films]}},
    )


def _against(line_integral: Any, view: View) -> View:
    """The view with another picture of its film."""
    radiograph = replace(view.radiograph, line_integral=line_integral)
    gain, offset, residual = fit_gain_offset(view.reprojection, line_integral, radiograph.mask)
    return View(radiograph, view.reprojection, (gain, offset), residual)
