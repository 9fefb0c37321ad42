"""Several planes of one ray at once, in the vector operations of LLVM's portable language.

A compiler left to itself samples a ray with gather instructions, four per plane. Where b runs along the volume's
contiguous axis, one load here fetches both neighbours: about half the time on processors with slow gathers, on any
instruction set that LLVM knows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from llvmlite import ir
from numba.core import cgutils

FLOAT, INT, LONG = ir.FloatType(), ir.IntType(32), ir.IntType(64)
FAST = ("contract", "reassoc", "nsz", "arcp")

LANES_ALONG_ROWS, LANES_ACROSS_ROWS = 8, 16
"""Planes taken at once when b is the contiguous axis, and when it is not: there the planes themselves are contiguous,
and 16 of them are one cache line."""


class RayVectors:
    """Emits code for one ray: the cells that it crosses on several planes, with positions and weights in vectors.

    Parameters
    ----------
    voxels : pointer to float32
    line : start_b, slope_b, start_c, slope_c, float32
    strides : a, b, c, int32
    pairs : bool
        Whether b is the contiguous axis.
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
        return self.shuffled(one, one, [0] * self.lanes)

    def shuffled(self, low: ir.Value, high: ir.Value, lanes: Sequence[int]) -> ir.Value:
        """The lanes of two vectors, counted through both, in a new order."""
        order = ir.Constant(ir.VectorType(INT, len(lanes)), list(lanes))
        return self.builder.shuffle_vector(low, high, order)

    def product(self, a: ir.Value, b: ir.Value) -> ir.Value:
        return self.builder.fmul(a, b, flags=FAST)

    def sum(self, a: ir.Value, b: ir.Value) -> ir.Value:
        return self.builder.fadd(a, b, flags=FAST)

    def difference(self, a: ir.Value, b: ir.Value) -> ir.Value:
        return self.builder.fsub(a, b, flags=FAST)

    def between(self, weight: ir.Value, low: ir.Value, step: ir.Value) -> ir.Value:
        """low + weight * step."""
        return self.sum(low, self.product(weight, step))

    def cells(self, planes: ir.Value) -> tuple[list[ir.Value], ir.Value, ir.Value, ir.Value]:
        """Per lane the address of the cell's first voxel; vectors of the fractions along b and c, and of the planes."""
        b = self.builder
        x = b.sitofp(planes, self.floats)
        at_b, at_c = self.between(x, self.start_b, self.slope_b), self.between(x, self.start_c, self.slope_c)
        cell_b, cell_c = b.fptosi(at_b, self.ints), b.fptosi(at_c, self.ints)
        weight_b = self.difference(at_b, b.sitofp(cell_b, self.floats))
        weight_c = self.difference(at_c, b.sitofp(cell_c, self.floats))
        row = b.add(b.mul(planes, self.stride_a), b.mul(cell_c, self.stride_c))
        index = b.add(row, cell_b if self.pairs else b.mul(cell_b, self.stride_b))
        lanes = [b.zext(b.extract_element(index, INT(lane)), LONG) for lane in range(self.lanes)]
        return [b.gep(self.voxels, [lane]) for lane in lanes], weight_b, weight_c, x

    def next_b(self, addresses: list[ir.Value]) -> list[ir.Value]:
        return [self.builder.gep(address, [self.to_next_b]) for address in addresses]

    def next_c(self, addresses: list[ir.Value]) -> list[ir.Value]:
        return [self.builder.gep(address, [self.to_next_c]) for address in addresses]

    def as_pair(self, address: ir.Value) -> ir.Value:
        """The address of a voxel as that of two floats."""
        return self.builder.bitcast(address, ir.PointerType(ir.VectorType(FLOAT, 2)))

    def load(self, address: ir.Value) -> ir.Value:
        value = self.builder.load(address)
        value.align = 4
        return value

    def store(self, value: ir.Value, address: ir.Value) -> None:
        self.builder.store(value, address).align = 4

    def over_planes(self, first: ir.Value, last: ir.Value, body: Callable[[ir.Value, ir.Value | None], None]) -> None:
        """``body(planes, wanted)`` on vectors of the planes [first, last].

        ``wanted`` is None while all lanes count; in the last, partial vector it masks the lanes beyond ``last``, which
        then hold ``last`` itself, a plane that may be read and written.
        """
        builder = self.builder
        here = cgutils.alloca_once_value(builder, first)
        numbers = ir.Constant(self.ints, list(range(self.lanes)))
        names = ("more", "full", "rest", "partial", "done")
        more, full, rest, partial, done = (builder.append_basic_block(name) for name in names)
        builder.branch(more)
        builder.position_at_end(more)
        plane = builder.load(here)
        planes = builder.add(self.spread(plane), numbers)
        fits = builder.icmp_signed("<=", plane, builder.sub(last, INT(self.lanes - 1)))
        builder.cbranch(fits, full, rest)
        builder.position_at_end(full)
        body(planes, None)
        builder.store(builder.add(plane, INT(self.lanes)), here)
        builder.branch(more)
        builder.position_at_end(rest)
        builder.cbranch(builder.icmp_signed("<=", plane, last), partial, done)
        builder.position_at_end(partial)
        wanted = builder.icmp_signed("<=", planes, self.spread(last))
        body(builder.select(wanted, planes, self.spread(last)), wanted)
        builder.branch(done)
        builder.position_at_end(done)
