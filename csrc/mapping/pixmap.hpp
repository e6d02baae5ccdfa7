// Positions held in memory.
#pragma once

#include "mapping/planned.hpp"

namespace cblot {

/// The first row held is that of output row first_row.
struct PixmapPlan {
    PixmapMapping pixmap;
    Index first_row = 0;
};

struct PixmapFunctions {
    PositionsFn copy;
};

}  // namespace cblot

#ifdef CBLOT_ISA
#include "simd.hpp"

namespace cblot::CBLOT_ISA {

inline Most pixmap_positions(const void* plan_, Index j, Index i, Index n, double* x, double* y) {
    const PixmapPlan& plan = *static_cast<const PixmapPlan*>(plan_);
    const View2D<const double>&px = plan.pixmap.x, &py = plan.pixmap.y;
    const double* x0 = px.data + (j - plan.first_row) * px.stride_y + i * px.stride_x;
    const double* y0 = py.data + (j - plan.first_row) * py.stride_y + i * py.stride_x;
    if (px.stride_x == 2 && py.stride_x == 2 && y0 == x0 + 1) {
        // Hardware prefetchers stop at the end of a page, which is a block's 16 bytes a pixel.
        // After a short block, the last of its row, comes a next row.
        const Index next = n == kBlock ? 2 * kBlock : px.stride_y;
        for (Index p = 0; p < n; p += 4) {
            prefetch(x0, 2 * p + next);
        }
        for (Index p = 0; p < n; ++p) {
            x[p] = x0[2 * p];
            y[p] = x0[2 * p + 1];
        }
        return {};
    }
    for (Index p = 0; p < n; ++p) {
        x[p] = x0[p * px.stride_x];
        y[p] = y0[p * py.stride_x];
    }
    return {};
}

template <>
PixmapFunctions functions() {
    return {&pixmap_positions};
}

}  // namespace cblot::CBLOT_ISA

#else

namespace cblot {

CBLOT_FUNCTIONS(PixmapFunctions)

class PlannedPixmap : public PlannedMapping {
  public:
    PlannedPixmap(const PixmapMapping& map, const Frame& frame) : plan_{map, 0} {
        check_shape(map.x, "pixmap x", frame.ny, frame.nx);
        check_shape(map.y, "pixmap y", frame.ny, frame.nx);
        positions_ = {functions<PixmapFunctions>(frame.isa).copy, &plan_};
    }

    bool borrowed() const override { return true; }

  private:
    PixmapPlan plan_;
};

inline std::unique_ptr<const PlannedMapping> plan_of(const PixmapMapping& map, const Frame& frame) {
    return std::make_unique<PlannedPixmap>(map, frame);
}

inline void check_memory(const PixmapMapping& map, const Footprint& out, const char* name) {
    check_apart(out, name, Footprint(map.x), "pixmap x");
    check_apart(out, name, Footprint(map.y), "pixmap y");
}

}  // namespace cblot
#endif
