// Source positions of output pixels, a block at a time: what mappings make and all else takes.
#pragma once

#include "cblot/view.hpp"

namespace cblot {

/// Output pixels worked on at once: positions, then weights, then samples of a whole block.
inline constexpr Index kBlock = 256;

/// Blocks are padded to a multiple of this, so that loops over a block have no remainder.
inline constexpr Index kPad = 16;

/// Writes the source positions of output pixels (i ... i + n - 1, j), n <= kBlock. Up to kPad
/// elements beyond the n-th may be overwritten.
using PositionsFn = void (*)(const void* plan, Index j, Index i, Index n, double* x, double* y);

struct Positions {
    PositionsFn fill = nullptr;
    const void* plan = nullptr;

    void operator()(Index j, Index i, Index n, double* x, double* y) const {
        fill(plan, j, i, n, x, y);
    }
};

}  // namespace cblot
