// The float32 arithmetic of drizzlepac 3.11 and drizzle 2.2, bit for bit.
//
// Positions are narrowed to float32 after the subtraction of 1; polynomials are Everett's central
// differences, along x in each row, then along y, in the peers' order of operations. Compile
// without contraction. Where the peers read memory that is not the image's (nearest in the last
// half pixel, poly3 in the top row, images smaller than the kernel) the samples are those of the
// edge rule.
#pragma once

#include "blot_tile.hpp"

namespace cblot::CBLOT_ISA {

/// (1/6) second difference.
template <class V>
CBLOT_INLINE V difference2(V a, V b, V c) {
    return (1.0f / 6.0f) * ((c - 2.0f * b) + a);
}

/// (1/120) fourth difference.
template <class V>
CBLOT_INLINE V difference4(V a, V b, V c, V d, V e) {
    return (1.0f / 120.0f) * ((((a - 4.0f * b) + 6.0f * c) - 4.0f * d) + e);
}

/// The sample itself.
struct ClassicNearest {
    static constexpr int width = 1, offset = 0;
    static constexpr float round_trip = 0.0f;
};

struct ClassicLinear {
    static constexpr int width = 2, offset = 0;
    static constexpr float round_trip = 0.0f;
};

struct ClassicPoly3 {
    static constexpr int width = 4, offset = -1;
    static constexpr float round_trip = 2.0f;

    template <class V>
    CBLOT_INLINE static V axis(const V* f, V s) {
        const V t = 1.0f - s;
        return s * (f[2] + (s * s - 1.0f) * difference2(f[1], f[2], f[3])) +
               t * (f[1] + (t * t - 1.0f) * difference2(f[0], f[1], f[2]));
    }
};

struct ClassicPoly5 {
    static constexpr int width = 6, offset = -2;
    static constexpr float round_trip = 3.0f;

    template <class V>
    CBLOT_INLINE static V half(const V* f, V s) {
        const V s2 = s * s;
        return s * (f[2] + (s2 - 1.0f) * (difference2(f[1], f[2], f[3]) +
                                          (s2 - 4.0f) * difference4(f[0], f[1], f[2], f[3], f[4])));
    }

    template <class V>
    CBLOT_INLINE static V axis(const V* f, V s) {
        return half(f + 1, s) + half(f, 1.0f - s);
    }
};

/// A classic kernel as `sample` wants it.
template <class K>
struct ClassicSum {
    static constexpr int width = K::width, offset = K::offset;
    static constexpr int reads = width, breaks = kLanes<float> / 2;

    struct State {
        Vector<float> tx, ty;
    };

    CBLOT_INLINE static State prepare(const Block<float>& b, Index p) {
        return {load(b.tx + p), load(b.ty + p)};
    }

    CBLOT_INLINE static Vector<float> run(const float* corner, Index stride_y, const State& state) {
        return at(corner, stride_y, 1, state.tx, state.ty);
    }

    CBLOT_INLINE static float one(const float* corner, Index stride_y, Index stride_x,
                                  const State& state, int lane) {
        return at(corner, stride_y, stride_x, lane_of(state.tx, lane), lane_of(state.ty, lane));
    }

    CBLOT_INLINE static void scattered(const float* const* corner, Index stride_y,
                                       const State& state, float* values) {
        for (int l = 0; l < kLanes<float>; ++l) {
            values[l] = one(corner[l], stride_y, 1, state, l);
        }
    }

    static float edge(const Samples<float>& s, const State& state, int lane, Index iy, Index ix) {
        const float tx = lane_of(state.tx, lane), ty = lane_of(state.ty, lane);
        if constexpr (width == 1) {
            return s.data[s.origin + min_index(iy, s.ny - 1) * s.stride_y +
                          min_index(ix, s.nx - 1) * s.stride_x];
        } else if constexpr (width == 2) {
            return held(s, iy, ix, tx, ty);
        } else {
            float patch[width * width];
            for (Index r = 0; r < width; ++r) {
                for (Index c = 0; c < width; ++c) {
                    patch[r * width + c] = tap(s, iy, offset + r, ix + offset + c);
                }
            }
            return at(patch, width, 1, tx, ty);
        }
    }

  private:
    /// Values from the corners of their taps.
    template <class V>
    CBLOT_INLINE static V at(const float* f, Index stride_y, Index stride_x, V sx, V sy) {
        if constexpr (width == 1) {
            return load_as<V>(f);
        } else if constexpr (width == 2) {
            const V tx = 1.0f - sx, ty = 1.0f - sy;
            return tx * ty * load_as<V>(f) + sx * ty * load_as<V>(f + stride_x) +
                   sy * tx * load_as<V>(f + stride_y) +
                   sx * sy * load_as<V>(f + stride_y + stride_x);
        } else {
            V rows[width];
            for (int r = 0; r < width; ++r) {
                V taps[width];
                for (int c = 0; c < width; ++c) {
                    taps[c] = load_as<V>(f + r * stride_y + c * stride_x);
                }
                rows[r] = K::axis(taps, sx);
            }
            return K::axis(rows, sy);
        }
    }

    /// linear beyond the last sample of an axis: that sample held, the other axis still linear.
    static float held(const Samples<float>& s, Index iy, Index ix, float tx, float ty) {
        const bool last_x = ix + 1 >= s.nx, last_y = iy + 1 >= s.ny;
        const float* const f = s.data + (s.origin + iy * s.stride_y + ix * s.stride_x);
        if (last_x && last_y) {
            return f[0];
        }
        const float t = last_x ? ty : tx;
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
            return odd_sample(
                [&](Index x) { return s.data[s.origin + y * s.stride_y + x * s.stride_x]; }, i,
                s.nx);
        };
        return odd_sample(along_x, j, s.ny);
    }
};

/// Base pixels and fractions in float32. drizzlepac's polynomials take x = nx, too, as inside.
template <class K, bool ClosedX>
struct ClassicLocate {
    CBLOT_INLINE static void locate(Block<float>& b, Index ny, Index nx) {
        constexpr bool nearest = K::width == 1;
        const float width = float(nx), height = float(ny);
        b.pad();
        const Index padded = b.padded();
        for (Index p = 0; p < padded; ++p) {
            const float x = float(b.x[p]), y = float(b.y[p]);
            const bool within = inside<ClosedX>(x, y, width, height);
            const float xs = within ? x : 0.0f, ys = within ? y : 0.0f;
            const std::int32_t ix = std::int32_t(nearest ? xs + 0.5f : xs);
            const std::int32_t iy = std::int32_t(nearest ? ys + 0.5f : ys);
            b.ix[p] = within ? ix : kOutside;
            b.iy[p] = within ? iy : kOutside;
            b.tx[p] = (K::round_trip + (xs - float(ix))) - K::round_trip;
            b.ty[p] = (K::round_trip + (ys - float(iy))) - K::round_trip;
        }
        mark_runs(b);
    }
};

/// An arithmetic of `blot_output`.
template <class K, bool Drizzlepac>
struct ClassicArithmetic {
    using Locate = ClassicLocate<K, Drizzlepac && (K::width > 2)>;
    using Gain = ClassicGain<Drizzlepac>;
    // Two more than that of the taps: position nx counts as inside, and is mirrored.
    static constexpr Index reach = reach_of<K> + 2;

    explicit ClassicArithmetic(double) {}

    static ClassicSum<K> sum() { return {}; }
};

}  // namespace cblot::CBLOT_ISA
