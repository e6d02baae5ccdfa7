// Nodes of a grid, and the bilinear mean between them.
#pragma once

#include "mapping/planned.hpp"

namespace cblot {

/// A node grid, its cells dense and checked, with the fractions between two nodes: of the m-th
/// position after a node, m / step, and, for the classic mean, of each output column as drizzlepac
/// rounds it.
struct NodePlan {
    NodeMapping nodes;
    const double* t = nullptr;
    const double* column_t = nullptr;
    const std::int32_t* cells = nullptr;  // null where all are of nodes
    Index cell_columns = 0, patch_height = 0;
};

struct NodeFunctions {
    PositionsFn mean, classic_mean;
};

/// How far an output position, FITS, is beyond the node before it, as drizzlepac rounds it.
constexpr double classic_fraction(Index position, Index step) {
    return double(position) / double(step) - double(position / step);
}

}  // namespace cblot

#ifdef CBLOT_ISA
#include "inside.hpp"
#include "simd.hpp"

namespace cblot::CBLOT_ISA {

/// Bilinear mean of the four nodes around each pixel: first along y, for the nodes of the row, then
/// along x with the fractions' table. No mean is beyond the nodes of the row, but for its rounding,
/// and where none of them is negative, none is. (They are read once, for they may change.)
/// `Patched`: some cells are given pixel by pixel.
template <bool Patched>
Most node_means(const NodePlan& plan, Index j, Index i, Index n, double* x, double* y) {
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
    Most most{0, 0};
    const auto take = [&most](double node_x, double node_y) {
        take_most(most.x, node_x);
        take_most(most.y, node_y);
    };
    take(x1, y1);
    constexpr Index lanes = kLanes<double>;
    static_assert(lanes <= kPad);
    for (Index p = 0; p < n; ++k, m = 0) {
        const double x0 = x1, y0 = y1;
        x1 = along_y(nodes_x, k + 1);
        y1 = along_y(nodes_y, k + 1);
        take(x1, y1);
        const Index count = min_index(step - m, n - p);
        const std::int32_t patch = Patched ? plan.cells[row * plan.cell_columns + k] : -1;
        if (patch >= 0) {
            most = Most{};
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
    return most;
}

inline Most node_positions(const void* plan_, Index j, Index i, Index n, double* x, double* y) {
    const NodePlan& plan = *static_cast<const NodePlan*>(plan_);
    if (plan.cells == nullptr) {
        return node_means<false>(plan, j, i, n, x, y);
    }
    return node_means<true>(plan, j, i, n, x, y);
}

/// The same mean in the order of operations of drizzlepac's DefaultWCSMapping, which is defined to
/// the last bit.
inline Most classic_node_positions(const void* plan_, Index j, Index i, Index n, double* x,
                                   double* y) {
    const NodePlan& plan = *static_cast<const NodePlan*>(plan_);
    const Index step = plan.nodes.step, row = (j + 1) / step;
    const double ty = classic_fraction(j + 1, step), uy = 1.0 - ty;
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
    return {};
}

template <>
NodeFunctions functions() {
    return {&node_positions, &classic_node_positions};
}

}  // namespace cblot::CBLOT_ISA

#else
#include <algorithm>
#include <vector>

namespace cblot {

CBLOT_FUNCTIONS(NodeFunctions)

class PlannedNodes : public PlannedMapping {
  public:
    PlannedNodes(const NodeMapping& nodes, const Frame& frame) {
        plan_nodes(nodes, frame.ny, frame.nx);
        if (frame.classic) {
            plan_columns(nodes.step, frame.nx);
        }
        if (nodes.cells.data != nullptr) {
            if (frame.classic) {
                fail("classic arithmetic is that of nodes alone, got cells with patches");
            }
            plan_patches(nodes, frame.ny, frame.nx);
        }
        const auto means = functions<NodeFunctions>(frame.isa);
        positions_ = {frame.classic ? means.classic_mean : means.mean, &plan_};
    }

    bool borrowed() const override { return true; }

  private:
    void plan_nodes(const NodeMapping& nodes, Index ny, Index nx) {
        if (nodes.step < 2) {
            fail("the step of a node grid must be at least 2, got " + std::to_string(nodes.step));
        }
        if (nodes.step > kMaxAxis) {
            fail("the step of a node grid must be at most " + std::to_string(kMaxAxis) + ", got " +
                 std::to_string(nodes.step));
        }
        const Index rows = node_count(nodes.step, ny), columns = node_count(nodes.step, nx);
        check_shape(nodes.x, "node x", rows, columns);
        check_shape(nodes.y, "node y", rows, columns);
        // Fractions beyond the frame are never used; a step may be much longer than the frame.
        const Index used = std::min(nodes.step, std::max(ny, nx) + 1);
        fractions_.assign(std::size_t(used + kPad), 0.0);
        for (Index m = 0; m < used; ++m) {
            fractions_[std::size_t(m)] = double(m) / double(nodes.step);
        }
        plan_.nodes = nodes;
        plan_.t = fractions_.data();
    }

    void plan_patches(const NodeMapping& nodes, Index ny, Index nx) {
        const View2D<const std::int32_t>& cells = nodes.cells;
        const Index rows = node_count(nodes.step, ny) - 1, columns = node_count(nodes.step, nx) - 1;
        const Index height = patch_size(nodes.step, ny), width = patch_size(nodes.step, nx);
        check_shape(cells, "cells", rows, columns);
        check_view(nodes.patch_x, "patch x");
        if (nodes.patch_x.ny % height != 0) {
            fail("patch x must have " + std::to_string(height) + " rows a patch, got " +
                 std::to_string(nodes.patch_x.ny) + " rows");
        }
        const Index count = nodes.patch_x.ny / height;
        check_shape(nodes.patch_x, "patch x", count * height, width);
        check_shape(nodes.patch_y, "patch y", count * height, width);
        // Copied, for what was checked must not change.
        cells_.reserve(std::size_t(rows * columns));
        for (Index l = 0; l < rows; ++l) {
            for (Index k = 0; k < columns; ++k) {
                const std::int32_t cell = cells(l, k);
                if (cell < -1 || cell >= count) {
                    fail("cells must be -1 or one of " + std::to_string(count) + " patches, got " +
                         std::to_string(cell));
                }
                cells_.push_back(cell);
            }
        }
        plan_.cells = cells_.data();
        plan_.cell_columns = columns;
        plan_.patch_height = height;
    }

    void plan_columns(Index step, Index nx) {
        columns_.assign(std::size_t(nx + kPad), 0.0);
        for (Index i = 0; i < nx; ++i) {
            columns_[std::size_t(i)] = classic_fraction(i + 1, step);
        }
        plan_.column_t = columns_.data();
    }

    NodePlan plan_;
    std::vector<double> fractions_, columns_;
    std::vector<std::int32_t> cells_;
};

inline std::unique_ptr<const PlannedMapping> plan_of(const NodeMapping& nodes, const Frame& frame) {
    return std::make_unique<PlannedNodes>(nodes, frame);
}

inline void check_memory(const NodeMapping& nodes, const Footprint& out, const char* name) {
    check_apart(out, name, Footprint(nodes.x), "node x");
    check_apart(out, name, Footprint(nodes.y), "node y");
    if (nodes.cells.data != nullptr) {  // they are copied
        check_apart(out, name, Footprint(nodes.patch_x), "patch x");
        check_apart(out, name, Footprint(nodes.patch_y), "patch y");
    }
}

}  // namespace cblot
#endif
