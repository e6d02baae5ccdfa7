// The slow truth in plain double precision, written from the definitions: one position at a time,
// all taps, samples beyond the image from a function of the index. Shares nothing with the library
// but its enum of kernels and its views.
#pragma once

#include <cmath>
#include <cstdlib>
#include <map>
#include <utility>
#include <vector>

#include "cblot/blot.hpp"

namespace plain {

using cblot::Index;
using cblot::Kernel;
using Weights = std::map<Index, double>;

constexpr double kPi = 3.14159265358979323846;

inline double sinc(double v) { return v == 0.0 ? 1.0 : std::sin(kPi * v) / (kPi * v); }

/// sinc(t - k) keeping the digits of t near 0 and 1, where t - k would lose them.
inline double shifted_sinc(double t, Index k) {
    if (t == double(k)) {
        return 1.0;
    }
    const double folded = t > 0.5 ? 1.0 - t : t;
    return (k % 2 == 0 ? 1.0 : -1.0) * std::sin(kPi * folded) / (kPi * (t - double(k)));
}

inline Weights lagrange(Index first, Index last, double t) {
    Weights weights;
    for (Index k = first; k <= last; ++k) {
        double w = 1.0;
        for (Index m = first; m <= last; ++m) {
            w *= m == k ? 1.0 : (t - double(m)) / double(k - m);
        }
        weights[k] = w;
    }
    return weights;
}

inline double bspline(double d) {
    d = std::abs(d);
    return d < 1 ? 2.0 / 3 - d * d + d * d * d / 2 : d < 2 ? std::pow(2 - d, 3) / 6 : 0.0;
}

inline Weights normalised(Weights weights) {
    double total = 0.0;
    for (const auto& [k, w] : weights) {
        total += w;
    }
    for (auto& [k, w] : weights) {
        w /= total;
    }
    return weights;
}

/// sinc's weights around the nearest sample, not made to sum to 1, for a distance d from it.
inline Weights sinc_weights(double d, double sinscl) {
    Weights weights;
    for (Index k = -7; k <= 7; ++k) {
        const double u2 = std::pow(kPi / 14 * double(k), 2);
        const double taper = std::pow(1 - 0.49670 * u2 + 0.03705 * u2 * u2, 2);
        weights[k] = sinc((d - double(k)) / sinscl) * taper;
    }
    return weights;
}

inline double total_size(const Weights& weights) {
    double size = 0.0;
    for (const auto& [k, w] : weights) {
        size += std::abs(w);
    }
    return size;
}

/// By how much the sum of weights is less than the sum of their sizes: what making them sum to 1
/// does to their rounding errors. Of 1000 and more, the nearest sample alone is taken.
inline double cancellation(const Weights& weights) {
    double total = 0.0;
    for (const auto& [k, w] : weights) {
        total += w;
    }
    return total_size(weights) / std::abs(total);
}

/// Base sample of an axis, and weights by offset from it.
inline std::pair<Index, Weights> taps(Kernel kernel, double position, double sinscl) {
    const auto base = Index(std::floor(position));
    const double t = position - double(base);
    const Index nearest = base + (t >= 0.5);
    switch (kernel) {
        case Kernel::nearest: return {nearest, {{0, 1.0}}};
        case Kernel::linear: return {base, {{0, 1.0 - t}, {1, t}}};
        case Kernel::poly3: return {base, lagrange(-1, 2, t)};
        case Kernel::poly5: return {base, lagrange(-2, 3, t)};
        case Kernel::spline3: {
            Weights weights;
            for (Index k = -1; k <= 2; ++k) {
                weights[k] = bspline(t - double(k));
            }
            return {base, weights};
        }
        case Kernel::sinc: {
            const Weights weights = sinc_weights(position - double(nearest), sinscl);
            if (cancellation(weights) > 1e3 || total_size(weights) < 1e-6) {
                return {nearest, {{0, 1.0}}};
            }
            return {nearest, normalised(weights)};
        }
        case Kernel::lanczos3:
        case Kernel::lanczos5: {
            const Index a = kernel == Kernel::lanczos3 ? 3 : 5;
            Weights weights;
            for (Index k = 1 - a; k <= a; ++k) {
                weights[k] = shifted_sinc(t, k) * sinc((t - double(k)) / double(a));
            }
            return {base, normalised(weights)};
        }
    }
    std::abort();
}

/// Sample k of an axis of n, as a combination of samples that exist.
inline Weights expand(Kernel kernel, Index k, Index n) {
    if (k >= 0 && k < n) {
        return {{k, 1.0}};
    }
    if (kernel == Kernel::lanczos3 || kernel == Kernel::lanczos5) {
        return {};
    }
    if (n == 1 || kernel == Kernel::nearest || kernel == Kernel::linear || kernel == Kernel::sinc) {
        return {{k < 0 ? 0 : n - 1, 1.0}};
    }
    const Index end = k < 0 ? 0 : n - 1;
    Weights inner = expand(kernel, 2 * end - k, n);
    if (kernel == Kernel::spline3) {
        return inner;
    }
    for (auto& [m, w] : inner) {
        w = -w;
    }
    inner[end] += 2.0;
    return inner;
}

inline Weights axis_weights(Kernel kernel, double position, Index n, double sinscl) {
    const auto [base, weights] = taps(kernel, position, sinscl);
    Weights combined;
    for (const auto& [k, w] : weights) {
        for (const auto& [m, factor] : expand(kernel, base + k, n)) {
            combined[m] += w * factor;
        }
    }
    const bool lanczos = kernel == Kernel::lanczos3 || kernel == Kernel::lanczos5;
    return lanczos ? normalised(combined) : combined;
}

/// Interpolating coefficients along one axis, mirrored at its ends, by elimination.
inline std::vector<double> spline_axis(std::vector<double> values) {
    const auto n = Index(values.size());
    std::vector<std::vector<double>> m(values.size(), std::vector<double>(values.size(), 0.0));
    for (Index i = 0; i < n; ++i) {
        for (const auto& [k, w] :
             {std::pair<Index, double>{-1, 1.0 / 6}, {0, 2.0 / 3}, {1, 1.0 / 6}}) {
            for (const auto& [index, factor] : expand(Kernel::spline3, i + k, n)) {
                m[std::size_t(i)][std::size_t(index)] += w * factor;
            }
        }
    }
    for (std::size_t p = 0; p < values.size(); ++p) {
        for (std::size_t r = p + 1; r < values.size(); ++r) {
            const double f = m[r][p] / m[p][p];
            for (std::size_t c = p; c < values.size() && f != 0.0; ++c) {
                m[r][c] -= f * m[p][c];
            }
            values[r] -= f * values[p];
        }
    }
    for (std::size_t p = values.size(); p-- > 0;) {
        for (std::size_t c = p + 1; c < values.size(); ++c) {
            values[p] -= m[p][c] * values[c];
        }
        values[p] /= m[p][p];
    }
    return values;
}

/// An image in double; spline3 needs coefficients in the place of samples.
class Image {
  public:
    template <class T>
    Image(const cblot::View2D<const T>& source, Kernel kernel)
        : ny_(source.ny), nx_(source.nx), kernel_(kernel), values_(std::size_t(ny_ * nx_)) {
        for (Index j = 0; j < ny_; ++j) {
            for (Index i = 0; i < nx_; ++i) {
                at(j, i) = double(source(j, i));
            }
        }
        if (kernel == Kernel::spline3) {
            filter();
        }
    }

    double value(double x, double y, double sinscl) const {
        const Weights wx = axis_weights(kernel_, x, nx_, sinscl);
        double sum = 0.0;
        for (const auto& [j, b] : axis_weights(kernel_, y, ny_, sinscl)) {
            double row = 0.0;
            for (const auto& [i, a] : wx) {
                row += a * values_[std::size_t(j * nx_ + i)];
            }
            sum += b * row;
        }
        return sum;
    }

    bool holds(double x, double y) const {
        return x >= 0.0 && x < double(nx_) && y >= 0.0 && y < double(ny_);
    }

  private:
    double& at(Index j, Index i) { return values_[std::size_t(j * nx_ + i)]; }

    void filter() {
        for (Index i = 0; i < nx_; ++i) {
            std::vector<double> column;
            for (Index j = 0; j < ny_; ++j) {
                column.push_back(at(j, i));
            }
            column = spline_axis(std::move(column));
            for (Index j = 0; j < ny_; ++j) {
                at(j, i) = column[std::size_t(j)];
            }
        }
        for (Index j = 0; j < ny_; ++j) {
            const auto row = spline_axis({&at(j, 0), &at(j, 0) + nx_});
            for (Index i = 0; i < nx_; ++i) {
                at(j, i) = row[std::size_t(i)];
            }
        }
    }

    Index ny_, nx_;
    Kernel kernel_;
    std::vector<double> values_;
};

}  // namespace plain
