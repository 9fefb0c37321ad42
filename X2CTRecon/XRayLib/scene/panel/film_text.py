"""What a film's row says about its geometry, in words a radiographer uses."""

from __future__ import annotations

from slicer.i18n import tr as _

from XRayLib.geometry import XRayGeometry
from XRayLib.radiograph import Radiograph

VIEW_NAMES = {"PA": "PA", "AP": "AP", "LL": "left lateral", "RL": "right lateral"}


def projection_name(geometry: XRayGeometry) -> str:
    """The clinical name of a standard projection, else the C-arm's angles, e.g. "LAO 30 / CRA 15"."""
    primary, secondary = geometry.primary_angle_deg, geometry.secondary_angle_deg
    if abs(secondary) < 1:
        for name, angle in (("PA", 0), ("left lateral", 90), ("right lateral", -90), ("AP", 180)):
            if abs((primary - angle + 180) % 360 - 180) < 1:
                return name
    return (
        f"{'LAO' if primary >= 0 else 'RAO'} {abs(primary):.0f}\N{DEGREE SIGN} / "
        f"{'CRA' if secondary >= 0 else 'CAU'} {abs(secondary):.0f}\N{DEGREE SIGN}"
    )


def geometry_line(geometry: XRayGeometry) -> str:
    """One line: projection and source distance."""
    return _("{projection}, source at {distance:.0f} mm").format(
        projection=projection_name(geometry), distance=geometry.source_to_detector_mm
    )


def geometry_tip(geometry: XRayGeometry) -> str:
    """The line above with the detector's field and the size of the image."""
    columns, rows = geometry.size_px
    return _("{line}, field {width:.0f} x {height:.0f} mm, {columns} x {rows} px").format(
        line=geometry_line(geometry),
        width=columns * geometry.pixel_spacing_mm[1],
        height=rows * geometry.pixel_spacing_mm[0],
        columns=columns,
        rows=rows,
    )


def assumption_line(radiograph: Radiograph) -> str:
    """What was assumed about geometry and, without its explanations, about intensity; empty when nothing."""
    return _assumed(*radiograph.geometry.assumed, *(sentence.partition(":")[0] for sentence in radiograph.assumptions))


def assumption_tip(radiograph: Radiograph) -> str:
    """What was assumed about geometry and intensity, in full; empty when nothing."""
    return _assumed(*radiograph.geometry.assumed, *radiograph.assumptions)


def _assumed(*sentences: str) -> str:
    phrases = [sentence.rstrip(".") for sentence in sentences]
    return _("Assumed: {phrases}").format(phrases="; ".join(phrases)) if phrases else ""
