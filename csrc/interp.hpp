// The interpolants: a fraction within a pixel becomes weights. No pixel is seen here.
//
// A kernel is a small struct that declares its footprint and turns fractions into weights:
//   width, offset  its taps on an axis are base + offset ... base + offset + width - 1
//   base           what the fraction t is counted from: the floor of the position (0 <= t < 1) or
//                  the nearest pixel (-0.5 <= t < 0.5)
//   edge           what stands in for samples beyond the image
//   weights        a vector of t, and of u = 1 - t (rounded once, so that both ends are exact), to
//                  `width` vectors of weights which sum to 1
// Weights of x and y multiply. Errors quoted are of the weights, in units of the type's epsilon.
#pragma once

#include <utility>

#include "simd.hpp"

namespace cblot::CBLOT_ISA {

enum class Base { floor, nearest };

/// What stands in for samples beyond the first and the last:
///   clamp   the nearest sample
///   odd     c(-k) = 2 c(0) - c(k), c(n-1+k) = 2 c(n-1) - c(n-1-k); one sample: constant
///   mirror  c(-k) = c(k), c(n-1+k) = c(n-1-k)
///   drop    nothing; the other weights are made to sum to 1
enum class Edge { clamp, odd, mirror, drop };

/// What kernels have in common unless they say otherwise.
struct KernelDefaults {
    static constexpr bool stretched = false;  // true: is made with a sinscl
    using Stretched = void;                   // the form for a sinscl other than 1, if there is one
};

inline constexpr double kPi = 3.14159265358979323846;

/// (-1)^i / (2i + odd)!
constexpr double alternating_inverse_factorial(int i, int odd) {
    double value = i % 2 == 0 ? 1.0 : -1.0;
    for (int k = 2; k <= 2 * i + odd; ++k) {
        value /= k;
    }
    return value;
}

/// The first terms of the power series of cosine (Odd is 0), or of sin(z)/z (1), in z2 = z*z.
template <class T, int Odd, int... I>
CBLOT_INLINE Vector<T> power_series(Vector<T> z2, std::integer_sequence<int, I...>) {
    constexpr int terms = sizeof...(I);
    constexpr T term[] = {T(alternating_inverse_factorial(I, Odd))...};
    Vector<T> sum = splat(term[terms - 1]);
    for (int i = terms - 2; i >= 0; --i) {
        sum = term[i] + z2 * sum;
    }
    return sum;
}

/// Terms to z^12 (float) and z^20 (double).
template <class T>
using SeriesTerms = std::make_integer_sequence<int, sizeof(T) == 4 ? 7 : 11>;

/// sum_i (-1)^i z2^i / (2i+1)!, that is sin(z)/z of z2 = z*z, for |z| <= pi/2.
/// Truncation below 0.2 epsilon.
template <class T>
CBLOT_INLINE Vector<T> sin_over_z(Vector<T> z2) {
    return power_series<T, 1>(z2, SeriesTerms<T>{});
}

/// sum_i (-1)^i z2^i / (2i)!, that is cos(z) of z2 = z*z, for |z| <= pi/2.
template <class T>
CBLOT_INLINE Vector<T> cos_of_square(Vector<T> z2) {
    return power_series<T, 0>(z2, SeriesTerms<T>{});
}

template <class T>
struct Nearest : KernelDefaults {
    static constexpr int width = 1, offset = 0;
    static constexpr Base base = Base::nearest;
    static constexpr Edge edge = Edge::clamp;
    CBLOT_INLINE void weights(Vector<T>, Vector<T>, Vector<T>* w) const { w[0] = splat(T(1)); }
};

template <class T>
struct Linear : KernelDefaults {
    static constexpr int width = 2, offset = 0;
    static constexpr Base base = Base::floor;
    static constexpr Edge edge = Edge::clamp;
    CBLOT_INLINE void weights(Vector<T> t, Vector<T> u, Vector<T>* w) const {
        w[0] = u;
        w[1] = t;
    }
};

/// Four-point Lagrange polynomial on -1, 0, 1, 2; within 2 epsilon.
template <class T>
struct Poly3 : KernelDefaults {
    static constexpr int width = 4, offset = -1;
    static constexpr Base base = Base::floor;
    static constexpr Edge edge = Edge::odd;
    CBLOT_INLINE void weights(Vector<T> t, Vector<T> u, Vector<T>* w) const {
        const Vector<T> t1 = t + T(1), u1 = u + T(1);
        const Vector<T> outer = t * u * T(-1.0 / 6.0), inner = t1 * u1 * T(0.5);
        w[0] = outer * u1;
        w[1] = inner * u;
        w[2] = inner * t;
        w[3] = outer * t1;
    }
};

/// Six-point Lagrange polynomial on -2 ... 3; within 3 epsilon.
template <class T>
struct Poly5 : KernelDefaults {
    static constexpr int width = 6, offset = -2;
    static constexpr Base base = Base::floor;
    static constexpr Edge edge = Edge::odd;
    CBLOT_INLINE void weights(Vector<T> t, Vector<T> u, Vector<T>* w) const {
        const Vector<T> t1 = t + T(1), t2 = t + T(2), u1 = u + T(1), u2 = u + T(2);
        const Vector<T> tu = t * u, tt = t1 * t2 * T(1.0 / 12.0), uu = u1 * u2 * T(1.0 / 12.0);
        w[0] = tu * t1 * uu * T(0.1);
        w[1] = tu * t2 * uu * T(-0.5);
        w[2] = t1 * t2 * u * uu;
        w[3] = u1 * u2 * t * tt;
        w[4] = tu * u2 * tt * T(-0.5);
        w[5] = tu * u1 * tt * T(0.1);
    }
};

/// Cubic B-spline on -1, 0, 1, 2, applied to the coefficients that `prefilter.hpp` makes.
template <class T>
struct Spline3 : KernelDefaults {
    static constexpr int width = 4, offset = -1;
    static constexpr Base base = Base::floor;
    static constexpr Edge edge = Edge::mirror;
    CBLOT_INLINE void weights(Vector<T> t, Vector<T> u, Vector<T>* w) const {
        const Vector<T> third2 = splat(T(2.0 / 3.0));
        w[0] = u * u * u * T(1.0 / 6.0);
        w[1] = third2 - t * t * (u + T(1)) * T(0.5);
        w[2] = third2 - u * u * (t + T(1)) * T(0.5);
        w[3] = t * t * t * T(1.0 / 6.0);
    }
};

/// Makes weights sum to 1.
template <class T, int Width>
CBLOT_INLINE void normalise(Vector<T>* w) {
    Vector<T> sum = w[0];
    for (int c = 1; c < Width; ++c) {
        sum = sum + w[c];
    }
    const Vector<T> scale = splat(T(1)) / sum;
    for (int c = 0; c < Width; ++c) {
        w[c] = w[c] * scale;
    }
}

/// cos and sin of pi k / a, exact to the type, for the Lanczos taps k = -4 ... 5.
template <int A>
struct LanczosAngles;

template <>
struct LanczosAngles<3> {
    static constexpr double cosine[] = {1.0, 0.5, -0.5, -1.0};
    static constexpr double sine[] = {0.0, 0.86602540378443864676, 0.86602540378443864676, 0.0};
};

template <>
struct LanczosAngles<5> {
    static constexpr double cosine[] = {1.0,
                                        0.80901699437494742410,
                                        0.30901699437494742410,
                                        -0.30901699437494742410,
                                        -0.80901699437494742410,
                                        -1.0};
    static constexpr double sine[] = {0.0,
                                      0.58778525229247312917,
                                      0.95105651629515357212,
                                      0.95105651629515357212,
                                      0.58778525229247312917,
                                      0.0};
};

/// sinc(d) sinc(d/A), d = t - k for k = 1-A ... A, made to sum to 1; within 6 epsilon.
///
/// sin(pi (t-k)) is sin(pi t) but for its sign, so it cancels in the normalisation, and what is
/// left, times t u, is regular at both ends: (-1)^k sin(pi (t-k)/A) t u / (t-k)^2, with the sine of
/// a difference of angles.
template <class T, int A>
struct Lanczos : KernelDefaults {
    static constexpr int width = 2 * A, offset = 1 - A;
    static constexpr Base base = Base::floor;
    static constexpr Edge edge = Edge::drop;
    CBLOT_INLINE void weights(Vector<T> t, Vector<T> u, Vector<T>* w) const {
        constexpr double step = kPi / A;
        const Vector<T> zt = t * T(step), zu = u * T(step);
        const Vector<T> st = sin_over_z<T>(zt * zt), su = sin_over_z<T>(zu * zu);
        const Vector<T> sine = st * zt, cosine = cos_of_square<T>(zt * zt), tu = t * u;
        for (int c = 0; c < width; ++c) {
            const int k = offset + c;
            if (k == 0) {
                w[c] = st * u * T(step);
            } else if (k == 1) {
                w[c] = su * t * T(step);
            } else {
                const int m = k < 0 ? -k : k;
                const double sign = m % 2 == 0 ? 1.0 : -1.0;
                const double ck = sign * LanczosAngles<A>::cosine[m];
                const double sk = sign * (k < 0 ? -1.0 : 1.0) * LanczosAngles<A>::sine[m];
                const Vector<T> d = t - T(k);
                w[c] = (sine * T(ck) - cosine * T(sk)) * tu / (d * d);
            }
        }
        normalise<T, width>(w);
    }
};

template <class T>
using Lanczos3 = Lanczos<T, 3>;

template <class T>
using Lanczos5 = Lanczos<T, 5>;

/// Taper of IRAF's sinc interpolant at k source pixels from the nearest pixel.
constexpr double sinc_taper(int k) {
    const double q = kPi / 14.0 * k * (kPi / 14.0 * k);
    const double root = 1.0 - 0.49670 * q + 0.03705 * q * q;
    return root * root;
}

template <class T>
struct StretchedSinc;

/// sinc(t-k) taper(k), k = -7 ... 7, made to sum to 1; within 4 epsilon.
///
/// As in Lanczos, sin(pi t) cancels; what is left, times t, is regular at t = 0.
template <class T>
struct Sinc : KernelDefaults {
    using Stretched = StretchedSinc<T>;
    static constexpr int width = 15, offset = -7;
    static constexpr Base base = Base::nearest;
    static constexpr Edge edge = Edge::clamp;
    CBLOT_INLINE void weights(Vector<T> t, Vector<T>, Vector<T>* w) const {
        const Vector<T> t2 = t * t;
        w[7] = splat(T(1));
        for (int k = 1; k <= 7; ++k) {
            const double sign = k % 2 == 0 ? 1.0 : -1.0;
            const Vector<T> r = t * T(sign * sinc_taper(k)) / (t2 - T(k * k));
            w[7 + k] = r * (t + T(k));
            w[7 - k] = r * (t - T(k));
        }
        normalise<T, width>(w);
    }
};

/// sinc((t-k)/sinscl) taper(k), k = -7 ... 7, made to sum to 1, for any sinscl > 0; in double,
/// because a wide kernel takes the sine of differences much smaller than their terms.
///
/// A kernel narrower than a pixel can miss all samples: where the sum of the weights is below 1e-3
/// of the sum of their absolute values, or that is below 1e-6, as at zeros of all of them, the
/// nearest sample is taken.
template <class T>
struct StretchedSinc {
    static constexpr int width = 15, offset = -7;
    static constexpr Base base = Base::nearest;
    static constexpr Edge edge = Edge::clamp;
    static constexpr bool stretched = true;
    using Stretched = void;
    double sinscl;

    void weights(Vector<T> t, Vector<T>, Vector<T>* w) const {
        T lanes[kLanes<T>], tap[width][kLanes<T>];
        store(lanes, t);
        for (int l = 0; l < kLanes<T>; ++l) {
            double v[width], sum = 0.0, size = 0.0;
            for (int c = 0; c < width; ++c) {
                v[c] = sinc((double(lanes[l]) - (offset + c)) / sinscl) * sinc_taper(offset + c);
                sum += v[c];
                size += v[c] < 0.0 ? -v[c] : v[c];
            }
            const bool regular = (sum < 0.0 ? -sum : sum) >= 1e-3 * size && size >= 1e-6;
            for (int c = 0; c < width; ++c) {
                tap[c][l] = T(regular ? v[c] / sum : (c == -offset ? 1.0 : 0.0));
            }
        }
        for (int c = 0; c < width; ++c) {
            w[c] = load(tap[c]);
        }
    }

  private:
    static double sinc(double v) {
        // Beyond 2^40 only the sign of nothing is left: the envelope is below 1e-12.
        if (!(v > -1.1e12 && v < 1.1e12)) {
            return 0.0;
        }
        constexpr double magic = 6755399441055744.0;  // 1.5 * 2^52: adding it rounds to an integer
        const double n = (v + magic) - magic, f = v - n;
        const double z = kPi * f;
        if (n == 0.0) {
            return sin_over_z<double>(splat(z * z))[0];
        }
        const double half = n * 0.5, odd = (half + magic) - magic - half;
        return (odd == 0.0 ? z : -z) * sin_over_z<double>(splat(z * z))[0] / (kPi * v);
    }
};

}  // namespace cblot::CBLOT_ISA
