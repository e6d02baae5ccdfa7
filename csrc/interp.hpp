// The interpolants: a fraction within a pixel becomes weights. No pixel is seen here.
//
// A kernel is a small struct that declares its footprint and turns fractions into weights:
//   width, offset  its taps on an axis are base + offset ... base + offset + width - 1
//   base           what the fraction t is counted from: the floor of the position (0 <= t < 1) or
//                  the nearest pixel (-0.5 <= t < 0.5), rounded to the type
//   edge           what stands in for samples beyond the image
//   weights        a vector of t to `width` vectors of weights which sum to 1
// Weights of x and y multiply. Errors quoted are of the weights, in units of the type's epsilon.
#pragma once

#include <limits>
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
    CBLOT_INLINE void weights(Vector<T>, Vector<T>* w) const { w[0] = splat(T(1)); }
};

template <class T>
struct Linear : KernelDefaults {
    static constexpr int width = 2, offset = 0;
    static constexpr Base base = Base::floor;
    static constexpr Edge edge = Edge::clamp;
    CBLOT_INLINE void weights(Vector<T> t, Vector<T>* w) const {
        w[0] = T(1) - t;
        w[1] = t;
    }
};

/// Four-point Lagrange polynomial on -1, 0, 1, 2; within 2 epsilon.
template <class T>
struct Poly3 : KernelDefaults {
    static constexpr int width = 4, offset = -1;
    static constexpr Base base = Base::floor;
    static constexpr Edge edge = Edge::odd;
    CBLOT_INLINE void weights(Vector<T> t, Vector<T>* w) const {
        const Vector<T> u = T(1) - t, t1 = t + T(1), u1 = u + T(1);
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
    CBLOT_INLINE void weights(Vector<T> t, Vector<T>* w) const {
        const Vector<T> u = T(1) - t, t1 = t + T(1), t2 = t + T(2), u1 = u + T(1), u2 = u + T(2);
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
    CBLOT_INLINE void weights(Vector<T> t, Vector<T>* w) const {
        const Vector<T> u = T(1) - t, third2 = splat(T(2.0 / 3.0));
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
    CBLOT_INLINE void weights(Vector<T> t, Vector<T>* w) const {
        constexpr double step = kPi / A;
        // Where t is rounded to 1, all but one of the weights are in proportion to 1 - t, which
        // may not be 0, for that one may be of a sample that is dropped.
        constexpr T least = std::numeric_limits<T>::epsilon() / 2;
        const Vector<T> left = T(1) - t, u = left < least ? splat(least) : left;
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
class StretchedSinc;

/// sinc(t-k) taper(k), k = -7 ... 7, made to sum to 1; within 4 epsilon.
///
/// As in Lanczos, sin(pi t) cancels; what is left, times t, is regular at t = 0.
template <class T>
struct Sinc : KernelDefaults {
    using Stretched = StretchedSinc<T>;
    static constexpr int width = 15, offset = -7;
    static constexpr Base base = Base::nearest;
    static constexpr Edge edge = Edge::clamp;
    CBLOT_INLINE void weights(Vector<T> t, Vector<T>* w) const {
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

/// sinc((t-k)/sinscl) taper(k), k = -7 ... 7, made to sum to 1, for any sinscl > 0; in double.
///
/// The sine of the difference of two angles is made of sine and cosine of pi t/sinscl and of those
/// of pi k/sinscl, which are worked out once. In a wide kernel, too, it is not much smaller than
/// its terms, for |t-k| is not than k.
///
/// A kernel narrower than a pixel can miss all samples: where the sum of the weights is below 1e-3
/// of the sum of their absolute values, or that is below 1e-6, as at zeros of all of them, the
/// nearest sample is taken.
template <class T>
class StretchedSinc {
  public:
    static constexpr int width = 15, offset = -7;
    static constexpr Base base = Base::nearest;
    static constexpr Edge edge = Edge::clamp;
    static constexpr bool stretched = true;
    using Stretched = void;

    /// Kernels that are yet wider are their taper, and of narrower ones the nearest sample is left.
    explicit StretchedSinc(double sinscl)
        : sinscl_(sinscl < 1e-12 ? 1e-12 : (sinscl < 1e9 ? sinscl : 1e9)) {
        for (int k = 1; k <= 7; ++k) {
            const HalfTurns turns(splat(double(k) / sinscl_));
            const double envelope = sinscl_ / kPi * sinc_taper(k);
            sine_[k] = envelope * lane_of(turns.sine, 0);
            cosine_[k] = envelope * lane_of(turns.cosine, 0);
        }
    }

    CBLOT_INLINE void weights(Vector<T> t, Vector<T>* w) const {
        alignas(64) T fractions[kLanes<T>], taps[width][kLanes<T>];
        store(fractions, t);
        for (int l = 0; l < kLanes<T>; l += kLanes<double>) {
            in_double(fractions + l, taps[0] + l);
        }
        for (int c = 0; c < width; ++c) {
            w[c] = load(taps[c]);
        }
    }

  private:
    using Doubles = Vector<double>;

    /// sin(pi v) and cos(pi v), |v| < 2^50.
    struct HalfTurns {
        Doubles sine, cosine;
        Doubles sinc;  // sin(pi v) / (pi v)

        CBLOT_INLINE explicit HalfTurns(Doubles v) {
            constexpr double magic = 6755399441055744.0;  // 1.5 * 2^52: adding it rounds
            const Doubles n = (v + magic) - magic, z = (v - n) * kPi, half = n * 0.5;
            const Doubles one = splat(1.0), sign = (half + magic) - magic == half ? one : -one;
            const Doubles over_z = sin_over_z<double>(z * z);
            sine = sign * z * over_z;
            cosine = sign * cos_of_square<double>(z * z);
            sinc = n == 0.0 ? over_z : sine / (v * kPi);
        }
    };

    /// Weights at the fractions of kLanes<double> pixels, those of a tap kLanes<T> after the
    /// last's.
    CBLOT_NOINLINE void in_double(const T* fractions, T* taps) const {
        const Doubles t = convert<double>(load_as<Vector<T, kLanes<double>>>(fractions)),
                      t2 = t * t;
        const HalfTurns turns(t / sinscl_);
        const Doubles one = splat(1.0), zero{};
        Doubles v[width], sum = turns.sinc, size = magnitude(sum);
        v[7] = sum;
        for (int k = 1; k <= 7; ++k) {
            const Doubles r = one / (t2 - double(k * k));
            const Doubles same = turns.sine * cosine_[k], other = turns.cosine * sine_[k];
            v[7 + k] = (same - other) * (t + double(k)) * r;
            v[7 - k] = (same + other) * (t - double(k)) * r;
            sum = sum + (v[7 + k] + v[7 - k]);
            size = size + (magnitude(v[7 + k]) + magnitude(v[7 - k]));
        }
        const auto regular = (magnitude(sum) >= 1e-3 * size) & (size >= 1e-6);
        const Doubles scale = one / sum;
        for (int c = 0; c < width; ++c) {
            const Doubles weight = regular ? v[c] * scale : (c == -offset ? one : zero);
            store(taps + c * kLanes<T>, convert<T>(weight));
        }
    }

    CBLOT_INLINE static Doubles magnitude(Doubles v) { return v < 0.0 ? -v : v; }

    double sinscl_, sine_[8] = {}, cosine_[8] = {};
};

}  // namespace cblot::CBLOT_ISA
