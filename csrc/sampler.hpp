// Weights times pixels: the unchecked interior, and the one edge rule of each kernel.
#pragma once

#include <cstdint>

#include "interp.hpp"
#include "job.hpp"
#include "mapping.hpp"

namespace cblot::CBLOT_ISA {

/// A block of output pixels, one array a quantity.
template <class T, int Width>
struct Block {
    static constexpr Index size = kBlock + kPad;
    alignas(64) double x[size], y[size];
    alignas(64) T tx[size], ux[size], ty[size], uy[size];
    alignas(64) T wx[Width][size], wy[Width][size];
    alignas(64) T value[size];
    alignas(64) std::int32_t ix[size], iy[size];
    alignas(64) std::int32_t inside[size];
    Index n = 0;                                       // pixels in use
    Index covered = 0;                                 // of which inside
    Index x_min = 0, x_max = 0, y_min = 0, y_max = 0;  // range of ix, iy
};

/// Base pixels and fractions of positions that are inside; the rest stand in at (0, 0).
template <class T, int Width, Base B>
CBLOT_INLINE void locate(Block<T, Width>& b, Index ny, Index nx) {
    const double width = double(nx), height = double(ny);
    for (Index p = b.n; p < (b.n + kPad - 1) / kPad * kPad; ++p) {
        b.x[p] = b.y[p] = -1.0;
    }
    const Index padded = (b.n + kPad - 1) / kPad * kPad;
    std::int32_t covered = 0, x_min = INT32_MAX, x_max = 0, y_min = INT32_MAX, y_max = 0;
    for (Index p0 = 0; p0 < padded; p0 += kPad) {
        for (Index l = 0; l < kPad; ++l) {
            const Index p = p0 + l;
            const double x = b.x[p], y = b.y[p];
            const bool inside = (x >= 0.0) & (x < width) & (y >= 0.0) & (y < height);
            const double xs = inside ? x : 0.0, ys = inside ? y : 0.0;
            std::int32_t ix = std::int32_t(xs), iy = std::int32_t(ys);
            double tx = xs - ix, ty = ys - iy;
            if (B == Base::nearest) {
                const std::int32_t up_x = tx >= 0.5, up_y = ty >= 0.5;
                ix += up_x;
                iy += up_y;
                tx -= up_x;
                ty -= up_y;
            }
            b.ix[p] = ix;
            b.iy[p] = iy;
            b.tx[p] = T(tx);
            b.ty[p] = T(ty);
            b.ux[p] = T(1.0 - tx);
            b.uy[p] = T(1.0 - ty);
            b.inside[p] = inside;
            covered += inside;
            x_min = ix < x_min ? ix : x_min;
            x_max = ix > x_max ? ix : x_max;
            y_min = iy < y_min ? iy : y_min;
            y_max = iy > y_max ? iy : y_max;
        }
    }
    b.covered = covered;
    b.x_min = x_min;
    b.x_max = x_max;
    b.y_min = y_min;
    b.y_max = y_max;
}

template <class T, class K>
CBLOT_INLINE void fill_weights(const K& kernel, Block<T, K::width>& b) {
    for (Index p = 0; p < b.n; p += kLanes<T>) {
        Vector<T> w[K::width];
        kernel.weights(load(b.tx + p), load(b.ux + p), w);
        for (int c = 0; c < K::width; ++c) {
            store(b.wx[c] + p, w[c]);
        }
        kernel.weights(load(b.ty + p), load(b.uy + p), w);
        for (int c = 0; c < K::width; ++c) {
            store(b.wy[c] + p, w[c]);
        }
    }
}

/// Weights of an axis, gathered onto the samples that exist.
template <class T, int Width>
struct Folded {
    T weight[3 * Width];
    bool used[3 * Width];
    Index first = 0, count = 0;

    Folded(const T* w, Index stride, Index start, Index n, Edge edge)
        : first(max_index(0, min_index(start, n) - Width)),
          count(min_index(n, start + 2 * Width) - first) {
        for (Index c = 0; c < count; ++c) {
            weight[c] = T(0);
            used[c] = false;
        }
        T kept = T(0);
        for (int c = 0; c < Width; ++c) {
            Index k = start + c;
            T value = w[c * stride];
            if (edge == Edge::drop) {
                if (k < 0 || k >= n) {
                    continue;
                }
                kept += value;
            } else if (edge == Edge::clamp || n == 1) {
                k = k < 0 ? 0 : min_index(k, n - 1);
            } else {
                while (k < 0 || k >= n) {
                    const Index pivot = k < 0 ? 0 : n - 1;
                    if (edge == Edge::odd) {
                        add(pivot, value + value);
                        value = -value;
                    }
                    k = 2 * pivot - k;
                }
            }
            add(k, value);
        }
        if (edge == Edge::drop) {
            for (Index c = 0; c < count; ++c) {
                weight[c] /= kept;
            }
        }
    }

  private:
    void add(Index k, T value) {
        weight[k - first] += value;
        used[k - first] = true;
    }
};

/// Interpolation with the separable weights that fill_weights made.
template <class T, class K>
struct WeightedSum {
    static constexpr int width = K::width, offset = K::offset;
    using BlockType = Block<T, K::width>;

    /// kLanes pixels whose taps start at consecutive samples of the same rows. The order of the
    /// operations on a pixel is fixed, so its bits do not depend on its neighbours.
    CBLOT_INLINE static Vector<T> run(const T* samples, Index stride_y, const BlockType& b,
                                      Index p) {
        Vector<T> wx[width];
        for (int c = 0; c < width; ++c) {
            wx[c] = load(b.wx[c] + p);
        }
        Vector<T> total{};
        for (int r = 0; r < width; ++r) {
            const T* row = samples + r * stride_y;
            Vector<T> sum = wx[0] * load(row);
            for (int c = 1; c < width; ++c) {
                sum = sum + wx[c] * load(row + c);
            }
            total = r == 0 ? load(b.wy[0] + p) * sum : total + load(b.wy[r] + p) * sum;
        }
        return total;
    }

    /// One pixel whose taps reach beyond the image.
    static T edge(const Samples<T>& s, const BlockType& b, Index p) {
        const Folded<T, width> x(b.wx[0] + p, BlockType::size, b.ix[p] + offset, s.nx, K::edge);
        const Folded<T, width> y(b.wy[0] + p, BlockType::size, b.iy[p] + offset, s.ny, K::edge);
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
};

/// A run that can't be loaded whole: its samples are copied first.
template <class T, class Sum>
Vector<T> run_copied(const Samples<T>& s, Index corner, Index count,
                     const typename Sum::BlockType& b, Index p) {
    constexpr Index stride = Sum::width + kLanes<T>;
    T patch[Sum::width * stride] = {};
    for (int r = 0; r < Sum::width; ++r) {
        for (Index c = 0; c < Sum::width - 1 + count; ++c) {
            patch[r * stride + c] = s.data[corner + r * s.stride_y + c * s.stride_x];
        }
    }
    return Sum::run(patch, stride, b, p);
}

/// Interpolated values of a block.
template <class T, class Sum>
CBLOT_INLINE void sample(const Samples<T>& s, typename Sum::BlockType& b) {
    constexpr Index reach = Sum::offset + Sum::width;  // one past the last tap
    const bool interior = b.x_min + Sum::offset >= 0 && b.x_max + reach <= s.nx &&
                          b.y_min + Sum::offset >= 0 && b.y_max + reach <= s.ny;
    const bool covered = b.covered == b.n;
    for (Index p = 0; p < b.n;) {
        if (!covered && !b.inside[p]) {
            b.value[p++] = T(0);
            continue;
        }
        const Index ix = b.ix[p], iy = b.iy[p];
        if (!interior && (ix + Sum::offset < 0 || ix + reach > s.nx || iy + Sum::offset < 0 ||
                          iy + reach > s.ny)) {
            b.value[p] = Sum::edge(s, b, p);
            ++p;
            continue;
        }
        const Index most = min_index(min_index(kLanes<T>, b.n - p), s.nx - reach - ix + 1);
        Index count = 1;
        while (count < most && b.ix[p + count] == ix + count && b.iy[p + count] == iy) {
            ++count;
        }
        const Index corner =
            s.origin + (iy + Sum::offset) * s.stride_y + (ix + Sum::offset) * s.stride_x;
        const bool whole = s.stride_x == 1 && ix + reach - 1 + kLanes<T> <= s.nx;
        store(b.value + p, whole ? Sum::run(s.data + corner, s.stride_y, b, p)
                                 : run_copied<T, Sum>(s, corner, count, b, p));
        p += count;
    }
}

/// Nearest needs no weights: the sample itself.
template <class T>
CBLOT_INLINE void sample_nearest(const Samples<T>& s, Block<T, 1>& b) {
    const auto last_x = std::int32_t(s.nx - 1), last_y = std::int32_t(s.ny - 1);
    for (Index p = 0; p < b.n; ++p) {
        const Index ix = b.ix[p] < last_x ? b.ix[p] : last_x;
        const Index iy = b.iy[p] < last_y ? b.iy[p] : last_y;
        b.value[p] = b.inside[p] ? s.data[s.origin + iy * s.stride_y + ix * s.stride_x] : T(0);
    }
}

}  // namespace cblot::CBLOT_ISA
