// Rectangles: grown, one in another.
#pragma once

#include "cblot/view.hpp"

namespace cblot {

// Always inline: each instruction set's code has its own.
#if defined(__GNUC__)
#define CBLOT_BOX_INLINE inline __attribute__((always_inline))
#else
#define CBLOT_BOX_INLINE inline
#endif

/// A box grown on all sides, within an image.
CBLOT_BOX_INLINE Box grown(const Box& box, Index by, Index ny, Index nx) {
    if (box.empty()) {
        return box;
    }
    const Box big{box.y0 - by, box.y1 + by, box.x0 - by, box.x1 + by};
    return {big.y0 > 0 ? big.y0 : 0, big.y1 < ny ? big.y1 : ny, big.x0 > 0 ? big.x0 : 0,
            big.x1 < nx ? big.x1 : nx};
}

CBLOT_BOX_INLINE bool holds(const Box& outer, const Box& inner) {
    return inner.empty() || (outer.y0 <= inner.y0 && inner.y1 <= outer.y1 && outer.x0 <= inner.x0 &&
                             inner.x1 <= outer.x1);
}

#undef CBLOT_BOX_INLINE

}  // namespace cblot
