// How far a node grid is from what a bilinear mean can follow. Part of the extension.
#pragma once

#include <cmath>

#include "cblot/view.hpp"

namespace cblot {

/// Of one coordinate; NaN where a node is not finite.
inline double greatest_bend(const View2D<const double>& nodes) {
    double most = 0.0, poison = 0.0;
    const Index down = nodes.stride_y, along = nodes.stride_x;
    for (Index l = 0; l < nodes.ny; ++l) {
        const double* const row = nodes.data + l * down;
        for (Index k = 0; k < nodes.nx; ++k) {
            poison += row[k * along] - row[k * along];  // 0, or NaN
        }
        for (Index k = 1; k + 1 < nodes.nx; ++k) {
            const double* const p = row + k * along;
            const double bend = std::abs((p[along] - p[0]) - (p[0] - p[-along]));
            most = bend > most ? bend : most;
        }
        for (Index k = 0; l > 0 && l + 1 < nodes.ny && k < nodes.nx; ++k) {
            const double* const p = row + k * along;
            const double bend = std::abs((p[down] - p[0]) - (p[0] - p[-down]));
            most = bend > most ? bend : most;
        }
    }
    return most + poison;
}

/// Greatest absolute second difference of neighbours along either axis, of which a quarter bounds
/// how far the mean of a cell's corners is from a smooth function at its centre; NaN where a node
/// is not finite.
inline double greatest_bend(const View2D<const double>& x, const View2D<const double>& y) {
    const double in_x = greatest_bend(x), in_y = greatest_bend(y);
    return std::isnan(in_x) || in_x >= in_y ? in_x : in_y;
}

}  // namespace cblot
