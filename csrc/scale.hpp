// What interpolated values are scaled by. Static: each instruction set's code has its own.
#pragma once

#include "cblot/options.hpp"

namespace cblot {

/// Of an output pixel, in source pixels: pix_ratio^2.
static inline double area_of(const Options& options) {
    return options.pix_ratio * options.pix_ratio;
}

/// exptime / pix_ratio^2.
static inline double gain_of(const Options& options) { return options.exptime / area_of(options); }

}  // namespace cblot
