// Weights times pixels: the unchecked interior, and the edge.
#pragma once

#include "edge.hpp"
#include "interp.hpp"
#include "job.hpp"
#include "locate.hpp"

namespace cblot::CBLOT_ISA {

/// Interpolation with separable weights. A sum has
///   State                       what it needs of kLanes pixels
///   prepare(block, p)           makes that for pixels p, p + 1 ...
///   run(corner, stride, state)  the values, if their taps start at consecutive samples of a row
///   one(corner, strides, state, lane)  the value of one of them, to the same bits
///   edge(samples, state, lane, iy, ix) the same for one whose taps reach beyond the image
template <class T, class K>
struct WeightedSum {
    static constexpr int width = K::width, offset = K::offset;

    struct State {
        Vector<T> wx[width], wy[width];
    };

    const K& kernel;

    CBLOT_INLINE State prepare(const Block<T>& b, Index p) const {
        State state;
        kernel.weights(load(b.tx + p), load(b.ux + p), state.wx);
        kernel.weights(load(b.ty + p), load(b.uy + p), state.wy);
        return state;
    }

    CBLOT_INLINE static Vector<T> run(const T* corner, Index stride_y, const State& state) {
        return sum<Vector<T>>(
            corner, stride_y, 1, [&](int c) { return state.wx[c]; },
            [&](int r) { return state.wy[r]; });
    }

    CBLOT_INLINE static T one(const T* corner, Index stride_y, Index stride_x, const State& state,
                              int lane) {
        return sum<T>(
            corner, stride_y, stride_x, [&](int c) { return lane_of(state.wx[c], lane); },
            [&](int r) { return lane_of(state.wy[r], lane); });
    }

    static T edge(const Samples<T>& s, const State& state, int lane, Index iy, Index ix) {
        T wx[width], wy[width];
        for (int c = 0; c < width; ++c) {
            wx[c] = lane_of(state.wx[c], lane);
            wy[c] = lane_of(state.wy[c], lane);
        }
        const Folded<T, width> x(wx, ix + offset, s.nx, K::edge);
        const Folded<T, width> y(wy, iy + offset, s.ny, K::edge);
        T total = T(0);
        for (Index r = 0; r < y.count; ++r) {
            if (!y.used[r]) {
                continue;
            }
            const Index row = s.origin + (y.first + r) * s.stride_y;
            T sum = T(0);
            for (Index c = 0; c < x.count; ++c) {
                if (x.used[c]) {
                    sum += x.weight[c] * s.data[row + (x.first + c) * s.stride_x];
                }
            }
            total += y.weight[r] * sum;
        }
        return total;
    }

  private:
    /// The order of the operations on a pixel is fixed, so its bits do not depend on its
    /// neighbours.
    template <class V, class Wx, class Wy>
    CBLOT_INLINE static V sum(const T* corner, Index stride_y, Index stride_x, const Wx& wx,
                              const Wy& wy) {
        if constexpr (width == 1) {
            return load_as<V>(corner);
        } else {
            V total{};
            for (int r = 0; r < width; ++r) {
                const T* const row = corner + r * stride_y;
                V along_x = wx(0) * load_as<V>(row);
                for (int c = 1; c < width; ++c) {
                    along_x = along_x + wx(c) * load_as<V>(row + c * stride_x);
                }
                total = r == 0 ? wy(0) * along_x : total + wy(r) * along_x;
            }
            return total;
        }
    }
};

/// Pixels of lanes [first, last), one at a time.
template <class T, class Sum>
CBLOT_NOINLINE void sample_lanes(const Samples<T>& s, const typename Sum::State& state,
                                 const Block<T>& b, Index p, int first, int last, T* values) {
    constexpr Index offset = Sum::offset, width = Sum::width;
    for (int l = first; l < last; ++l) {
        const Index ix = b.ix[p + l], iy = b.iy[p + l];
        if (iy == kOutside) {
            continue;
        }
        const bool interior = ix + offset >= 0 && ix + offset + width <= s.nx && iy + offset >= 0 &&
                              iy + offset + width <= s.ny;
        values[l] = interior ? Sum::one(s.data + (s.origin + (iy + offset) * s.stride_y +
                                                  (ix + offset) * s.stride_x),
                                        s.stride_y, s.stride_x, state, l)
                             : Sum::edge(s, state, l, iy, ix);
    }
}

/// Interpolated values of a block, kLanes pixels at a time. A run of pixels is worked out for all
/// lanes, as if its row of samples went on, and kept from its first lane on; the next run then
/// takes its own lanes.
template <class T, class Sum>
CBLOT_INLINE void sample(const Samples<T>& s, const Sum& sum, Block<T>& b) {
    constexpr int lanes = kLanes<T>;
    constexpr Index offset = Sum::offset, width = Sum::width;
    // Lower left corners of taps from which a whole vector can be read: so many from x_begin on.
    const Index columns = s.x_end - s.x_begin;
    const Index corners_x = s.stride_x == 1 ? max_index(0, columns - (width - 1 + lanes) + 1) : 0;
    const Index corners_y = max_index(0, s.ny - width + 1);
    for (Index p = 0; p < b.n; p += lanes) {
        const typename Sum::State state = sum.prepare(b, p);
        Vector<T> value{};
        unsigned starts = run_starts(b, p);
        const bool scattered = count_bits(starts) * 2 > lanes;
        for (int lane = 0;;) {
            const int next = starts != 0 && !scattered ? lowest_bit(starts) : lanes;
            const Index x = b.ix[p + lane] + offset - lane, y = b.iy[p + lane] + offset;
            if (!scattered && std::size_t(x - s.x_begin) < std::size_t(corners_x) &&
                std::size_t(y) < std::size_t(corners_y)) {
                const T* const corner = s.data + (s.origin + y * s.stride_y + x);
                // The next output row's new samples: a row of an exposure is seldom parallel to
                // one of the source, so that no prefetcher finds them.
                prefetch(corner, lane + width * s.stride_y);
                prefetch(corner, lane - s.stride_y);
                value = from_lane(lane, Sum::run(corner, s.stride_y, state), value);
            } else if (scattered || b.iy[p + lane] != kOutside) {
                // Copies, so that what is used above stays in registers.
                const typename Sum::State copy = state;
                alignas(64) T values[lanes];
                store(values, value);
                sample_lanes<T, Sum>(s, copy, b, p, lane, next, values);
                value = load(values);
            }
            if (next == lanes) {
                break;
            }
            lane = next;
            starts &= starts - 1;
        }
        store(b.value + p, value);
    }
}

}  // namespace cblot::CBLOT_ISA
