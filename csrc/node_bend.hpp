// What a bilinear mean of nodes can follow, and what not. Part of the extension.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>

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

/// How far elements of a table are from the means of two nodes, which stand at every n-th of a row
/// and at its last, at the most: what stands out is off, or its neighbours are. NaN if an element
/// is.
inline double greatest_roughness(const View2D<const float>& table, Index n) {
    double most = 0.0;
    for (Index j = 0; j < table.ny; ++j) {
        for (Index node = 0; node + 1 < table.nx; node += n) {
            const Index after = std::min(node + n, table.nx - 1);
            const double value = table(j, node), rise = double(table(j, after)) - value;
            for (Index i = node; i <= after; ++i) {
                const double off =
                    value + rise * double(i - node) / double(after - node) - table(j, i);
                if (std::isnan(off)) {
                    return std::numeric_limits<double>::quiet_NaN();
                }
                most = std::max(most, std::abs(off));
            }
        }
    }
    return most;
}

/// The greatest change of a table's step from an element of a row to the next, at an element: it is
/// linear between them and constant beyond. NaN if an element is.
inline double greatest_kink(const View2D<const float>& table) {
    double most = 0.0;
    for (Index j = 0; j < table.ny; ++j) {
        double before = 0.0;
        for (Index i = 0; i < table.nx; ++i) {
            const double step = i + 1 < table.nx ? double(table(j, i + 1)) - table(j, i) : 0.0;
            const double kink = std::abs(step - before);
            if (std::isnan(kink)) {
                return kink;
            }
            most = std::max(most, kink);
            before = step;
        }
    }
    return most;
}

}  // namespace cblot
