// Whether the pixels of two images, or two pixels of one, lie in the same memory. Images of one
// buffer may interleave: planes of real and imaginary parts, columns left and right of one.
#pragma once

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <string>

#include "check.hpp"

namespace cblot {

/// Elements at begin + k step, 0 <= k < count, each `size` bytes long; in bytes.
struct Progression {
    std::int64_t begin, step, count, size;

    std::int64_t end() const { return begin + (count - 1) * step + size; }
};

/// The bytes of a view: rows of pixels, or whatever is the shorter of its steps.
class Footprint {
  public:
    /// Of a view that has been checked.
    template <class T>
    explicit Footprint(const View2D<T>& given) {
        const View2D<T> view = with_used_strides(given);
        constexpr auto size = std::int64_t(sizeof(T));
        auto begin = std::int64_t(reinterpret_cast<std::uintptr_t>(view.data));
        Axis x{view.stride_x * size, view.nx}, y{view.stride_y * size, view.ny};
        for (Axis* axis : {&x, &y}) {
            if (axis->step < 0) {  // from its other end
                begin += axis->step * (axis->count - 1);
                axis->step = -axis->step;
            }
            if (axis->step == 0 || axis->count == 1) {
                several_in_one_ = several_in_one_ || axis->count > 1;
                *axis = {0, 1};
            }
        }
        if ((x.step > y.step && y.count > 1) || x.count == 1) {
            std::swap(x, y);
        }
        row_ = {begin, x.step, x.count, size};
        step_ = y.step;
        count_ = y.count;
        // j' - j rows and i - i' pixels make the same way for their least common multiple.
        if (x.count > 1 && y.count > 1) {
            const std::int64_t common = std::gcd(x.step, y.step);
            several_in_one_ =
                several_in_one_ || (x.step / common < y.count && y.step / common < x.count);
        }
    }

    /// Whether two pixels lie in one place.
    bool several_in_one() const { return several_in_one_; }

    /// Whether they have a byte in common with another's. Exact, but for views each row of which
    /// overlaps thousands of the other's: those count as overlapping.
    bool overlaps(const Footprint& other) const {
        if (row_.begin >= other.end() || other.row_.begin >= end() || interleave(other)) {
            return false;
        }
        if (count_ > other.count_) {
            return other.overlaps(*this);
        }
        std::int64_t pairs = kMostPairs;
        for (std::int64_t j = 0; j < count_; ++j) {
            Progression row = row_;
            row.begin += j * step_;
            // The other's rows that this one may meet.
            std::int64_t first = 0, last = other.count_ - 1;
            if (other.step_ > 0) {
                first = std::max(first, (row.begin - other.row_.end()) / other.step_);
                last = std::min(last, (row.end() - other.row_.begin) / other.step_);
            }
            for (std::int64_t k = first; k <= last; ++k) {
                Progression theirs = other.row_;
                theirs.begin += k * other.step_;
                if (--pairs < 0 || meet(row, theirs, pairs)) {
                    return true;
                }
            }
        }
        return false;
    }

  private:
    struct Axis {
        std::int64_t step, count;
    };
    static constexpr std::int64_t kMostPairs = 1 << 24;

    std::int64_t end() const { return row_.end() + (count_ - 1) * step_; }

    /// Whether their elements lie between each other's: they do if all steps are multiples of one
    /// number, and their places differ modulo that.
    bool interleave(const Footprint& other) const {
        const std::int64_t common =
            std::gcd(std::gcd(row_.step, step_), std::gcd(other.row_.step, other.step_));
        return apart(row_, other.row_, common);
    }

    static bool apart(const Progression& a, const Progression& b, std::int64_t common) {
        if (common == 0) {
            return false;
        }
        const std::int64_t distance = ((b.begin - a.begin) % common + common) % common;
        return distance >= a.size && common - distance >= b.size;
    }

    static bool meet(const Progression& a, const Progression& b, std::int64_t& pairs) {
        if (a.begin >= b.end() || b.begin >= a.end() || apart(a, b, std::gcd(a.step, b.step))) {
            return false;
        }
        if (a.count > b.count) {
            return meet(b, a, pairs);
        }
        pairs -= a.count;
        for (std::int64_t i = 0; i < a.count && pairs >= 0; ++i) {
            const std::int64_t begin = a.begin + i * a.step, end = begin + a.size;
            // The first of the other's elements that ends after this one begins.
            const std::int64_t ahead = begin - b.begin - b.size + 1;
            const std::int64_t k = ahead <= 0 || b.step == 0 ? 0 : (ahead + b.step - 1) / b.step;
            const std::int64_t at = b.begin + k * b.step;
            if (k < b.count && at < end && at + b.size > begin) {
                return true;
            }
        }
        return pairs < 0;
    }

    Progression row_{};
    std::int64_t step_ = 0, count_ = 1;  // of rows
    bool several_in_one_ = false;
};

inline void check_apart(const Footprint& a, const char* name, const Footprint& b,
                        const char* other) {
    if (a.overlaps(b)) {
        fail(std::string(name) + " must not overlap " + other + " in memory");
    }
}

/// Refuses an output two of whose pixels lie in one place.
template <class T>
void check_places(const View2D<T>& out, const char* name) {
    if (Footprint(out).several_in_one()) {
        fail(std::string(name) + " must have a place in memory for each pixel, got strides " +
             strides_of(out.stride_y, out.stride_x));
    }
}

}  // namespace cblot
