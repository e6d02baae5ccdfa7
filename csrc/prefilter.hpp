// Samples to the coefficients of the interpolating cubic B-spline, for just the box that is needed.
//
// The inverse of the sampled B-spline has the two-sided impulse response sqrt(3) z^|k|, with
// z = sqrt(3) - 2 (Unser, Aldroubi & Eden 1993, IEEE Trans. Signal Process. 41, 821). It is applied
// as a symmetric filter cut where it falls below the type's precision, and not as a recursion, so
// that a coefficient depends on nothing but the samples within its reach: any box, tile or window
// gives the same bits. Samples beyond the image are mirrored.
#pragma once

#include <limits>

#include "edge.hpp"
#include "job.hpp"
#include "simd.hpp"

namespace cblot::CBLOT_ISA {

/// Taps on either side: |z|^(reach+1) is 2e-10 (float) and 2e-17 (double).
template <class T>
inline constexpr Index kSplineReach = sizeof(T) == 4 ? 16 : 28;

/// How far finite samples are looked for to stand in for one that is not.
inline constexpr Index kRepairReach = 8;

/// Row stride of the working image of a box w samples wide.
template <class T>
constexpr Index prefilter_stride(Index w) {
    return (w + 2 * kSplineReach<T> + kPad - 1) / kPad * kPad + kPad;
}

template <class T>
CBLOT_INLINE bool is_finite(T v) {
    return v - v == T(0);
}

/// Mean of the finite samples on the smallest square ring around (j, i) that has any, else 0.
template <class T>
T repaired(const Samples<T>& s, Index j, Index i) {
    for (Index d = 1; d <= kRepairReach; ++d) {
        double sum = 0.0;
        Index count = 0;
        for (Index y = max_index(0, j - d); y <= min_index(s.ny - 1, j + d); ++y) {
            const Index dx = y == j - d || y == j + d ? 1 : 2 * d;
            for (Index x = i - d; x <= i + d; x += dx) {
                if (x < 0 || x >= s.nx) {
                    continue;
                }
                const T v = s.data[s.origin + y * s.stride_y + x * s.stride_x];
                if (is_finite(v)) {
                    sum += double(v);
                    ++count;
                }
            }
        }
        if (count > 0) {
            return T(sum / double(count));
        }
    }
    return T(0);
}

/// sqrt(3) z^m for m = 0 ... reach.
template <class T>
struct SplineResponse {
    T h[kSplineReach<T> + 1] = {};
    constexpr SplineResponse() {
        double value = 1.73205080756887729353;
        for (T& element : h) {
            element = T(value);
            value *= -0.26794919243112270647;
        }
    }
};

/// The symmetric filter at element 0 of kLanes neighbours; step is the distance between taps.
template <class T>
CBLOT_INLINE Vector<T> spline_filter(const T* p, Index step) {
    static constexpr SplineResponse<T> response;
    Vector<T> sum = load(p) * response.h[0];
    for (Index m = 1; m <= kSplineReach<T>; ++m) {
        sum = sum + (load(p - m * step) + load(p + m * step)) * response.h[m];
    }
    return sum;
}

/// spline3's coefficients.
template <class T>
struct SplinePrefilter {
    /// From a coefficient to the farthest sample it depends on.
    static constexpr Index reach = kSplineReach<T> + kRepairReach;

    /// Elements of work for a box.
    static Index work(const Box& box) {
        return (2 * box.height() + 2 * kSplineReach<T>)*prefilter_stride<T>(box.width());
    }

    /// Writes the coefficients of a box, dense, row by row. A coefficient whose sample is not
    /// finite is NaN; its neighbours see the repaired sample. work holds (height + 2 taps) + height
    /// rows of prefilter_stride(width) elements.
    static void run(const Samples<T>& s, const Box& box, T* coefficients, T* work) {
        constexpr Index taps = kSplineReach<T>;
        const Index h = box.height(), w = box.width(), stride = prefilter_stride<T>(w);
        T* const patch = work;
        T* const columns = work + (h + 2 * taps) * stride;
        // Columns [first, last) of the patch are of the image, the others mirrored.
        const Index patch_w = w + 2 * taps, x0 = box.x0 - taps;
        const Index first = max_index(0, -x0), last = min_index(patch_w, s.nx - x0);
        Vector<T> poison{};  // 0, or NaN once there was a sample that is not finite
        for (Index r = 0; r < h + 2 * taps; ++r) {
            T* const row = patch + r * stride;
            const T* const from = s.data;
            const Index origin = s.origin + mirror(box.y0 - taps + r, s.ny) * s.stride_y;
            const auto fill = [&](Index begin, Index end) {
                for (Index c = begin; c < end; ++c) {
                    row[c] = from[origin + mirror(x0 + c, s.nx) * s.stride_x];
                }
            };
            fill(0, first);
            if (s.stride_x == 1) {
                std::memcpy(row + first, from + (origin + x0 + first),
                            sizeof(T) * std::size_t(last - first));
            } else {
                fill(first, last);
            }
            fill(last, patch_w);
            for (Index c = patch_w; c < stride; ++c) {
                row[c] = T(0);
            }
            for (Index c = 0; c < stride; c += kLanes<T>) {
                const Vector<T> samples = load(row + c);
                poison = poison + (samples - samples);
            }
        }
        bool finite = true;
        for (int l = 0; l < kLanes<T>; ++l) {
            finite &= is_finite(lane_of(poison, l));
        }
        if (!finite) {
            for (Index r = 0; r < h + 2 * taps; ++r) {
                for (Index c = 0; c < w + 2 * taps; ++c) {
                    T& v = patch[r * stride + c];
                    if (!is_finite(v)) {
                        v = repaired(s, mirror(box.y0 - taps + r, s.ny),
                                     mirror(box.x0 - taps + c, s.nx));
                    }
                }
            }
        }
        for (Index r = 0; r < h; ++r) {
            for (Index c = 0; c + kLanes<T> <= stride; c += kLanes<T>) {
                store(columns + r * stride + c,
                      spline_filter(patch + (r + taps) * stride + c, stride));
            }
            T row_end[kPad];
            for (Index c = 0; c < w; c += kLanes<T>) {
                store(row_end, spline_filter(columns + r * stride + taps + c, 1));
                std::memcpy(coefficients + r * w + c, row_end,
                            sizeof(T) * std::size_t(min_index(kLanes<T>, w - c)));
            }
        }
        if (!finite) {
            for (Index r = 0; r < h; ++r) {
                for (Index c = 0; c < w; ++c) {
                    const T v =
                        s.data[s.origin + (box.y0 + r) * s.stride_y + (box.x0 + c) * s.stride_x];
                    if (!is_finite(v)) {
                        coefficients[r * w + c] = std::numeric_limits<T>::quiet_NaN();
                    }
                }
            }
        }
    }
};

}  // namespace cblot::CBLOT_ISA
