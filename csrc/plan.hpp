// A call's mapping, checked against the output and made ready for the tiles.
#pragma once

#include <algorithm>
#include <memory>
#include <vector>

#include "check.hpp"
#include "dispatch.hpp"
#include "exact_plan.hpp"
#include "job.hpp"

namespace cblot {

/// The mapping of a call as the tiles see it: owns what the plans point to.
class MappingPlan {
  public:
    /// `nodes` is the bilinear mean to use for a node mapping.
    MappingPlan(const Mapping& mapping, Index ny, Index nx, const PositionTable& table,
                PositionsFn nodes)
        : nx_(nx), pixmap_positions_(table.pixmap) {
        if (const auto* grid = std::get_if<NodeMapping>(&mapping)) {
            plan_nodes(*grid, ny, nx);
            if (nodes == table.classic_nodes) {
                plan_columns(grid->step);
            }
            if (grid->cells.data != nullptr) {
                if (nodes == table.classic_nodes) {
                    fail("classic arithmetic is that of nodes alone, got cells with patches");
                }
                plan_patches(*grid, ny, nx);
            }
            positions_ = {nodes, &node_plan_};
        } else if (const auto* map = std::get_if<PixmapMapping>(&mapping)) {
            check_shape(map->x, "pixmap x", ny, nx);
            check_shape(map->y, "pixmap y", ny, nx);
            pixmap_plan_.pixmap = *map;
            positions_ = {table.pixmap, &pixmap_plan_};
        } else if (const auto* exact = std::get_if<ExactMapping>(&mapping)) {
            exact_ = std::make_unique<ExactPlanner>(*exact);
            positions_ = {table.exact, &exact_->plan()};
        } else {
            callback_ = &std::get<CallbackMapping>(mapping);
            if (!callback_->positions) {
                fail("a callback mapping must have a function");
            }
        }
    }

    /// Whether only the calling thread may ask for positions.
    bool single_thread() const { return callback_ != nullptr; }

    /// Whether positions are read from the caller's memory, where they may change meanwhile.
    bool borrowed() const {
        return positions_.plan == &node_plan_ || positions_.plan == &pixmap_plan_;
    }

    /// How many positions a row of a tile takes: a callback gives those of all columns.
    Index row_width(const Box& region) const { return callback_ != nullptr ? nx_ : region.width(); }

    /// Positions of a tile of rows: what a callback answers stays in buffer for the tile's life.
    struct TilePositions {
        Positions positions;
        PixmapPlan plan;
        std::unique_ptr<double[]> buffer;
    };

    void open(Index row_begin, Index row_end, TilePositions& tile) const {
        if (callback_ == nullptr) {
            tile.positions = positions_;
            return;
        }
        const Index count = (row_end - row_begin) * nx_;
        if (!tile.buffer) {
            tile.buffer = std::make_unique<double[]>(2 * std::size_t(count));
        }
        double *x = tile.buffer.get(), *y = x + count;
        callback_->positions(row_begin, row_end, x, y);
        tile.plan.pixmap.x = {x, row_end - row_begin, nx_, nx_, 1};
        tile.plan.pixmap.y = {y, row_end - row_begin, nx_, nx_, 1};
        tile.plan.first_row = row_begin;
        tile.positions = {pixmap_positions_, &tile.plan};
    }

  private:
    void plan_nodes(const NodeMapping& nodes, Index ny, Index nx) {
        if (nodes.step < 2) {
            fail("the step of a node grid must be at least 2, got " + std::to_string(nodes.step));
        }
        if (nodes.step > kMaxAxis) {
            fail("the step of a node grid must be at most " + std::to_string(kMaxAxis) + ", got " +
                 std::to_string(nodes.step));
        }
        check_shape(nodes.x, "node x", ny / nodes.step + 2, nx / nodes.step + 2);
        check_shape(nodes.y, "node y", ny / nodes.step + 2, nx / nodes.step + 2);
        // Fractions beyond the frame are never used; a step may be much longer than the frame.
        const Index used = std::min(nodes.step, std::max(ny, nx) + 1);
        fractions_.assign(std::size_t(used + kPad), 0.0);
        for (Index m = 0; m < used; ++m) {
            fractions_[std::size_t(m)] = double(m) / double(nodes.step);
        }
        node_plan_.nodes = nodes;
        node_plan_.t = fractions_.data();
    }

    void plan_patches(const NodeMapping& nodes, Index ny, Index nx) {
        const View2D<const std::int32_t>& cells = nodes.cells;
        const Index rows = ny / nodes.step + 1, columns = nx / nodes.step + 1;
        const Index height = patch_size(nodes.step, ny), width = patch_size(nodes.step, nx);
        check_shape(cells, "cells", rows, columns);
        check_view(nodes.patch_x, "patch x");
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
        node_plan_.cells = cells_.data();
        node_plan_.cell_columns = columns;
        node_plan_.patch_height = height;
    }

    void plan_columns(Index step) {
        columns_.assign(std::size_t(nx_ + kPad), 0.0);
        for (Index i = 0; i < nx_; ++i) {
            columns_[std::size_t(i)] = double(i + 1) / double(step) - double((i + 1) / step);
        }
        node_plan_.column_t = columns_.data();
    }

    Index nx_;
    PositionsFn pixmap_positions_;
    const CallbackMapping* callback_ = nullptr;
    Positions positions_;
    NodePlan node_plan_;
    PixmapPlan pixmap_plan_;
    std::vector<double> fractions_, columns_;
    std::vector<std::int32_t> cells_;
    std::unique_ptr<ExactPlanner> exact_;
};

}  // namespace cblot
