// Output pixels to source positions, and the source box that a region of the output needs.
#pragma once

#include "job.hpp"
#include "simd.hpp"

namespace cblot::CBLOT_ISA {

/// Bilinear mean of the four nodes around each pixel: first along y, for the nodes of the row, then
/// along x with the fractions' table.
inline void node_positions(const void* plan_, Index j, Index i, Index n, double* x, double* y) {
    const NodePlan& plan = *static_cast<const NodePlan*>(plan_);
    const Index step = plan.nodes.step;
    const Index row = (j + 1) / step;
    const double t = plan.t[(j + 1) % step], u = plan.u[(j + 1) % step];
    const auto along_y = [=](const View2D<const double>& v, Index k) {
        return v(row, k) * u + v(row + 1, k) * t - 1.0;
    };
    Index k = (i + 1) / step, m = (i + 1) % step;
    double x1 = along_y(plan.nodes.x, k), y1 = along_y(plan.nodes.y, k);
    constexpr Index lanes = kLanes<double>;
    static_assert(lanes <= kPad);
    for (Index p = 0; p < n; ++k, m = 0) {
        const double x0 = x1, y0 = y1;
        x1 = along_y(plan.nodes.x, k + 1);
        y1 = along_y(plan.nodes.y, k + 1);
        const Index count = min_index(step - m, n - p);
        for (Index q = 0; q < count; q += lanes) {
            const Vector<double> ft = load(plan.t + m + q), fu = load(plan.u + m + q);
            store(x + p + q, x0 * fu + x1 * ft);
            store(y + p + q, y0 * fu + y1 * ft);
        }
        p += count;
    }
}

/// The same mean in the order of operations of drizzlepac's DefaultWCSMapping, which is defined to
/// the last bit: compile it without contraction.
inline void classic_node_positions(const void* plan_, Index j, Index i, Index n, double* x,
                                   double* y) {
    const NodePlan& plan = *static_cast<const NodePlan*>(plan_);
    const double step = double(plan.nodes.step);
    const Index l = (j + 1) / plan.nodes.step;
    const double ty = double(j + 1) / step - double(l), uy = 1.0 - ty;
    for (Index p = 0; p < n; ++p) {
        const Index k = (i + p + 1) / plan.nodes.step;
        const double tx = double(i + p + 1) / step - double(k), ux = 1.0 - tx;
        const auto mean = [=](const View2D<const double>& v) {
            return v(l, k) * ux * uy + v(l, k + 1) * tx * uy + v(l + 1, k) * ux * ty +
                   v(l + 1, k + 1) * tx * ty;
        };
        x[p] = mean(plan.nodes.x) - 1.0;
        y[p] = mean(plan.nodes.y) - 1.0;
    }
}

inline void pixmap_positions(const void* plan_, Index j, Index i, Index n, double* x, double* y) {
    const PixmapPlan& plan = *static_cast<const PixmapPlan*>(plan_);
    const View2D<const double>&px = plan.pixmap.x, &py = plan.pixmap.y;
    const double* x0 = px.data + (j - plan.first_row) * px.stride_y + i * px.stride_x;
    const double* y0 = py.data + (j - plan.first_row) * py.stride_y + i * py.stride_x;
    if (px.stride_x == 2 && py.stride_x == 2 && y0 == x0 + 1) {
        for (Index p = 0; p < n; ++p) {
            x[p] = x0[2 * p];
            y[p] = x0[2 * p + 1];
        }
        return;
    }
    for (Index p = 0; p < n; ++p) {
        x[p] = x0[p * px.stride_x];
        y[p] = y0[p * py.stride_x];
    }
}

/// The box of source pixels under a kernel whose taps reach from base - before to base + after, for
/// all inside positions of a region of the output; empty if there are none.
inline Box source_box(const Positions& positions, const Box& region, Index ny, Index nx,
                      Index before, Index after) {
    double x[kBlock + kPad], y[kBlock + kPad];
    double x_min = double(nx), x_max = -1.0, y_min = double(ny), y_max = -1.0;
    for (Index j = region.y0; j < region.y1; ++j) {
        for (Index i = region.x0; i < region.x1; i += kBlock) {
            const Index n = min_index(kBlock, region.x1 - i);
            positions(j, i, n, x, y);
            for (Index p = 0; p < n; ++p) {
                const bool inside =
                    (x[p] >= 0.0) & (x[p] < double(nx)) & (y[p] >= 0.0) & (y[p] < double(ny));
                x_min = inside & (x[p] < x_min) ? x[p] : x_min;
                x_max = inside & (x[p] > x_max) ? x[p] : x_max;
                y_min = inside & (y[p] < y_min) ? y[p] : y_min;
                y_max = inside & (y[p] > y_max) ? y[p] : y_max;
            }
        }
    }
    if (x_max < 0.0) {
        return Box{};
    }
    return Box{max_index(0, Index(y_min) - before), min_index(ny, Index(y_max) + after + 1),
               max_index(0, Index(x_min) - before), min_index(nx, Index(x_max) + after + 1)};
}

}  // namespace cblot::CBLOT_ISA
