// Positions that a caller's function is asked for, those of whole rows of a tile at once.
#pragma once

#include "mapping/pixmap.hpp"

#ifndef CBLOT_ISA
namespace cblot {

class PlannedCallback : public PlannedMapping {
  public:
    PlannedCallback(const CallbackMapping& callback, const Frame& frame)
        : callback_(callback), nx_(frame.nx), fill_(functions<PixmapFunctions>(frame.isa).copy) {
        if (!callback.positions) {
            fail("a callback mapping must have a function");
        }
    }

    bool single_thread() const override { return true; }

    Index whole_row() const override { return nx_; }

    void open(Index row_begin, Index row_end, TilePositions& tile) const override {
        const Index count = (row_end - row_begin) * nx_;
        auto* had = static_cast<Answer*>(tile.rows.get());
        if (had == nullptr || had->count < count) {
            // Once or twice a call: what is around a tile is cut at the frame's first row.
            tile.rows.reset();
            tile.rows = std::make_unique<Answer>(count);
        }
        auto& answer = static_cast<Answer&>(*tile.rows);
        double *x = answer.memory.get(), *y = x + count;
        callback_.positions(row_begin, row_end, x, y);
        answer.plan.pixmap.x = {x, row_end - row_begin, nx_, nx_, 1};
        answer.plan.pixmap.y = {y, row_end - row_begin, nx_, nx_, 1};
        answer.plan.first_row = row_begin;
        tile.positions = {fill_, &answer.plan};
    }

  private:
    struct Answer : TilePositions::Rows {
        explicit Answer(Index positions)
            : count(positions), memory(std::make_unique<double[]>(2 * std::size_t(positions))) {}

        Index count;
        std::unique_ptr<double[]> memory;
        PixmapPlan plan;
    };

    const CallbackMapping& callback_;
    Index nx_;
    PositionsFn fill_;
};

inline std::unique_ptr<const PlannedMapping> plan_of(const CallbackMapping& callback,
                                                     const Frame& frame) {
    return std::make_unique<PlannedCallback>(callback, frame);
}

/// Its function answers into memory of the library's.
inline void check_memory(const CallbackMapping&, const Footprint&, const char*) {}

}  // namespace cblot
#endif
