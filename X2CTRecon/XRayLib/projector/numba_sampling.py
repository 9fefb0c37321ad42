"""The inner loop of the CPU's forward projection: bilinear samples of one ray on many planes, and their slopes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from XRayLib.projector.numba_vectors import INT, RayVectors

SUMS = 5
"""Samples, d/db, plane * d/db, d/dc, plane * d/dc."""


def _terms(ray: RayVectors, planes: ir.Value) -> list[ir.Value]:
    """What each lane adds to the sums."""
    addresses, weight_b, weight_c, x = ray.cells(planes)
    near0, near1 = _neighbours(ray, addresses)
    far0, far1 = _neighbours(ray, ray.next_c(addresses))
    near_slope, far_slope = ray.difference(near1, near0), ray.difference(far1, far0)
    near, far = ray.between(weight_b, near0, near_slope), ray.between(weight_b, far0, far_slope)
    by_b, by_c = ray.between(weight_c, near_slope, ray.difference(far_slope, near_slope)), ray.difference(far, near)
    return [ray.between(weight_c, near, by_c), by_b, ray.product(x, by_b), by_c, ray.product(x, by_c)]


def _neighbours(ray: RayVectors, addresses: list[ir.Value]) -> tuple[ir.Value, ir.Value]:
    """The voxels at the addresses and their next neighbours along b, one lane per address."""
    if not ray.pairs:
        return _gathered(ray, addresses), _gathered(ray, ray.next_b(addresses))
    parts = [ray.load(ray.as_pair(address)) for address in addresses]
    while len(parts) > 1:
        both = range(2 * parts[0].type.count)
        parts = [ray.shuffled(low, high, both) for low, high in zip(parts[::2], parts[1::2], strict=True)]
    even, odd = range(0, 2 * ray.lanes, 2), range(1, 2 * ray.lanes, 2)
    return ray.shuffled(parts[0], parts[0], even), ray.shuffled(parts[0], parts[0], odd)


def _gathered(ray: RayVectors, addresses: list[ir.Value]) -> ir.Value:
    vector = ir.Constant(ray.floats, ir.Undefined)
    for lane, address in enumerate(addresses):
        vector = ray.builder.insert_element(vector, ray.load(address), INT(lane))
    return vector


def _total(ray: RayVectors, vector: ir.Value) -> ir.Value:
    """Sum over the lanes."""
    while vector.type.count > 1:
        half = vector.type.count // 2
        low, high = (ray.shuffled(vector, vector, part) for part in (range(half), range(half, 2 * half)))
        vector = ray.sum(low, high)
    return ray.builder.extract_element(vector, INT(0))


def _summing(pairs: bool) -> Callable[..., Any]:
    def generate(context: Any, builder: ir.IRBuilder, signature: Any, args: Sequence[ir.Value]) -> ir.Value:
        voxels = context.make_array(signature.args[0])(context, builder, args[0]).data
        (first, last), line, strides = (cgutils.unpack_tuple(builder, each) for each in args[1:])
        ray = RayVectors(builder, voxels, line, strides, pairs)
        zero = ir.Constant(ray.floats, [0.0] * ray.lanes)
        sums = [cgutils.alloca_once_value(builder, zero) for _ in range(SUMS)]

        def add(planes: ir.Value, wanted: ir.Value | None) -> None:
            for total, term in zip(sums, _terms(ray, planes), strict=True):
                counted = term if wanted is None else builder.select(wanted, term, zero)
                builder.store(ray.sum(builder.load(total), counted), total)

        ray.over_planes(first, last, add)
        return context.make_tuple(builder, signature.return_type, [_total(ray, builder.load(each)) for each in sums])

    return generate


def _signature(*arguments: Any) -> Any:
    return types.UniTuple(types.float32, SUMS)(*arguments)


@intrinsic
def sum_along_rows(_typing: Any, volume: Any, planes: Any, line: Any, strides: Any) -> Any:
    """Sums (SUMS) of the bilinear samples of one ray on some planes, and of their slopes; b is the contiguous axis.

    ``planes`` (first, last) and ``strides`` (a, b, c) are int32, ``line`` (start_b, slope_b, start_c, slope_c) float32.
    No index is tested: all four neighbours must exist on every plane. Sums that the caller does not use cost nothing.
    """
    return _signature(volume, planes, line, strides), _summing(pairs=True)


@intrinsic
def sum_across_rows(_typing: Any, volume: Any, planes: Any, line: Any, strides: Any) -> Any:
    """As :func:`sum_along_rows`, for any strides."""
    return _signature(volume, planes, line, strides), _summing(pairs=False)
