"""Whether a changed film still shows every edge where it was: what a style network must never alter."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

TILE_PX, STRIDE_PX, SEARCH_PX = 24, 12, 5
"""Tiles, their distances, and how far a tile is looked for, in pixels of the square."""

SMOOTHING_PX = 0.8
EDGE_FLOOR = 0.1
"""Of the 99th percentile of the gradient: weaker edges do not count."""
LEAST_EDGE_SHARE = 0.15
"""Of a tile's pixels that must be edges, else it has nothing that could be seen to move."""

LARGEST_MOVE_PX = 1.0
"""Of the tile at the 95th percentile: about 4.5 mm at the patient."""
LEAST_EDGE_CORRELATION = 0.6

Image = NDArray[np.float32]


@dataclass(frozen=True)
class AnatomyCheck:
    """``moved_px``: the 95th percentile of the tiles' displacements, in pixels of the square; ``largest_move_px``;
    ``edge_correlation``: agreement of the directions of edges, 1 for the same film in any tone."""

    moved_px: float
    largest_move_px: float
    edge_correlation: float
    tiles: int

    @property
    def passed(self) -> bool:
        """Whether nothing moved by more than the limits; a film without edges cannot be checked and does not pass."""
        return self.tiles > 0 and self.moved_px <= LARGEST_MOVE_PX and self.edge_correlation >= LEAST_EDGE_CORRELATION


def check_anatomy(before: Image, after: Image) -> AnatomyCheck:
    """Compare two pictures (rows, columns) of one film, whose grey values may differ in any smooth way.

    Directions of gradients, not their size, are matched (normalised gradient fields, Haber and Modersitzki, MICCAI
    2006) tile by tile over all shifts, the best one refined by a parabola.
    """
    first, edges = _directions(before)
    second, also_edges = _directions(after)
    weight = edges | also_edges
    similarity = _similarity(first, second)
    correlation = float(similarity[weight].mean()) if weight.any() else 0.0
    moves = [_tile_move(first, second, edges, corner) for corner in _corners(before.shape)]
    moves = [move for move in moves if move is not None]
    if not moves:
        return AnatomyCheck(float("inf"), float("inf"), correlation, 0)
    lengths = np.linalg.norm(moves, axis=1)
    return AnatomyCheck(float(np.percentile(lengths, 95)), float(lengths.max()), correlation, len(moves))


def _directions(image: Image) -> tuple[NDArray[np.complex64], NDArray[np.bool_]]:
    """Gradients as complex numbers of length near 1 where there are edges and near 0 elsewhere, and where those are."""
    from scipy import ndimage

    smooth = ndimage.gaussian_filter(np.asarray(image, np.float32), SMOOTHING_PX, mode="nearest")
    gradient = np.gradient(smooth, axis=0) + 1j * np.gradient(smooth, axis=1)
    length = np.abs(gradient)
    floor = max(EDGE_FLOOR * float(np.percentile(length, 99)), 1e-6)
    return (gradient / np.sqrt(length**2 + floor**2)).astype(np.complex64), length > floor


def _similarity(first: NDArray[np.complex64], second: NDArray[np.complex64]) -> Image:
    """Cosine of the angle between edges, signed: a reversed edge is another structure."""
    return np.real(first * np.conj(second)) / np.maximum(np.abs(first) * np.abs(second), 1e-6)


def _corners(shape: tuple[int, ...]) -> list[tuple[int, int]]:
    rows, columns = (range(SEARCH_PX, max(n - TILE_PX - SEARCH_PX, SEARCH_PX) + 1, STRIDE_PX) for n in shape)
    return [(row, column) for row in rows for column in columns]


def _tile_move(
    first: NDArray[np.complex64],
    second: NDArray[np.complex64],
    edges: NDArray[np.bool_],
    corner: tuple[int, int],
) -> tuple[float, float] | None:
    """(rows, columns) by which the tile has moved in the second picture, None where it shows too few edges."""
    row, column = corner
    tile = first[row : row + TILE_PX, column : column + TILE_PX]
    if tile.shape != (TILE_PX, TILE_PX) or edges[row : row + TILE_PX, column : column + TILE_PX].mean() < (
        LEAST_EDGE_SHARE
    ):
        return None
    around = second[row - SEARCH_PX : row + TILE_PX + SEARCH_PX, column - SEARCH_PX : column + TILE_PX + SEARCH_PX]
    windows = np.lib.stride_tricks.sliding_window_view(around, tile.shape)
    if windows.shape[:2] != (2 * SEARCH_PX + 1,) * 2:
        return None
    score = np.real(np.einsum("abij,ij->ab", windows, np.conj(tile)))
    if _is_along_an_edge(tile):
        return _across(score, tile)
    peak = np.unravel_index(int(np.argmax(score)), score.shape)
    return tuple(_refined(score, peak, axis) - SEARCH_PX for axis in (0, 1))  # type: ignore[return-value]


def _is_along_an_edge(tile: NDArray[np.complex64]) -> bool:
    """One straight edge tells only how far it moved across itself."""
    doubled = (tile**2).sum()
    return bool(np.abs(doubled) > 0.85 * (np.abs(tile) ** 2).sum())


def _across(score: Image, tile: NDArray[np.complex64]) -> tuple[float, float]:
    """The best shift along the edge's normal."""
    normal = np.sqrt((tile**2).sum() / max(float(np.abs((tile**2).sum())), 1e-9))
    steps = np.arange(-SEARCH_PX, SEARCH_PX + 0.01, 0.25)
    from scipy import ndimage

    places = np.stack([normal.real * steps, normal.imag * steps]) + SEARCH_PX
    along = ndimage.map_coordinates(score, places, order=1, mode="nearest")
    best = float(steps[int(np.argmax(along))])
    return best * float(normal.real), best * float(normal.imag)


def _refined(score: Image, peak: tuple[np.intp, ...], axis: int) -> float:
    """The peak's index along an axis, between pixels by the parabola through its neighbours."""
    at = int(peak[axis])
    if not 0 < at < score.shape[axis] - 1:
        return float(at)
    line = score[:, peak[1]] if axis == 0 else score[peak[0]]
    low, middle, high = (float(v) for v in line[at - 1 : at + 2])
    bend = low - 2 * middle + high
    return at + (0.5 * (low - high) / bend if bend < 0 else 0.0)
