// Output pixels to source positions, and the source box that a region of the output needs.
#pragma once

#include "job.hpp"
#include "simd.hpp"

namespace cblot::CBLOT_ISA {

/// Bilinear mean of the four nodes around each pixel: first along y, for the nodes of the row, then
/// along x with the fractions' table. `Patched`: some cells are given pixel by pixel.
template <bool Patched>
void node_means(const NodePlan& plan, Index j, Index i, Index n, double* x, double* y) {
    const Index step = plan.nodes.step;
    const Index row = (j + 1) / step;
    const double fraction = plan.t[(j + 1) % step];
    const double* const fractions = plan.t;
    const auto along_y = [row, fraction](const View2D<const double>& v, Index k) {
        const double* const lower = v.data + row * v.stride_y + k * v.stride_x;
        return lower[0] + (lower[v.stride_y] - lower[0]) * fraction - 1.0;
    };
    const View2D<const double> nodes_x = plan.nodes.x, nodes_y = plan.nodes.y;
    Index k = (i + 1) / step, m = (i + 1) % step;
    double x1 = along_y(nodes_x, k), y1 = along_y(nodes_y, k);
    constexpr Index lanes = kLanes<double>;
    static_assert(lanes <= kPad);
    for (Index p = 0; p < n; ++k, m = 0) {
        const double x0 = x1, y0 = y1;
        x1 = along_y(nodes_x, k + 1);
        y1 = along_y(nodes_y, k + 1);
        const Index count = min_index(step - m, n - p);
        const std::int32_t patch = Patched ? plan.cells[row * plan.cell_columns + k] : -1;
        if (patch >= 0) {
            const Index line = patch * plan.patch_height + (j + 1) % step;
            for (Index q = 0; q < count; ++q) {
                x[p + q] = plan.nodes.patch_x(line, m + q) - 1.0;
                y[p + q] = plan.nodes.patch_y(line, m + q) - 1.0;
            }
        } else {
            const double dx = x1 - x0, dy = y1 - y0;
            for (Index q = 0; q < count; q += lanes) {
                const Vector<double> t = load(fractions + m + q);
                store(x + p + q, x0 + dx * t);
                store(y + p + q, y0 + dy * t);
            }
        }
        p += count;
    }
}

inline void node_positions(const void* plan_, Index j, Index i, Index n, double* x, double* y) {
    const NodePlan& plan = *static_cast<const NodePlan*>(plan_);
    if (plan.cells == nullptr) {
        node_means<false>(plan, j, i, n, x, y);
    } else {
        node_means<true>(plan, j, i, n, x, y);
    }
}

/// The same mean in the order of operations of drizzlepac's DefaultWCSMapping, which is defined to
/// the last bit.
inline void classic_node_positions(const void* plan_, Index j, Index i, Index n, double* x,
                                   double* y) {
    const NodePlan& plan = *static_cast<const NodePlan*>(plan_);
    const Index step = plan.nodes.step, row = (j + 1) / step;
    const double ty = double(j + 1) / double(step) - double(row), uy = 1.0 - ty;
    const double* const fractions = plan.column_t + i;
    constexpr Index lanes = kLanes<double>;
    const auto means = [=](const View2D<const double>& v, Index k, Index p, Index end, double* to) {
        const double a = v(row, k), b = v(row, k + 1), c = v(row + 1, k), d = v(row + 1, k + 1);
        for (; p < end; p += lanes) {
            const Vector<double> tx = load(fractions + p), ux = 1.0 - tx;
            store(to + p, a * ux * uy + b * tx * uy + c * ux * ty + d * tx * ty - 1.0);
        }
    };
    for (Index p = 0; p < n;) {
        const Index k = (i + p + 1) / step, end = min_index(n, (k + 1) * step - i - 1);
        means(plan.nodes.x, k, p, end, x);
        means(plan.nodes.y, k, p, end, y);
        p = end;
    }
}

inline void pixmap_positions(const void* plan_, Index j, Index i, Index n, double* x, double* y) {
    const PixmapPlan& plan = *static_cast<const PixmapPlan*>(plan_);
    const View2D<const double>&px = plan.pixmap.x, &py = plan.pixmap.y;
    const double* x0 = px.data + (j - plan.first_row) * px.stride_y + i * px.stride_x;
    const double* y0 = py.data + (j - plan.first_row) * py.stride_y + i * py.stride_x;
    if (px.stride_x == 2 && py.stride_x == 2 && y0 == x0 + 1) {
        // Hardware prefetchers stop at the end of a page, which is a block's 16 bytes a pixel.
        for (Index p = 0; p < n; p += 4) {
            prefetch(x0, 2 * (p + kBlock));
        }
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
                const auto before_end = Classic ? (px <= end_x) : (px < end_x);
                const auto inside = (px >= 0.0) & before_end & (py >= 0.0) & (py < end_y);
                least_x = (inside & (px < least_x)) ? px : least_x;
                most_x = (inside & (px > most_x)) ? px : most_x;
                least_y = (inside & (py < least_y)) ? py : least_y;
                most_y = (inside & (py > most_y)) ? py : most_y;
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

inline Box source_box(const Positions& positions, const Box& region, Index ny, Index nx,
                      Index reach) {
    return box_of_positions<false>(positions, region, ny, nx, reach);
}

inline Box classic_source_box(const Positions& positions, const Box& region, Index ny, Index nx,
                              Index reach) {
    return box_of_positions<true>(positions, region, ny, nx, reach);
}

}  // namespace cblot::CBLOT_ISA
