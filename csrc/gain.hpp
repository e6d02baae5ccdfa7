// From interpolated values to output units.
#pragma once

#include "job.hpp"
#include "scale.hpp"
#include "simd.hpp"

namespace cblot::CBLOT_ISA {

/// value * exptime / pix_ratio^2, by one multiplication in double.
struct PlainGain {
    double factor;

    explicit PlainGain(const Options& options) : factor(gain_of(options)) {}

    template <class T>
    CBLOT_INLINE double operator()(T value) const {
        return double(value) * factor;
    }
};

/// In float32, in the peers' order.
template <bool Drizzlepac>
struct ClassicGain {
    float exptime, area;

    explicit ClassicGain(const Options& options)
        : exptime(float(options.exptime)), area(float(area_of(options))) {}

    CBLOT_INLINE float operator()(float value) const {
        return Drizzlepac ? (value * exptime) / area : value * exptime;
    }
};

}  // namespace cblot::CBLOT_ISA
