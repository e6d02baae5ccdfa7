// The float32 arithmetic of drizzlepac 3.11 and drizzle 2.2, bit for bit.
//
// Positions are narrowed to float32 after the subtraction of 1; polynomials are Everett's central
// differences, along x in each row, then along y, in the peers' order of operations. Compile
// without contraction. Where the peers read memory that is not the image's (nearest in the last
// half pixel, poly3 in the top row, images smaller than the kernel) the samples are those of the
// edge rule.
#pragma once

#include "tile.hpp"

namespace cblot::CBLOT_ISA {

/// The sample beyond an end of an axis, by odd extension: 2 c(0) - c(k).
CBLOT_INLINE float odd_extension(float end, float mirrored) { return 2.0f * end - mirrored; }

/// Sample k of an axis of n samples, extended past its ends.
template <class Get>
float extended(const Get& get, Index k, Index n) {
    if (k >= 0 && k < n) {
        return get(k);
    }
    const Index pivot = k < 0 ? 0 : n - 1;
    if (n == 1) {
        return get(pivot);
    }
    return odd_extension(get(pivot), extended(get, 2 * pivot - k, n));
}

struct ClassicLinear {
    static constexpr int width = 2, offset = 0;
    static constexpr float round_trip = 0.0f;

    CBLOT_INLINE static Vector<float> at(const float* f, Index stride, Vector<float> sx,
                                         Vector<float> sy) {
        const Vector<float> tx = 1.0f - sx, ty = 1.0f - sy;
        return tx * ty * load(f) + sx * ty * load(f + 1) + sy * tx * load(f + stride) +
               sx * sy * load(f + stride + 1);
    }
};

/// (1/6) second difference.
CBLOT_INLINE Vector<float> difference2(Vector<float> a, Vector<float> b, Vector<float> c) {
    return (1.0f / 6.0f) * ((c - 2.0f * b) + a);
}

/// (1/120) fourth difference.
CBLOT_INLINE Vector<float> difference4(Vector<float> a, Vector<float> b, Vector<float> c,
                                       Vector<float> d, Vector<float> e) {
    return (1.0f / 120.0f) * ((((a - 4.0f * b) + 6.0f * c) - 4.0f * d) + e);
}

struct ClassicPoly3 {
    static constexpr int width = 4, offset = -1;
    static constexpr float round_trip = 2.0f;

    CBLOT_INLINE static Vector<float> axis(const Vector<float>* f, Vector<float> s) {
        const Vector<float> t = 1.0f - s;
        return s * (f[2] + (s * s - 1.0f) * difference2(f[1], f[2], f[3])) +
               t * (f[1] + (t * t - 1.0f) * difference2(f[0], f[1], f[2]));
    }
};

struct ClassicPoly5 {
    static constexpr int width = 6, offset = -2;
    static constexpr float round_trip = 3.0f;

    CBLOT_INLINE static Vector<float> half(const Vector<float>* f, Vector<float> s) {
        const Vector<float> s2 = s * s;
        return s * (f[2] + (s2 - 1.0f) * (difference2(f[1], f[2], f[3]) +
                                          (s2 - 4.0f) * difference4(f[0], f[1], f[2], f[3], f[4])));
    }

    CBLOT_INLINE static Vector<float> axis(const Vector<float>* f, Vector<float> s) {
        return half(f + 1, s) + half(f, 1.0f - s);
    }
};

/// A classic kernel as `sample` wants it: `at` gives kLanes pixels from the corners of their taps.
template <class K>
struct ClassicSum {
    static constexpr int width = K::width, offset = K::offset;
    using BlockType = Block<float, 1>;

    CBLOT_INLINE static Vector<float> at(const float* f, Index stride, Vector<float> sx,
                                         Vector<float> sy) {
        if constexpr (K::width == 2) {
            return K::at(f, stride, sx, sy);
        } else {
            Vector<float> rows[width];
            for (int r = 0; r < width; ++r) {
                Vector<float> taps[width];
                for (int c = 0; c < width; ++c) {
                    taps[c] = load(f + r * stride + c);
                }
                rows[r] = K::axis(taps, sx);
            }
            return K::axis(rows, sy);
        }
    }

    CBLOT_INLINE static Vector<float> run(const float* f, Index stride, const BlockType& b,
                                          Index p) {
        return at(f, stride, load(b.tx + p), load(b.ty + p));
    }

    static float edge(const Samples<float>& s, const BlockType& b, Index p) {
        if constexpr (width == 2) {
            return held(s, b, p);
        } else {
            constexpr Index stride = width + kLanes<float>;
            float patch[width * stride] = {};
            for (Index r = 0; r < width; ++r) {
                for (Index c = 0; c < width; ++c) {
                    patch[r * stride + c] = tap(s, b.iy[p], offset + r, b.ix[p] + offset + c);
                }
            }
            float lanes[kLanes<float>];
            store(lanes, at(patch, stride, splat(b.tx[p]), splat(b.ty[p])));
            return lanes[0];
        }
    }

  private:
    /// linear beyond the last sample of an axis: that sample held, the other axis still linear.
    static float held(const Samples<float>& s, const BlockType& b, Index p) {
        const bool last_x = b.ix[p] + 1 >= s.nx, last_y = b.iy[p] + 1 >= s.ny;
        const float* const f = s.data + s.origin + b.iy[p] * s.stride_y + b.ix[p] * s.stride_x;
        if (last_x && last_y) {
            return f[0];
        }
        const float t = last_x ? b.ty[p] : b.tx[p];
        return (1.0f - t) * f[0] + t * f[last_x ? s.stride_y : s.stride_x];
    }

    /// Sample i of the row at distance `row` from iy, both possibly beyond the image.
    static float tap(const Samples<float>& s, Index iy, Index row, Index i) {
        Index j = iy + row;
        // The peers' poly5 takes the last but three row for its sixth from there on up.
        if (width == 6 && row == 3 && s.ny >= 4 && iy >= s.ny - 3) {
            j = s.ny - 4;
        }
        const auto along_x = [&](Index y) {
            return extended(
                [&](Index x) { return s.data[s.origin + y * s.stride_y + x * s.stride_x]; }, i,
                s.nx);
        };
        return extended(along_x, j, s.ny);
    }
};

/// Base pixels and fractions in float32. drizzlepac's polynomials take x = nx, too, as inside.
template <bool Nearest, bool ClosedX>
CBLOT_INLINE void classic_locate(Block<float, 1>& b, Index ny, Index nx, float round_trip) {
    const float width = float(nx), height = float(ny);
    const Index padded = (b.n + kPad - 1) / kPad * kPad;
    for (Index p = b.n; p < padded; ++p) {
        b.x[p] = b.y[p] = -1.0;
    }
    std::int32_t covered = 0, x_min = INT32_MAX, x_max = 0, y_min = INT32_MAX, y_max = 0;
    for (Index p = 0; p < padded; ++p) {
        const float x = float(b.x[p]), y = float(b.y[p]);
        const bool inside_x = ClosedX ? (x <= width) : (x < width);
        const bool inside = (x >= 0.0f) & inside_x & (y >= 0.0f) & (y < height);
        const float xs = inside ? x : 0.0f, ys = inside ? y : 0.0f;
        const std::int32_t ix = std::int32_t(Nearest ? xs + 0.5f : xs);
        const std::int32_t iy = std::int32_t(Nearest ? ys + 0.5f : ys);
        b.ix[p] = ix;
        b.iy[p] = iy;
        b.tx[p] = (round_trip + (xs - float(ix))) - round_trip;
        b.ty[p] = (round_trip + (ys - float(iy))) - round_trip;
        b.inside[p] = inside;
        covered += inside;
        x_min = ix < x_min ? ix : x_min;
        x_max = ix > x_max ? ix : x_max;
        y_min = iy < y_min ? iy : y_min;
        y_max = iy > y_max ? iy : y_max;
    }
    b.covered = covered;
    b.x_min = x_min;
    b.x_max = x_max;
    b.y_min = y_min;
    b.y_max = y_max;
}

/// Policy of `blot_tile`; K is void for nearest.
template <class K, bool Drizzlepac>
class ClassicPolicy {
  public:
    using BlockType = Block<float, 1>;

    template <class Out>
    explicit ClassicPolicy(const Job<float, Out>& job)
        : exptime_(float(job.exptime)), area_(float(job.pix_ratio * job.pix_ratio)) {}

    CBLOT_INLINE void locate(BlockType& b, Index ny, Index nx) const {
        if constexpr (nearest) {
            classic_locate<true, false>(b, ny, nx, 0.0f);
        } else {
            classic_locate<false, Drizzlepac && K::width != 2>(b, ny, nx, K::round_trip);
        }
    }

    CBLOT_INLINE void sample(const Samples<float>& s, BlockType& b) const {
        if constexpr (nearest) {
            sample_nearest(s, b);
        } else {
            CBLOT_ISA::sample<float, ClassicSum<K>>(s, b);
        }
    }

    CBLOT_INLINE float scale(float value) const {
        return Drizzlepac ? (value * exptime_) / area_ : value * exptime_;
    }

  private:
    static constexpr bool nearest = std::is_void_v<K>;
    float exptime_, area_;
};

}  // namespace cblot::CBLOT_ISA
