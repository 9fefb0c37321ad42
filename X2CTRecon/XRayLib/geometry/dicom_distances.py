"""Distances and pixel spacing of a projection image from its DICOM tags, contradictions resolved and said."""

from __future__ import annotations

from dataclasses import dataclass

from XRayLib.geometry.dicom_frame_tags import FrameTags
from XRayLib.geometry.film import FILM_LONG_SIDE_MM, FILM_SOURCE_TO_DETECTOR_MM, assumed_source_to_patient_mm

SHORTEST_SID_MM, LONGEST_SID_MM = 300.0, 5000.0
"""Mini C-arms measure about 400 mm, stitched long-leg radiography up to 3 m."""

C_ARM_SOURCE_TO_DETECTOR_MM = 1000.0
BEDSIDE_SOURCE_TO_DETECTOR_MM = 1000.0
C_ARM_SOURCE_TO_ISOCENTER_FRACTION = 0.7
C_ARM_FIELD_MM = 300.0

LARGEST_MAGNIFICATION = 5.0
SMALLEST_SPACING_MM, LARGEST_SPACING_MM = 0.005, 10.0
CONSISTENT = 0.02
"""Relative difference up to which two statements of one quantity agree."""

Pair = tuple[float, float]


@dataclass(frozen=True)
class Distances:
    """What the tags say about scale: SID and SOD in mm, (row, column) spacing in the detector plane, assumptions."""

    source_to_detector_mm: float
    source_to_isocenter_mm: float
    pixel_spacing_mm: Pair
    assumed: tuple[str, ...]


def read_distances(tags: FrameTags, size_px: tuple[int, int], view: str, is_c_arm: bool) -> Distances:
    """Distances and detector-plane spacing; ``view`` and ``is_c_arm`` choose the fallbacks."""
    assumed: list[str] = []
    imager, patient_plane = _spacings(tags, assumed)
    magnification = _stated_magnification(tags, imager, patient_plane)
    sid_mm, sod_mm = _stated_distances(tags, assumed)
    if sid_mm is None and sod_mm is not None and magnification is not None:
        sid_mm = sod_mm * magnification
    if sid_mm is None:
        sid_mm = _usual_sid_mm(view, is_c_arm)
        assumed.append(f"source-to-detector distance {sid_mm:.0f} mm")
    if sod_mm is not None and not sid_mm / LARGEST_MAGNIFICATION <= sod_mm < sid_mm:
        assumed.append(
            f"source-to-patient distance {sod_mm:.0f} mm contradicts the detector at {sid_mm:.0f} mm: ignored"
        )
        sod_mm = None
    if sod_mm is None and magnification is not None:
        sod_mm = sid_mm / magnification
    if sod_mm is None:
        sod_mm = C_ARM_SOURCE_TO_ISOCENTER_FRACTION * sid_mm if is_c_arm else assumed_source_to_patient_mm(sid_mm)
        assumed.append(f"patient's middle {sod_mm:.0f} mm from the source")
    if imager is None and patient_plane is not None:
        # PS3.3 10.7.1.2: a calibrated spacing holds at the patient's depth, magnified by SID / SOD on the detector.
        imager = _scaled(patient_plane, sid_mm / sod_mm)
        assumed.append("pixel spacing was calibrated at the patient's middle")
    if imager is None:
        imager = _assumed_spacing(tags, size_px, is_c_arm, assumed)
    return Distances(sid_mm, sod_mm, imager, tuple(assumed))


def _spacings(tags: FrameTags, assumed: list[str]) -> tuple[Pair | None, Pair | None]:
    """(detector plane, patient plane) spacing as stated, by PS3.3 10.7.1.1 and 10.7.1.2."""
    detector = _spacing(tags, "ImagerPixelSpacing", assumed) or _spacing(tags, "NominalScannedPixelSpacing", assumed)
    pixel = _spacing(tags, "PixelSpacing", assumed)
    patient = _spacing(tags, "ObjectPixelSpacingInCenterOfBeam", assumed)
    if pixel is None:
        return detector, patient
    calibrated = tags.text("PixelSpacingCalibrationType") in ("GEOMETRY", "FIDUCIAL")
    if detector is not None:
        differs = abs(pixel[0] - detector[0]) > 1e-3 * detector[0]
        return detector, pixel if calibrated or differs else patient
    if calibrated:
        return None, pixel
    assumed.append("Pixel Spacing holds on the detector")
    return pixel, patient


def _spacing(tags: FrameTags, keyword: str, assumed: list[str]) -> Pair | None:
    numbers = tags.numbers(keyword)
    if numbers is None:
        return None
    if len(numbers) == 2 and all(SMALLEST_SPACING_MM <= number <= LARGEST_SPACING_MM for number in numbers):
        return numbers
    assumed.append(f"{keyword} {numbers} is impossible: ignored")
    return None


def _stated_magnification(tags: FrameTags, detector: Pair | None, patient_plane: Pair | None) -> float | None:
    """SID / SOD as stated, or as the ratio of detector-plane to patient-plane spacing."""
    stated = tags.number("EstimatedRadiographicMagnificationFactor")
    if stated is not None and 1.0 < stated < LARGEST_MAGNIFICATION:
        return stated
    if detector is not None and patient_plane is not None:
        along_rows, along_columns = (d / p for d, p in zip(detector, patient_plane, strict=True))
        if abs(along_rows - along_columns) < CONSISTENT * along_rows and 1.0 < along_rows < LARGEST_MAGNIFICATION:
            return along_rows
    return None


def _stated_distances(tags: FrameTags, assumed: list[str]) -> tuple[float | None, float | None]:
    sid_mm = tags.number("DistanceSourceToDetector")
    sod_mm = tags.number("DistanceSourceToIsocenter") or tags.number("DistanceSourceToPatient")
    if sod_mm is not None and sod_mm <= 0:
        sod_mm = None
    if sid_mm is None or SHORTEST_SID_MM <= sid_mm <= LONGEST_SID_MM:
        return sid_mm, sod_mm
    if SHORTEST_SID_MM <= 10 * sid_mm <= LONGEST_SID_MM:
        assumed.append(f"source-to-detector distance {sid_mm:g} is in cm")
        return 10 * sid_mm, None if sod_mm is None else 10 * sod_mm
    if sid_mm != 0:
        assumed.append(f"source-to-detector distance {sid_mm:g} mm is impossible: ignored")
    return None, sod_mm


def _usual_sid_mm(view: str, is_c_arm: bool) -> float:
    if is_c_arm:
        return C_ARM_SOURCE_TO_DETECTOR_MM
    return BEDSIDE_SOURCE_TO_DETECTOR_MM if view == "AP" else FILM_SOURCE_TO_DETECTOR_MM


def _assumed_spacing(tags: FrameTags, size_px: tuple[int, int], is_c_arm: bool, assumed: list[str]) -> Pair:
    """Spacing from the size of the detector's field: stated (Field of View, intensifier), else the usual one."""
    columns, rows = size_px
    field_mm = tags.numbers("FieldOfViewDimensions") or tags.numbers("IntensifierSize")
    if field_mm and all(10.0 < side < 2000.0 for side in field_mm) and len(field_mm) <= 2:
        assumed.append(f"image spans the detector's field of {' x '.join(f'{side:g}' for side in field_mm)} mm")
        if len(field_mm) == 2:
            return field_mm[0] / rows, field_mm[1] / columns
        return (field_mm[0] / max(rows, columns),) * 2
    long_side_mm = C_ARM_FIELD_MM if is_c_arm else FILM_LONG_SIDE_MM
    assumed.append(f"image's long side {long_side_mm:.0f} mm")
    return (long_side_mm / max(rows, columns),) * 2


def _scaled(spacing: Pair, factor: float) -> Pair:
    return spacing[0] * factor, spacing[1] * factor
