// The box of source pixels that a region of the output needs.
#pragma once

#include "functions.hpp"
#include "positions.hpp"

namespace cblot {

/// The box of source pixels not farther than `reach` from the pixel below an inside position of a
/// region of the output; empty if there is none.
using SourceBoxFn = Box (*)(const Positions&, const Box& region, Index ny, Index nx, Index reach);

struct SourceBoxFunctions {
    SourceBoxFn plain, classic;
};

}  // namespace cblot

#ifdef CBLOT_ISA
#include "inside.hpp"
#include "simd.hpp"

namespace cblot::CBLOT_ISA {

/// See SourceBoxFn. `Classic`: positions as the classic arithmetic has them, in float32 and with
/// the far end of x inside.
template <bool Classic>
Box box_of_positions(const Positions& positions, const Box& region, Index ny, Index nx,
                     Index reach) {
    double x[kBlock + kPad], y[kBlock + kPad];
    const double width = double(nx), height = double(ny);
    const double end_x = Classic ? double(float(width)) : width;
    const double end_y = Classic ? double(float(height)) : height;
    const auto narrow = [](Vector<double> v) {
        return Classic ? convert<double>(convert<float>(v)) : v;
    };
    constexpr Index lanes = kLanes<double>;
    static_assert(kPad % lanes == 0);
    Vector<double> least_x = splat(width), most_x = splat(-1.0), least_y = splat(height),
                   most_y = splat(-1.0);
    for (Index j = region.y0; j < region.y1; ++j) {
        for (Index i = region.x0; i < region.x1; i += kBlock) {
            const Index n = min_index(kBlock, region.x1 - i);
            positions(j, i, n, x, y);
            for (Index p = n; p % lanes != 0; ++p) {
                x[p] = y[p] = -1.0;
            }
            for (Index p = 0; p < n; p += lanes) {
                const Vector<double> px = narrow(load(x + p)), py = narrow(load(y + p));
                const auto within = inside<Classic>(px, py, end_x, end_y);
                least_x = (within & (px < least_x)) ? px : least_x;
                most_x = (within & (px > most_x)) ? px : most_x;
                least_y = (within & (py < least_y)) ? py : least_y;
                most_y = (within & (py > most_y)) ? py : most_y;
            }
        }
    }
    double x_min = width, x_max = -1.0, y_min = height, y_max = -1.0;
    for (int l = 0; l < lanes; ++l) {
        x_min = lane_of(least_x, l) < x_min ? lane_of(least_x, l) : x_min;
        x_max = lane_of(most_x, l) > x_max ? lane_of(most_x, l) : x_max;
        y_min = lane_of(least_y, l) < y_min ? lane_of(least_y, l) : y_min;
        y_max = lane_of(most_y, l) > y_max ? lane_of(most_y, l) : y_max;
    }
    if (x_max < 0.0) {
        return Box{};
    }
    return Box{max_index(0, min_index(ny - 1, Index(y_min)) - reach),
               min_index(ny, Index(y_max) + reach + 1),
               max_index(0, min_index(nx - 1, Index(x_min)) - reach),
               min_index(nx, Index(x_max) + reach + 1)};
}

template <>
SourceBoxFunctions functions() {
    return {&box_of_positions<false>, &box_of_positions<true>};
}

}  // namespace cblot::CBLOT_ISA

#else

namespace cblot {
CBLOT_FUNCTIONS(SourceBoxFunctions)
}

#endif
