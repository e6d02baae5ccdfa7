// The source samples that the next rows of a tile need, asked for before they are.
//
// Where a row of the output crosses rows of the source, each of its pixels has samples in another
// cache line, and no prefetcher of a processor sees an order in that. But the next rows of the tile
// need what is beside them, at the same distance for all pixels of a row.
#pragma once

#include "job.hpp"
#include "locate.hpp"

namespace cblot::CBLOT_ISA {

/// It asks every few rows, for all that they come to meanwhile: the far end of a line that a row of
/// the output moves along is in the line, too.
class RowsAhead {
  public:
    /// Of tiles of one block a row; `reach` is that of the widest kernel's taps.
    RowsAhead(const Box& tile, Index reach)
        : on_(tile.width() <= kBlock && tile.height() > 1 && tile.width() > 1),
          reach_(double(reach)) {}

    /// Takes the positions of a row, the one after the last that was given.
    template <class T>
    CBLOT_INLINE void next_row(const Block<T>& b) {
        asks_ = false;
        if (!on_) {
            return;
        }
        const double x = b.x[0], y = b.y[0];
        const double down_x = x - x_, down_y = y - y_;
        x_ = x;
        y_ = y;
        if (--rows_left_ > 0) {
            return;
        }
        const double along_x = (b.x[b.n - 1] - x) / double(b.n - 1);
        const double along_y = (b.y[b.n - 1] - y) / double(b.n - 1);
        if (!(small(along_x) && small(along_y) && small(down_x) && small(down_y)) ||
            magnitude(along_y) < kLeastSlope) {
            return;
        }
        // How far a row of the output moves along a row of the source to where the next one is.
        const double sweep =
            magnitude(down_x * along_y - down_y * along_x) / magnitude(along_y) + 1e-6;
        const double line = 64.0 / double(sizeof(T));
        rows_left_ = Index(least(kMostRows, line / sweep));
        const double rows = least(kMostAhead, double(rows_left_) + 1.0 + reach_ / sweep);
        x_ahead_ = Index(down_x * rows);
        y_ahead_ = Index(down_y * rows);
        step_ = Index(magnitude(along_y) < 1.0 ? 1.0 / magnitude(along_y) : 1.0);
        asks_ = true;
    }

    /// Asks for samples of a plane, for the rows after that of a located block.
    template <class T>
    CBLOT_INLINE void ask(const Samples<T>& s, const Block<T>& b) const {
        if (!asks_) {
            return;
        }
        const Index ahead = s.origin + y_ahead_ * s.stride_y + x_ahead_ * s.stride_x;
        for (Index p = 0; p < b.n; p += step_) {
            if (b.iy[p] != kOutside) {
                prefetch(s.data, ahead + b.iy[p] * s.stride_y + b.ix[p] * s.stride_x);
            }
        }
    }

  private:
    static constexpr double kLeastSlope = 1.0 / 16.0;  // below, processors foresee what is needed
    static constexpr double kMostRows = 4.0;           // between two times of asking
    static constexpr double kMostAhead = 12.0;         // rows; what is asked for must stay at hand

    static CBLOT_INLINE double magnitude(double v) { return v < 0.0 ? -v : v; }
    static CBLOT_INLINE double least(double a, double b) { return a < b ? a : b; }
    static CBLOT_INLINE bool small(double v) { return magnitude(v) < 1e4; }  // and not NaN

    bool on_, asks_ = false;
    double reach_;
    double x_ = -1e30, y_ = -1e30;
    Index rows_left_ = 0, x_ahead_ = 0, y_ahead_ = 0, step_ = 1;
};

}  // namespace cblot::CBLOT_ISA
