// Which source positions are inside: the one rule.
#pragma once

#include "positions.hpp"
#include "simd.hpp"

namespace cblot::CBLOT_ISA {

/// Whether 0 <= x < width and 0 <= y < height, for numbers or vectors of them; NaN is outside.
/// `ClosedX`: x == width is inside, too, as drizzlepac's polynomials have it.
template <bool ClosedX, class V, class S>
CBLOT_INLINE auto inside(const V& x, const V& y, S width, S height) {
    const auto before_end = ClosedX ? (x <= width) : (x < width);
    return (x >= S(0)) & before_end & (y >= S(0)) & (y < height);
}

/// Takes a number, as a Most has it. (Of numbers, comparisons with NaN would forget it.)
CBLOT_INLINE void take_most(std::uint64_t& most, double v) {
    std::uint64_t bits;
    std::memcpy(&bits, &v, sizeof bits);
    most = bits > most ? bits : most;
}

/// Whether a whole block is inside: what is beyond the last pixel's centre is room for rounding.
CBLOT_INLINE bool block_inside(const Most& most, double width, double height) {
    std::uint64_t last_x = 0, last_y = 0;
    take_most(last_x, width - 1.0);
    take_most(last_y, height - 1.0);
    return most.x <= last_x && most.y <= last_y;
}

}  // namespace cblot::CBLOT_ISA
