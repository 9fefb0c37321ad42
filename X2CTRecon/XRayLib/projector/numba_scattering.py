"""The inner loop of the CPU's adjoint: a value spread over the cells that one ray crosses on many planes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from XRayLib.projector.numba_vectors import INT, RayVectors


def _shares(ray: RayVectors, planes: ir.Value, value: ir.Value) -> list[tuple[ir.Value, ir.Value]]:
    """(address, what to add there) for every lane's cell, in pairs where voxels are neighbours in memory."""
    addresses, weight_b, weight_c, _ = ray.cells(planes)
    far = ray.product(value, weight_c)
    shares = []
    for row, share in ((addresses, ray.difference(value, far)), (ray.next_c(addresses), far)):
        second = ray.product(share, weight_b)
        first = ray.difference(share, second)
        if ray.pairs:
            for lane, address in enumerate(row):
                shares.append((ray.as_pair(address), ray.shuffled(first, second, [lane, ray.lanes + lane])))
        else:
            for lane, (here, next_b) in enumerate(zip(row, ray.next_b(row), strict=True)):
                shares.append((here, ray.builder.extract_element(first, INT(lane))))
                shares.append((next_b, ray.builder.extract_element(second, INT(lane))))
    return shares


def _add_all_at_once(ray: RayVectors, shares: list[tuple[ir.Value, ir.Value]]) -> None:
    """Load every voxel before any is stored, for voxels that are all different: planes that lie a power of two apart
    would otherwise make every load wait for the store before it."""
    sums = [(address, ray.sum(ray.load(address), share)) for address, share in shares]
    for address, total in sums:
        ray.store(total, address)


def _add_one_by_one(ray: RayVectors, shares: list[tuple[ir.Value, ir.Value]]) -> None:
    for address, share in shares:
        ray.store(ray.sum(ray.load(address), share), address)


def _spreading(pairs: bool) -> Callable[..., Any]:
    def generate(context: Any, builder: ir.IRBuilder, signature: Any, args: Sequence[ir.Value]) -> ir.Value:
        voxels = context.make_array(signature.args[0])(context, builder, args[0]).data
        (first, last), line, strides = (cgutils.unpack_tuple(builder, each) for each in args[1:4])
        ray = RayVectors(builder, voxels, line, strides, pairs)
        value, zero = ray.spread(args[4]), ir.Constant(ray.floats, [0.0] * ray.lanes)

        def add(planes: ir.Value, wanted: ir.Value | None) -> None:
            if wanted is not None:  # the lanes beyond the last plane repeat it
                _add_one_by_one(ray, _shares(ray, planes, builder.select(wanted, value, zero)))
            elif pairs:
                _add_all_at_once(ray, _shares(ray, planes, value))
            else:  # more voxels than registers
                _add_one_by_one(ray, _shares(ray, planes, value))

        ray.over_planes(first, last, add)
        return context.get_dummy_value()

    return generate


@intrinsic
def spread_along_rows(_typing: Any, volume: Any, planes: Any, line: Any, strides: Any, value: Any) -> Any:
    """Add ``value`` (float32), weighted bilinearly, to the cells of one ray on some planes; b is the contiguous axis.

    Arguments and conditions are those of :func:`numba_sampling.sum_along_rows`, whose adjoint this is. Every plane is
    another lane, so lanes never meet in a voxel.
    """
    return types.void(volume, planes, line, strides, value), _spreading(pairs=True)


@intrinsic
def spread_across_rows(_typing: Any, volume: Any, planes: Any, line: Any, strides: Any, value: Any) -> Any:
    """As :func:`spread_along_rows`, for any strides."""
    return types.void(volume, planes, line, strides, value), _spreading(pairs=False)
