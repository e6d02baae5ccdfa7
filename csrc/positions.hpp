// Source positions of output pixels, a block at a time: what mappings make and all else takes.
#pragma once

#include <cstdint>

#include "cblot/view.hpp"

namespace cblot {

/// Output pixels worked on at once: positions, then weights, then samples of a whole block.
inline constexpr Index kBlock = 256;

/// Blocks are padded to a multiple of this, so that loops over a block have no remainder.
inline constexpr Index kPad = 16;

/// The most that positions of a block are on an axis, if none is negative or NaN, known without a
/// look at each; they may be rounded to a little more. As the bits of a double, among which numbers
/// are in order and what is negative or NaN is beyond them: by default nothing is known.
struct Most {
    std::uint64_t x = ~std::uint64_t(0), y = ~std::uint64_t(0);
};

/// Writes the source positions of output pixels (i ... i + n - 1, j), n <= kBlock. Up to kPad
/// elements beyond the n-th may be overwritten.
using PositionsFn = Most (*)(const void* plan, Index j, Index i, Index n, double* x, double* y);

struct Positions {
    PositionsFn fill = nullptr;
    const void* plan = nullptr;

    Most operator()(Index j, Index i, Index n, double* x, double* y) const {
        return fill(plan, j, i, n, x, y);
    }
};

}  // namespace cblot
