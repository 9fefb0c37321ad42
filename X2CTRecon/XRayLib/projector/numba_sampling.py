"""The inner loop of the CPU's forward projection, written in the vector operations of LLVM's portable language.

A compiler left to itself samples a ray with gather instructions, four per plane. Here several planes are sampled at
once, and where b runs along the volume's contiguous axis one load fetches both neighbours: about half the time on
processors with slow gathers, on any instruction set that LLVM knows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

FLOAT, INT, LONG = ir.FloatType(), ir.IntType(32), ir.IntType(64)
FAST = ("contract", "reassoc", "nsz", "arcp")

LANES_ALONG_ROWS, LANES_ACROSS_ROWS = 8, 16
"""Planes sampled at once when b is the contiguous axis, and when it is not: there the planes themselves are contiguous,
and 16 of them are one cache line."""

SUMS = 5
"""Samples, d/db, plane * d/db, d/dc, plane * d/dc."""


class PlaneSampler:
    """Emits the bilinear samples of one ray on ``lanes`` planes at once.

    ``line`` and ``strides`` are the LLVM values of :func:`sum_along_rows`'s arguments.
    """

    def __init__(
        self,
        builder: ir.IRBuilder,
        voxels: ir.Value,
        line: Sequence[ir.Value],
        strides: Sequence[ir.Value],
        pairs: bool,
    ) -> None:
        self.builder, self.voxels, self.pairs = builder, voxels, pairs
        self.lanes = LANES_ALONG_ROWS if pairs else LANES_ACROSS_ROWS
        self.floats, self.ints = ir.VectorType(FLOAT, self.lanes), ir.VectorType(INT, self.lanes)
        self.start_b, self.slope_b, self.start_c, self.slope_c = (self.spread(value) for value in line)
        self.stride_a, self.stride_b, self.stride_c = (self.spread(value) for value in strides)
        self.to_next_b, self.to_next_c = (builder.sext(value, LONG) for value in strides[1:])

    def spread(self, value: ir.Value) -> ir.Value:
        """A vector with ``value`` in every lane."""
        vector = ir.VectorType(value.type, self.lanes)
        one = self.builder.insert_element(ir.Constant(vector, ir.Undefined), value, INT(0))
        return self.builder.shuffle_vector(one, ir.Constant(vector, ir.Undefined), mask([0] * self.lanes))

    def lane_numbers(self) -> ir.Value:
        return ir.Constant(self.ints, list(range(self.lanes)))

    def between(self, weight: ir.Value, low: ir.Value, step: ir.Value) -> ir.Value:
        """low + weight * step."""
        return self.builder.fadd(low, self.builder.fmul(weight, step, flags=FAST), flags=FAST)

    def difference(self, high: ir.Value, low: ir.Value) -> ir.Value:
        return self.builder.fsub(high, low, flags=FAST)

    def terms(self, planes: ir.Value) -> list[ir.Value]:
        """What each lane adds to the sums."""
        b = self.builder
        x = b.sitofp(planes, self.floats)
        at_b, at_c = self.between(x, self.start_b, self.slope_b), self.between(x, self.start_c, self.slope_c)
        cell_b, cell_c = b.fptosi(at_b, self.ints), b.fptosi(at_c, self.ints)
        weight_b = self.difference(at_b, b.sitofp(cell_b, self.floats))
        weight_c = self.difference(at_c, b.sitofp(cell_c, self.floats))
        row = b.add(b.mul(planes, self.stride_a), b.mul(cell_c, self.stride_c))
        index = b.add(row, cell_b if self.pairs else b.mul(cell_b, self.stride_b))
        addresses = [b.gep(self.voxels, [b.zext(b.extract_element(index, INT(n)), LONG)]) for n in range(self.lanes)]
        near0, near1 = self.neighbours(addresses)
        far0, far1 = self.neighbours([b.gep(address, [self.to_next_c]) for address in addresses])
        near_slope, far_slope = self.difference(near1, near0), self.difference(far1, far0)
        near, far = self.between(weight_b, near0, near_slope), self.between(weight_b, far0, far_slope)
        by_b = self.between(weight_c, near_slope, self.difference(far_slope, near_slope))
        by_c = self.difference(far, near)
        value = self.between(weight_c, near, by_c)
        return [value, by_b, b.fmul(x, by_b, flags=FAST), by_c, b.fmul(x, by_c, flags=FAST)]

    def neighbours(self, addresses: list[ir.Value]) -> tuple[ir.Value, ir.Value]:
        """The voxels at the addresses and their next neighbours along b, one lane per address."""
        if not self.pairs:
            b = self.builder
            return self.gathered(addresses), self.gathered([b.gep(address, [self.to_next_b]) for address in addresses])
        pair = ir.PointerType(ir.VectorType(FLOAT, 2))
        parts = [self.load(self.builder.bitcast(address, pair)) for address in addresses]
        while len(parts) > 1:
            wide = mask(range(2 * parts[0].type.count))
            parts = [
                self.builder.shuffle_vector(low, high, wide) for low, high in zip(parts[::2], parts[1::2], strict=True)
            ]
        nothing = ir.Constant(parts[0].type, ir.Undefined)
        even, odd = mask(range(0, 2 * self.lanes, 2)), mask(range(1, 2 * self.lanes, 2))
        return (
            self.builder.shuffle_vector(parts[0], nothing, even),
            self.builder.shuffle_vector(parts[0], nothing, odd),
        )

    def gathered(self, addresses: list[ir.Value]) -> ir.Value:
        vector = ir.Constant(self.floats, ir.Undefined)
        for lane, address in enumerate(addresses):
            vector = self.builder.insert_element(vector, self.load(address), INT(lane))
        return vector

    def load(self, address: ir.Value) -> ir.Value:
        value = self.builder.load(address)
        value.align = 4
        return value

    def total(self, vector: ir.Value) -> ir.Value:
        """Sum over the lanes."""
        while vector.type.count > 1:
            half, nothing = vector.type.count // 2, ir.Constant(vector.type, ir.Undefined)
            low = self.builder.shuffle_vector(vector, nothing, mask(range(half)))
            high = self.builder.shuffle_vector(vector, nothing, mask(range(half, 2 * half)))
            vector = self.builder.fadd(low, high, flags=FAST)
        return self.builder.extract_element(vector, INT(0))


def mask(lanes: Sequence[int]) -> ir.Constant:
    return ir.Constant(ir.VectorType(INT, len(lanes)), list(lanes))


def _summing_loop(pairs: bool) -> Callable[..., Any]:
    """Code that samples [first, last] in full vectors and then once more with the lanes beyond ``last`` masked."""

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, args: Sequence[ir.Value]) -> ir.Value:
        voxels = context.make_array(signature.args[0])(context, builder, args[0]).data
        (first, last), line, strides = (cgutils.unpack_tuple(builder, each) for each in args[1:])
        sampler = PlaneSampler(builder, voxels, line, strides, pairs)
        zero = ir.Constant(sampler.floats, [0.0] * sampler.lanes)
        sums = [cgutils.alloca_once_value(builder, zero) for _ in range(SUMS)]
        here = cgutils.alloca_once_value(builder, first)

        def add(terms: list[ir.Value]) -> None:
            for total, term in zip(sums, terms, strict=True):
                builder.store(builder.fadd(builder.load(total), term, flags=FAST), total)

        names = ("more", "full", "rest", "partial", "done")
        more, full, rest, partial, done = (builder.append_basic_block(name) for name in names)
        builder.branch(more)
        builder.position_at_end(more)
        plane = builder.load(here)
        planes = builder.add(sampler.spread(plane), sampler.lane_numbers())
        fits = builder.icmp_signed("<=", plane, builder.sub(last, INT(sampler.lanes - 1)))
        builder.cbranch(fits, full, rest)
        builder.position_at_end(full)
        add(sampler.terms(planes))
        builder.store(builder.add(plane, INT(sampler.lanes)), here)
        builder.branch(more)
        builder.position_at_end(rest)
        builder.cbranch(builder.icmp_signed("<=", plane, last), partial, done)
        builder.position_at_end(partial)
        wanted = builder.icmp_signed("<=", planes, sampler.spread(last))
        terms = sampler.terms(builder.select(wanted, planes, sampler.spread(last)))
        add([builder.select(wanted, term, zero) for term in terms])
        builder.branch(done)
        builder.position_at_end(done)
        totals = [sampler.total(builder.load(total)) for total in sums]
        return context.make_tuple(builder, signature.return_type, totals)

    return generate


def _signature(*arguments: Any) -> Any:
    return types.UniTuple(types.float32, SUMS)(*arguments)


@intrinsic
def sum_along_rows(_typing: Any, volume: Any, planes: Any, line: Any, strides: Any) -> Any:
    """Sums (SUMS) of the bilinear samples of one ray on some planes, and of their slopes; b is the contiguous axis.

    ``planes`` (first, last) and ``strides`` (a, b, c) are int32, ``line`` (start_b, slope_b, start_c, slope_c) float32.
    No index is tested: all four neighbours must exist on every plane. Sums that the caller does not use cost nothing.
    """
    return _signature(volume, planes, line, strides), _summing_loop(pairs=True)


@intrinsic
def sum_across_rows(_typing: Any, volume: Any, planes: Any, line: Any, strides: Any) -> Any:
    """As :func:`sum_along_rows`, for any strides."""
    return _signature(volume, planes, line, strides), _summing_loop(pairs=False)
