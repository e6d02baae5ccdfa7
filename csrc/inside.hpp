// Which source positions are inside: the one rule.
#pragma once

#include "simd.hpp"

namespace cblot::CBLOT_ISA {

/// Whether 0 <= x < width and 0 <= y < height, for numbers or vectors of them; NaN is outside.
/// `ClosedX`: x == width is inside, too, as drizzlepac's polynomials have it.
template <bool ClosedX, class V, class S>
CBLOT_INLINE auto inside(const V& x, const V& y, S width, S height) {
    const auto before_end = ClosedX ? (x <= width) : (x < width);
    return (x >= S(0)) & before_end & (y >= S(0)) & (y < height);
}

}  // namespace cblot::CBLOT_ISA
