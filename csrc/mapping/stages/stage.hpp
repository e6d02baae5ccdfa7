// The stages of an exact mapping: what each does to the positions of a block.
//
// A stage is a file of this folder, in two halves as a mapping's: its plan and its check, compiled
// once, and what it does, compiled once for each instruction set. Which stages there are, and in
// which order, is exact.hpp's to say.
#pragma once

#include "mapping/planned.hpp"

namespace cblot {

/// Equally spaced positions of one row: x0 + p dx, 0 <= p < n <= kBlock. Where x0 and dx are whole
/// numbers they are exact.
struct Row {
    double x0, dx, y;
    Index n;
};

/// Positions on their way through the stages: output positions, FITS, to begin with, and source
/// positions, 0-based, in the end.
struct StageBlock {
    Row row;  // the output positions
    // Where distortions are looked up: the output positions, corrected by the detector's. None is
    // farther than (most_x, most_y), which may be NaN for unknown, from the output's. If `one_row`,
    // all y are that of the row.
    bool one_row;
    double most_x, most_y;
    alignas(64) double at_x[kBlock], at_y[kBlock];
    // The positions so far, with room for a block.
    double *x, *y;
};

struct Stage {
    void (*run)(const void* plan, StageBlock& block) = nullptr;
    const void* plan = nullptr;
};

using StageFn = decltype(Stage::run);

}  // namespace cblot

#ifdef CBLOT_ISA
#include "simd.hpp"

namespace cblot::CBLOT_ISA {

using Doubles = Vector<double>;

// Stages work on whole pairs of vectors.
inline constexpr Index kStagePad = 2 * kLanes<double>;
static_assert(kStagePad <= kPad && kBlock % kStagePad == 0);

/// 0, 1, 2 ...
CBLOT_INLINE Doubles lane_numbers() {
    alignas(64) double numbers[kLanes<double>];
    for (int l = 0; l < kLanes<double>; ++l) {
        numbers[l] = l;
    }
    return load(numbers);
}

/// Position p of a row, and kLanes positions from p on.
CBLOT_INLINE double position(const Row& row, Index p) { return row.x0 + double(p) * row.dx; }
CBLOT_INLINE Doubles positions_from(const Row& row, Index p) {
    return lane_numbers() * row.dx + position(row, p);
}

/// kLanes of the y at which distortions are looked up.
template <bool OneRow>
CBLOT_INLINE Doubles at_y(const StageBlock& block, Index p) {
    return OneRow ? splat(block.row.y) : load(block.at_y + p);
}

}  // namespace cblot::CBLOT_ISA

#else
#include <cmath>
#include <sstream>
#include <string>

namespace cblot {

inline constexpr double kDegree = 3.14159265358979323846 / 180.0;

/// Refuses a coefficient that makes no positions. Its name, in parts, is made only for that.
template <class... Parts>
void check_coefficient(double value, const Parts&... name) {
    if (!std::isfinite(value)) {
        std::ostringstream text;
        (text << ... << name);
        fail(text.str() + " must be finite, got " + text_of(value));
    }
}

}  // namespace cblot
#endif
