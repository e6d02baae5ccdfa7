// Weights times pixels: the unchecked interior, and the edge.
#pragma once

#include "edge.hpp"
#include "interp.hpp"
#include "job.hpp"
#include "locate.hpp"

namespace cblot::CBLOT_ISA {

/// Interpolation with separable weights: sums down the columns of taps first, then their sum. A sum
/// has
///   State                       what it needs of kLanes pixels
///   prepare(block, p)           makes that for pixels p, p + 1 ...
///   run(corner, stride, state)  the values, if their taps start at consecutive samples of a row
///   scattered(corners, stride, state, values)
///                               the values wherever their taps start
///   reads                       for which rows go on for so many samples from there
///   breaks                      up to so many breaks in a vector of pixels, runs are faster
///   one(corner, strides, state, lane)  the value of one of them, to the same bits
///   edge(samples, state, lane, iy, ix) the same for one whose taps reach beyond the image
template <class T, class K>
struct WeightedSum {
    static constexpr int width = K::width, offset = K::offset, lanes = kLanes<T>;

    struct State {
        Vector<T> wx[width], wy[width];
    };

    const K& kernel;

    CBLOT_INLINE State prepare(const Block<T>& b, Index p) const {
        State state;
        kernel.weights(load(b.tx + p), state.wx);
        kernel.weights(load(b.ty + p), state.wy);
        return state;
    }

    CBLOT_INLINE static Vector<T> run(const T* corner, Index stride_y, const State& state) {
        if constexpr (width == 1) {
            return load(corner);
        } else {
            Vector<T> total{};
            for (int c = 0; c < width; ++c) {
                Vector<T> column = state.wy[0] * load(corner + c);
                for (int r = 1; r < width; ++r) {
                    column = column + state.wy[r] * load(corner + c + r * stride_y);
                }
                total = c == 0 ? state.wx[0] * column : total + state.wx[c] * column;
            }
            return total;
        }
    }

    CBLOT_INLINE static T one(const T* corner, Index stride_y, Index stride_x, const State& state,
                              int lane) {
        if constexpr (width == 1) {
            return corner[0];
        } else {
            T columns[width];
            for (int c = 0; c < width; ++c) {
                columns[c] = lane_of(state.wy[0], lane) * corner[c * stride_x];
            }
            for (int r = 1; r < width; ++r) {
                const T* const row = corner + r * stride_y;
                for (int c = 0; c < width; ++c) {
                    columns[c] += lane_of(state.wy[r], lane) * row[c * stride_x];
                }
            }
            T total = lane_of(state.wx[0], lane) * columns[0];
            for (int c = 1; c < width; ++c) {
                total += lane_of(state.wx[c], lane) * columns[c];
            }
            return total;
        }
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
        for (Index c = 0; c < x.count; ++c) {
            if (!x.used[c]) {
                continue;
            }
            const Index column = s.origin + (x.first + c) * s.stride_x;
            T sum = T(0);
            for (Index r = 0; r < y.count; ++r) {
                if (y.used[r]) {
                    sum += y.weight[r] * s.data[column + (y.first + r) * s.stride_y];
                }
            }
            total += x.weight[c] * sum;
        }
        return total;
    }

#ifdef CBLOT_HAS_SHUFFLES
    /// Columns of taps that are worked out at once from column c on: what fills a vector, or the
    /// power of two that wastes little.
    static constexpr int columns_from(int c) {
        int power = 2;
        while (power < lanes && power < width - c) {
            power *= 2;
        }
        return 3 * power <= 4 * (width - c) || power == 2 ? power : power / 2;
    }

    static constexpr int columns_read() {
        int c = 0;
        while (c < width) {
            c += columns_from(c);
        }
        return c;
    }

    static constexpr int reads = width == 1 ? 1 : columns_read(), breaks = 8 / width;

    CBLOT_INLINE static void scattered(const T* const* corner, Index stride_y, const State& state,
                                       T* values) {
        if constexpr (width == 1) {
            for (int l = 0; l < lanes; ++l) {
                values[l] = *corner[l];
            }
        } else {
            Vector<T> total{};
            add_columns<0>(corner, stride_y, state, total);
            store(values, total);
        }
    }

  private:
    /// A vector of columns for each pixel, or for some of them, then of pixels for each column.
    template <int C>
    CBLOT_INLINE static void add_columns(const T* const* corner, Index stride_y, const State& state,
                                         Vector<T>& total) {
        constexpr int count = columns_from(C);
        using Square = Transposed<T, count>;
        Vector<T> columns[count];
        if constexpr (count == lanes) {
            alignas(64) T weights[width][lanes];
            for (int r = 0; r < width; ++r) {
                store(weights[r], state.wy[r]);
            }
            for (int l = 0; l < lanes; ++l) {
                const T* const from = corner[l] + C;
                Vector<T> sum = splat(weights[0][l]) * load(from);
                for (int r = 1; r < width; ++r) {
                    sum = sum + splat(weights[r][l]) * load(from + r * stride_y);
                }
                columns[l] = sum;
            }
        } else {
            unrolled<count>([&](auto q) {
                constexpr int vector = decltype(q)::value;
                const auto weights = [&](int r) {
                    return shuffle<lanes>(state.wy[r], state.wy[r], [](int l) {
                        return Square::pixel(decltype(q)::value, l / Square::width);
                    });
                };
                const auto samples = [&](int r) {
                    return load_blocks<T, count>([&](int block) {
                        return corner[Square::pixel(vector, block)] + C + r * stride_y;
                    });
                };
                Vector<T> sum = weights(0) * samples(0);
                for (int r = 1; r < width; ++r) {
                    sum = sum + weights(r) * samples(r);
                }
                columns[vector] = sum;
            });
        }
        Square::columns(columns);
        for (int c = C; c < min_index(C + count, width); ++c) {
            total = c == 0 ? state.wx[0] * columns[0] : total + state.wx[c] * columns[c - C];
        }
        if constexpr (C + count < width) {
            add_columns<C + count>(corner, stride_y, state, total);
        }
    }
#else
    static constexpr int reads = width, breaks = lanes / 2;

    CBLOT_INLINE static void scattered(const T* const* corner, Index stride_y, const State& state,
                                       T* values) {
        for (int l = 0; l < lanes; ++l) {
            values[l] = one(corner[l], stride_y, 1, state, l);
        }
    }
#endif
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

/// Whether pixels p, p + 1 ... have base pixels in so many columns from x on, and rows from y on.
template <class T>
CBLOT_INLINE bool all_inside(const Block<T>& b, Index p, Index x, Index y, Index columns,
                             Index rows) {
    // Without a sign, what is before the first, and kOutside, is beyond the last.
    std::uint32_t beyond = 0;
    for (int l = 0; l < kLanes<T>; ++l) {
        beyond |= std::uint32_t(b.ix[p + l]) - std::uint32_t(x) >= std::uint32_t(columns);
        beyond |= std::uint32_t(b.iy[p + l]) - std::uint32_t(y) >= std::uint32_t(rows);
    }
    return beyond == 0;
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
    const Index scattered_x = s.stride_x == 1 ? max_index(0, columns - Sum::reads + 1) : 0;
    for (Index p = 0; p < b.n; p += lanes) {
        const typename Sum::State state = sum.prepare(b, p);
        unsigned starts = run_starts(b, p);
        const bool scattered = count_bits(starts) > Sum::breaks;
        if (scattered && all_inside(b, p, s.x_begin - offset, -offset, scattered_x, corners_y)) {
            const T* corners[lanes];
            for (int l = 0; l < lanes; ++l) {
                corners[l] = s.data + (s.origin + Index(b.iy[p + l] + offset) * s.stride_y +
                                       Index(b.ix[p + l] + offset));
            }
            Sum::scattered(corners, s.stride_y, state, b.value + p);
            continue;
        }
        Vector<T> value{};
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
