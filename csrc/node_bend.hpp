// What a bilinear mean of nodes can follow, and what not. Part of the extension.
#pragma once

#include <algorithm>
#include <cmath>

#include "cblot/view.hpp"
#include "greatest.hpp"

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

/// Of a table with dense rows.
inline const float* row_of(const View2D<const float>& table, Index j) {
    return table.data + j * table.stride_y;
}

/// How far elements of a table are from the means of two nodes, which stand at every n-th of a row
/// and at its last, or of a column, at the most: what stands out is off, or its neighbours are. NaN
/// if an element is.
inline double greatest_roughness(const View2D<const float>& table, Index n, bool down) {
    Greatest most;
    const Index length = down ? table.ny : table.nx;
    const auto at = [&](Index node, Index after, Index i, float from, float to, float value) {
        const double rise = double(to) - double(from);
        return std::abs(double(from) + rise * double(i - node) / double(after - node) -
                        double(value));
    };
    for (Index node = 0; node + 1 < length; node += n) {
        const Index after = std::min(node + n, length - 1);
        if (down) {
            const float *const from = row_of(table, node), *const to = row_of(table, after);
            for (Index j = node; j <= after; ++j) {
                const float* const row = row_of(table, j);
                most.take(table.nx,
                          [&](Index i) { return at(node, after, j, from[i], to[i], row[i]); });
            }
        } else {
            for (Index j = 0; j < table.ny; ++j) {
                const float* const row = row_of(table, j);
                most.take(after - node + 1, [&](Index i) {
                    return at(node, after, node + i, row[node], row[after], row[node + i]);
                });
            }
        }
    }
    return most.result();
}

/// The greatest change of a table's step from an element of a row, or of a column, to the next, at
/// an element: it is linear between them and constant beyond. NaN if an element is.
inline double greatest_kink(const View2D<const float>& table, bool down) {
    Greatest most;
    // Of n elements, one in the middle of three each; or one at an end, next to the other.
    const auto middle = [&](Index n, const float* before, const float* at, const float* after) {
        most.take(n, [=](Index i) {
            return std::abs((double(after[i]) - double(at[i])) -
                            (double(at[i]) - double(before[i])));
        });
    };
    const auto end = [&](Index n, const float* at, const float* next) {
        most.take(n, [=](Index i) { return std::abs(double(next[i]) - double(at[i])); });
    };
    if ((down ? table.ny : table.nx) < 2) {
        return 0.0;
    }
    if (down) {
        for (Index j = 1; j + 1 < table.ny; ++j) {
            middle(table.nx, row_of(table, j - 1), row_of(table, j), row_of(table, j + 1));
        }
        end(table.nx, row_of(table, 0), row_of(table, 1));
        end(table.nx, row_of(table, table.ny - 2), row_of(table, table.ny - 1));
        return most.result();
    }
    for (Index j = 0; j < table.ny; ++j) {
        const float *const first = row_of(table, j), *const last = first + table.nx - 1;
        middle(table.nx - 2, first, first + 1, first + 2);
        end(1, first, first + 1);
        end(1, last - 1, last);
    }
    return most.result();
}

}  // namespace cblot
