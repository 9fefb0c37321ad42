"""What the pixel values of a DICOM image mean, from its tags."""

from __future__ import annotations

from typing import NamedTuple

from XRayLib.geometry.dicom_frame_tags import FrameTags

TAGS_TRUSTED, TAGS_HINT = 0.8, 0.25
"""Weights against the image's own evidence (see `polarity`), which is 0.5 to 2 on a clear image."""
C_ARM_MODALITIES = ("XA", "RF", "XRF")


class StatedIntensity(NamedTuple):
    """``kind``: stated kind or "auto"; ``likely`` and ``certainty``: see DecodedImage."""

    kind: str
    likely: str
    certainty: float


def is_inverted(tags: FrameTags) -> bool:
    """Whether the smallest stored value is shown white.

    MONOCHROME1 with Presentation LUT Shape INVERSE states that twice and inverts once (PS3.3 C.8.11.3.1.2).
    """
    return tags.text("PhotometricInterpretation") == "MONOCHROME1" or tags.text("PresentationLUTShape") == "INVERSE"


def stated_intensity(tags: FrameTags) -> StatedIntensity:
    """The intensity kind of the stored values after rescale.

    Pixel Intensity Relationship (PS3.3 C.8.11.3.1.2): LIN values follow the X-ray intensity, LOG its logarithm; the
    Sign says in which direction. Window and VOI LUT are for display and never change what a pixel measures: they are
    not applied.
    """
    relationship, sign = tags.text("PixelIntensityRelationship"), tags.number("PixelIntensityRelationshipSign")
    modality = tags.text("Modality")
    for_presentation = tags.text("PresentationIntentType") == "FOR PRESENTATION"
    if relationship == "LOG" and sign in (1.0, -1.0):
        return StatedIntensity("display_bone_dark" if sign > 0 else "display_bone_bright", "", 0.0)
    if relationship == "LIN" and not for_presentation and sign == 1.0:
        return StatedIntensity("transmission", "", 0.0)
    if modality in C_ARM_MODALITIES:
        shown_dark = not is_inverted(tags)
        likely = "transmission" if relationship == "LIN" and shown_dark else _display(not shown_dark)
        return StatedIntensity("auto", likely, TAGS_HINT)
    certainty = TAGS_TRUSTED if for_presentation or tags.text("PresentationLUTShape") else TAGS_HINT
    return StatedIntensity("auto", _display(not is_inverted(tags)), certainty)


def _display(bone_bright: bool) -> str:
    return "display_bone_bright" if bone_bright else "display_bone_dark"
