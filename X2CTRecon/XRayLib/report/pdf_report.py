"""The report as PDF: the same words and pictures as the HTML, on A4."""

from __future__ import annotations

import base64
import io
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from reportlab.platypus import Flowable

MARGIN_MM = 15.0
PICTURE_MM = 58.0
"""Width and largest height of a picture: three to a row."""
WIDE_MM = 180.0
PROVENANCE_COLUMNS = 110
VIEW_PICTURES = (
    ("film", "X-ray as line integrals, bone bright"),
    ("contours", "X-ray with the contours of the re-projection"),
    ("reprojection", "Re-projection"),
    ("residual_picture", "Difference: red where the X-ray shows more, blue where less"),
)


def write_pdf(values: Mapping[str, Any], path: Path) -> None:
    """Write the values of a report (as the HTML template takes them); the same values give the same bytes.

    With ReportLab: light, BSD-licensed, no Qt, so that worker, command line and batch write the same file.
    """
    from reportlab.lib.pagesizes import A4
    from reportlab.lib.units import mm
    from reportlab.platypus import SimpleDocTemplate

    margin = MARGIN_MM * mm
    title = "XRay3D: volume from X-rays" if values["pose"] is None else "XRay3D: CT on X-rays"
    document = SimpleDocTemplate(
        str(path),
        pagesize=A4,
        title=title,
        author="XRay3D",
        invariant=1,
        leftMargin=margin,
        rightMargin=margin,
        topMargin=margin,
        bottomMargin=margin,
    )
    document.build(_story(title, values), onFirstPage=_foot, onLaterPages=_foot)


def _foot(canvas: Any, document: Any) -> None:
    canvas.setFont("Helvetica", 8)
    canvas.drawString(document.leftMargin, document.bottomMargin / 2, f"Research use only. Page {document.page}")


def _story(title: str, values: Mapping[str, Any]) -> list[Flowable]:
    story = [_text(title, "Title"), _text(f"Method {values['method']}"), _boxed(values["statement"])]
    if values["pose"] is not None:
        story += _verdict(values["pose"])
    for name, picture in values["figures"]:
        story += [_text(name, "Heading2"), _picture(picture, WIDE_MM)]
    story.append(_text(f"Each X-ray beside what the {values['subject']} projects to", "Heading2"))
    for view in values["views"]:
        story += _view(view)
    if values["slices"]:
        story += [_text("Middle slices of the volume", "Heading2"), *_pictures(values["slices"])]
    if values["unknown"]:
        story.append(_text("What cannot be known", "Heading2"))
    for part in values["unknown"]:
        story += [_text(part["text"]), *_pictures(list(part["pictures"].items()))]
    if values["warnings"]:
        story += [_text("Notes", "Heading2"), *_listed(values["warnings"])]
    if values["quality"]:
        rows = [(name, f"{value:.4g}") for name, value in values["quality"].items()]
        story += [_text("Quality", "Heading2"), _table(rows)]
    return [*story, _text("Provenance", "Heading2"), _preformatted(values["provenance"])]


def _verdict(pose: Mapping[str, Any]) -> list[Flowable]:
    if pose["accepted"] is None:
        return [_text("The method does not judge its pose.")]
    verdict = "Accepted" if pose["accepted"] else "Refused"
    story = [_boxed(f"{verdict}, confidence {100 * pose['confidence']:.0f} %. {pose['reason']}")]
    if pose["bars"]:
        rows = [(bar["name"], f"{bar['value']:.2f} {bar['unit']}") for bar in pose["bars"]]
        words = "Standard deviations of the CT's middle and of its rotation, from the films."
        story += [_text("How sure the pose is", "Heading2"), _text(words), _table(rows)]
    if pose["seconds"]:
        story.append(_text("Time: " + ", ".join(f"{name} {value:.2f} s" for name, value in pose["seconds"].items())))
    return story


def _view(view: Mapping[str, Any]) -> list[Flowable]:
    pictures = [(caption, view[name]) for name, caption in VIEW_PICTURES if view[name]]
    told = (
        f"Positioner angles {view['angles']} degrees, source to detector {view['source_to_detector_mm']:.0f} mm, "
        f"residual {100 * view['residual']:.1f} % of the film's contrast."
    )
    story = [_text(view["name"], "Heading3"), *_pictures(pictures), _text(told)]
    if view["assumed"]:
        story += [_text("Assumed:"), *_listed(view["assumed"])]
    return story


def _text(text: str, style: str = "BodyText") -> Flowable:
    from reportlab.lib.styles import getSampleStyleSheet
    from reportlab.platypus import Paragraph

    return Paragraph(escape(str(text)), getSampleStyleSheet()[style])


def _boxed(text: str) -> Flowable:
    from reportlab.lib import colors
    from reportlab.platypus import Table, TableStyle

    style = [("BACKGROUND", (0, 0), (-1, -1), colors.HexColor("#fff4d6")), ("BOX", (0, 0), (-1, -1), 1, colors.orange)]
    return Table([[_text(text)]], style=TableStyle(style))


def _listed(sentences: Sequence[str]) -> list[Flowable]:
    return [_text(f"- {sentence}") for sentence in sentences]


def _table(rows: Sequence[tuple[str, str]]) -> Flowable:
    from reportlab.platypus import Table

    return Table([[_text(name), _text(value)] for name, value in rows], hAlign="LEFT")


def _preformatted(text: str) -> Flowable:
    from reportlab.lib.styles import getSampleStyleSheet
    from reportlab.platypus import Preformatted

    style = getSampleStyleSheet()["Code"]
    style.fontSize, style.leading, style.leftIndent = 6.5, 8, 0
    lines = [piece for line in text.splitlines() for piece in textwrap.wrap(line, PROVENANCE_COLUMNS) or [""]]
    return Preformatted("\n".join(lines), style)


def _pictures(titled: Sequence[tuple[str, str]]) -> list[Flowable]:
    """Pictures with captions, three to a row."""
    from reportlab.lib.units import mm
    from reportlab.platypus import Table

    rows = [titled[first : first + 3] for first in range(0, len(titled), 3)]
    cells = [[[_picture(picture, PICTURE_MM), _text(caption)] for caption, picture in row] for row in rows]
    return [Table([row], colWidths=[(PICTURE_MM + 2) * mm] * len(row), hAlign="LEFT") for row in cells]


def _picture(data_uri: str, side_mm: float) -> Flowable:
    """A picture no wider and no higher than ``side_mm``."""
    from reportlab.lib.units import mm
    from reportlab.platypus import Image

    image = Image(io.BytesIO(base64.b64decode(data_uri.partition("base64,")[2])))
    scale = side_mm * mm / max(image.imageWidth, image.imageHeight)
    image.drawWidth, image.drawHeight = scale * image.imageWidth, scale * image.imageHeight
    return image
