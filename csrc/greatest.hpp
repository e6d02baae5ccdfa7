// The greatest of many sizes, without a branch for each.
#pragma once

#include <limits>

#include "cblot/view.hpp"

namespace cblot {

/// Of numbers that are not negative; NaN if one is NaN, 0 of none.
class Greatest {
  public:
    /// value(i), 0 <= i < n. Loops of one kind each are what compilers make vectors of.
    template <class Value>
    void take(Index n, const Value& value) {
        Index i = 0;
        double values[kLanes];
        for (; i + kLanes <= n; i += kLanes) {
            for (int l = 0; l < kLanes; ++l) {
                values[l] = value(i + l);
            }
            take_lanes(values);
        }
        for (int l = 0; l < kLanes; ++l) {
            values[l] = i + l < n ? value(i + l) : 0.0;
        }
        take_lanes(values);
    }

    double result() const {
        double most = 0.0, lost = 0.0;
        for (int l = 0; l < kLanes; ++l) {
            most = most_[l] > most ? most_[l] : most;
            lost += lost_[l];
        }
        return lost > 0.0 ? std::numeric_limits<double>::quiet_NaN() : most;
    }

  private:
    static constexpr int kLanes = 8;

    void take_lanes(const double* values) {
        for (int l = 0; l < kLanes; ++l) {
            most_[l] = values[l] > most_[l] ? values[l] : most_[l];
        }
        for (int l = 0; l < kLanes; ++l) {
            lost_[l] += values[l] != values[l] ? 1.0 : 0.0;
        }
    }

    double most_[kLanes] = {}, lost_[kLanes] = {};
};

}  // namespace cblot
