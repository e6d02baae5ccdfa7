// The exact mapping of a distorted exposure onto an undistorted source, several pixels at once.
#pragma once

#include <cmath>
#include <limits>

#include "job.hpp"
#include "simd.hpp"

namespace cblot::CBLOT_ISA {

using Doubles = Vector<double>;
using Cells = Vector<std::int32_t, kLanes<double>>;

/// 0, 1, 2 ...
CBLOT_INLINE Doubles lane_numbers() {
    alignas(64) double numbers[kLanes<double>];
    for (int l = 0; l < kLanes<double>; ++l) {
        numbers[l] = l;
    }
    return load(numbers);
}

/// The two elements of an axis of a table between which a position lies, and the fraction within
/// their cell. In a table with elements that are not numbers one of weight 0 is not among them: at
/// an element both are that one. So what is not a number spreads to the positions within its cells
/// and to no other, and a position on an element has the same value in whichever way it is looked
/// up. (Of numbers, one of weight 0 adds nothing.)
struct TableCell {
    Cells left, right;
    Doubles t;

    CBLOT_INLINE TableCell(Doubles position, double scale, double shift, Index n, bool finite) {
        const Doubles zero{}, end = splat(double(n - 1)), last = splat(double(n > 1 ? n - 2 : 0));
        Doubles g = position * scale + shift;
        g = g >= 0.0 ? g : zero;
        g = g < end ? g : end;
        // The last element is the end of the last cell.
        left = convert<std::int32_t>(g < last ? g : last);
        const Doubles cell = convert<double>(left);
        t = g - cell;
        right = left + (n > 1 ? 1 : 0);
        if (!finite) {
            const Doubles next = cell + 1.0;
            left = convert<std::int32_t>(t < 1.0 ? cell : next);
            right = convert<std::int32_t>(t > 0.0 ? next : cell);
        }
    }
};

CBLOT_INLINE Doubles widen(const float* p) {
    return convert<double>(load_as<Vector<float, kLanes<double>>>(p));
}

/// The two rows of a table around a y, and how to mix them.
struct TableRows {
    const float *lower = nullptr, *upper = nullptr;
    double t = 0.0, u = 1.0;

    TableRows() = default;
    TableRows(const TablePlan& table, const TableCell& cell, int lane)
        : lower(table.data + lane_of(cell.left, lane) * table.nx),
          upper(lane_of(cell.right, lane) > lane_of(cell.left, lane) ? lower + table.nx : lower),
          t(lane_of(cell.t, lane)),
          u(1.0 - t) {}

    CBLOT_INLINE double at(Index i) const { return double(lower[i]) * u + double(upper[i]) * t; }

    /// kLanes consecutive elements.
    CBLOT_INLINE Doubles from(Index i) const { return widen(lower + i) * u + widen(upper + i) * t; }
};

/// The rows of a table around one y.
CBLOT_INLINE TableRows table_rows(const TablePlan& table, double y) {
    if (table.data == nullptr) {
        return {};
    }
    return {table, TableCell(splat(y), table.scale_y, table.shift_y, table.ny, table.finite), 0};
}

/// Corrections at positions x of a row.
CBLOT_INLINE Doubles lookup_row(const TablePlan& table, const TableRows& rows, Doubles x) {
    const TableCell cell(x, table.scale_x, table.shift_x, table.nx, table.finite);
    Doubles left, right;
    for (int l = 0; l < kLanes<double>; ++l) {
        set_lane(left, l, rows.at(lane_of(cell.left, l)));
        set_lane(right, l, rows.at(lane_of(cell.right, l)));
    }
    return left * (1.0 - cell.t) + right * cell.t;
}

/// Corrections at any positions, to the same bits.
inline Doubles lookup_anywhere(const TablePlan& table, Doubles x, Doubles y) {
    const TableCell cx(x, table.scale_x, table.shift_x, table.nx, table.finite);
    const TableCell cy(y, table.scale_y, table.shift_y, table.ny, table.finite);
    Doubles left, right;
    for (int l = 0; l < kLanes<double>; ++l) {
        const TableRows rows(table, cy, l);
        set_lane(left, l, rows.at(lane_of(cx.left, l)));
        set_lane(right, l, rows.at(lane_of(cx.right, l)));
    }
    return left * (1.0 - cx.t) + right * cx.t;
}

/// The polynomials, or what is left of them where v is the same for a whole row.
class Polynomials {
  public:
    explicit Polynomials(const PolynomialPlan& plan) : plan_(plan) {}

    void fix(double v) {
        for (int p = 0; p <= plan_.order; ++p) {
            a_[p] = factor<double>(plan_.a, p, v);
            b_[p] = factor<double>(plan_.b, p, v);
        }
    }

    /// For the fixed v, at two vectors at once.
    CBLOT_INLINE void add(const Doubles (&u)[2], Doubles (&x)[2], Doubles (&y)[2]) const {
        Doubles a0 = splat(a_[plan_.order]), b0 = splat(b_[plan_.order]), a1 = a0, b1 = b0;
        for (int p = plan_.order - 1; p >= 0; --p) {
            a0 = a0 * u[0] + a_[p];
            a1 = a1 * u[1] + a_[p];
            b0 = b0 * u[0] + b_[p];
            b1 = b1 * u[1] + b_[p];
        }
        x[0] = x[0] + a0;
        x[1] = x[1] + a1;
        y[0] = y[0] + b0;
        y[1] = y[1] + b1;
    }

    CBLOT_INLINE void add(Doubles u, Doubles v, Doubles& x, Doubles& y) const {
        Doubles a = factor<Doubles>(plan_.a, plan_.order, v);
        Doubles b = factor<Doubles>(plan_.b, plan_.order, v);
        for (int p = plan_.order - 1; p >= 0; --p) {
            a = a * u + factor<Doubles>(plan_.a, p, v);
            b = b * u + factor<Doubles>(plan_.b, p, v);
        }
        x = x + a;
        y = y + b;
    }

  private:
    /// The factor of u^p.
    template <class V>
    CBLOT_INLINE V factor(const double* coefficients, int p, V v) const {
        const double* const c = coefficients + p * (plan_.order + 1);
        V sum = splat_as<V>(c[plan_.order - p]);
        for (int q = plan_.order - p - 1; q >= 0; --q) {
            sum = sum * v + c[q];
        }
        return sum;
    }

    PolynomialPlan plan_;
    double a_[kMaxSipOrder + 1], b_[kMaxSipOrder + 1];
};

/// Equally spaced positions of one row: x0 + p dx, 0 <= p < n <= kBlock. Where x0 and dx are whole
/// numbers they are exact.
struct Row {
    double x0, dx, y;
    Index n;

    CBLOT_INLINE double at(Index p) const { return x0 + double(p) * dx; }
    CBLOT_INLINE Doubles from(Index p) const { return lane_numbers() * dx + at(p); }
};

/// The positions along x corrected by a detector table.
inline void correct_columns(const TablePlan& table, const Row& row, double* cx) {
    constexpr Index lanes = kLanes<double>;
    if (table.data == nullptr) {
        for (Index p = 0; p < row.n; p += lanes) {
            store(cx + p, row.from(p));
        }
        return;
    }
    const TableRows rows = table_rows(table, row.y);
    const double first = row.x0 + table.shift_x;
    const bool by_pixel = table.by_pixel && row.dx == 1.0 && first > -1e9 && first < 1e9 &&
                          first == double(Index(first));
    const Index element = by_pixel ? Index(first) : 0;
    for (Index p = 0; p < row.n; p += lanes) {
        const Doubles x = row.from(p);
        const bool plain = by_pixel & (element + p >= 0) & (element + p <= table.nx - lanes);
        store(cx + p, x + (plain ? rows.from(element + p) : lookup_row(table, rows, x)));
    }
}

/// Adds a table's corrections at the corrected columns, none of which is farther than `most` from
/// its pixel. Where that leaves no doubt about the cell of a vector of pixels, or leaves two, the
/// elements are loaded once for all of them, unless one is not a number: one of weight 0 counts.
inline void add_corrections(const TablePlan& table, const Row& row, double most, const double* cx,
                            double* out) {
    constexpr Index lanes = kLanes<double>;
    const TableRows rows = table_rows(table, row.y);
    const double scale = table.scale_x, shift = table.shift_x;
    const double cell_width = 1.0 / scale, per_column = 1.0 / row.dx;
    const double margin = most + 1e-3;  // more than all roundings
    const auto look_up = [&](Index& p) {
        store(out + p, load(out + p) + lookup_row(table, rows, load(cx + p)));
        p += lanes;
    };
    for (Index p = 0; p < row.n;) {
        const double g = (row.at(p) - margin) * scale + shift;
        const double g_end = (row.at(p + lanes - 1) + margin) * scale + shift;
        const double cell = std::floor(g);
        if (!(g >= 0.0 && scale > 0.0 && g_end < cell + 2.0 && cell + 2.0 < double(table.nx))) {
            look_up(p);
            continue;
        }
        const Index k = Index(cell);
        const double e0 = rows.at(k), e1 = rows.at(k + 1);
        const bool two = g_end >= cell + 1.0;
        if (!table.finite && std::isnan(e0 + e1 + (two ? rows.at(k + 2) : e1))) {
            look_up(p);
            continue;
        }
        if (two) {
            const Doubles position = load(cx + p) * scale + shift;
            const Doubles e2 = splat(rows.at(k + 2)), second = splat(cell + 1.0);
            const auto beyond = position >= second;
            const Doubles t = position - (beyond ? second : splat(cell));
            const Doubles left = beyond ? splat(e1) : splat(e0), right = beyond ? e2 : splat(e1);
            store(out + p, load(out + p) + (left * (1.0 - t) + right * t));
            p += lanes;
            continue;
        }
        // All vectors up to the end of the cell.
        const double columns =
            ((cell + 1.0 - shift) * cell_width - margin - row.at(p)) * per_column;
        const Index whole = columns < double(row.n) ? Index(columns) / lanes * lanes : row.n;
        const Index stop = min_index(p + max_index(whole, lanes), row.n);
        for (; p < stop; p += lanes) {
            const Doubles t = (load(cx + p) * scale + shift) - cell;
            store(out + p, load(out + p) + (e0 * (1.0 - t) + e1 * t));
        }
    }
}

/// Source positions of a row of output positions, FITS. The corrected y is the same for the whole
/// row unless there is a detector table for y. One short loop a step, so that the processor finds
/// independent work.
template <bool OneRow>
void exact_row(const ExactPlan& plan, const Row& row, double* x_out, double* y_out) {
    constexpr Index lanes = kLanes<double>;
    alignas(64) double cx[kBlock], cy[OneRow ? 1 : kBlock];
    const double y = row.y;
    const Index n = row.n;
    correct_columns(plan.detector_x, row, cx);
    if constexpr (!OneRow) {
        for (Index p = 0; p < n; p += lanes) {
            store(cy + p, y + lookup_anywhere(plan.detector_y, row.from(p), splat(y)));
        }
    }
    const auto corrected_y = [&](Index p) { return OneRow ? splat(y) : load(cy + p); };

    Polynomials sip(plan.sip);
    if (plan.sip.order < 0) {
        for (Index p = 0; p < n; p += lanes) {
            store(x_out + p, load(cx + p));
            store(y_out + p, corrected_y(p));
        }
    } else if constexpr (OneRow) {
        sip.fix(y - plan.sip_y);
        for (Index p = 0; p < n; p += 2 * lanes) {
            Doubles px[2] = {load(cx + p), load(cx + p + lanes)}, py[2] = {splat(y), splat(y)};
            sip.add({px[0] - plan.sip_x, px[1] - plan.sip_x}, px, py);
            store(x_out + p, px[0]);
            store(y_out + p, py[0]);
            store(x_out + p + lanes, px[1]);
            store(y_out + p + lanes, py[1]);
        }
    } else {
        for (Index p = 0; p < n; p += lanes) {
            Doubles px = load(cx + p), py = load(cy + p);
            sip.add(px - plan.sip_x, py - plan.sip_y, px, py);
            store(x_out + p, px);
            store(y_out + p, py);
        }
    }

    const auto add_table = [&](const TablePlan& table, double* out) {
        if (table.data == nullptr) {
            return;
        }
        if constexpr (OneRow) {
            add_corrections(table, row, plan.most_detector_x, cx, out);
        } else {
            for (Index p = 0; p < n; p += lanes) {
                const Doubles correction = lookup_anywhere(table, load(cx + p), load(cy + p));
                store(out + p, load(out + p) + correction);
            }
        }
    };
    add_table(plan.table_x, x_out);
    add_table(plan.table_y, y_out);

    const auto& h = plan.h;
    const Doubles nan = splat(std::numeric_limits<double>::quiet_NaN());
    for (Index p = 0; p < n; p += lanes) {
        const Doubles fx = load(x_out + p) - plan.origin_x, fy = load(y_out + p) - plan.origin_y;
        const Doubles w = h[2][0] * fx + h[2][1] * fy + h[2][2], inverse = 1.0 / w;
        const Doubles sx = (h[0][0] * fx + h[0][1] * fy + h[0][2]) * inverse + plan.x0;
        const Doubles sy = (h[1][0] * fx + h[1][1] * fy + h[1][2]) * inverse + plan.y0;
        store(x_out + p, w > 0.0 ? sx : nan);
        store(y_out + p, w > 0.0 ? sy : nan);
    }
}

inline void exact_positions_of(const ExactPlan& plan, Row row, double* x, double* y) {
    constexpr Index pair = 2 * kLanes<double>;
    static_assert(pair <= kPad && kBlock % pair == 0);
    row.n = (row.n + pair - 1) / pair * pair;
    if (plan.detector_y.data == nullptr) {
        exact_row<true>(plan, row, x, y);
    } else {
        exact_row<false>(plan, row, x, y);
    }
}

inline void exact_positions(const void* plan, Index j, Index i, Index n, double* x, double* y) {
    const Row row{double(i + 1), 1.0, double(j + 1), n};
    exact_positions_of(*static_cast<const ExactPlan*>(plan), row, x, y);
}

/// Source positions of nodes (k step, y), k_begin <= k < k_begin + n.
inline void exact_nodes(const ExactPlan& plan, Index step, double y, Index k_begin, Index n,
                        double* x_out, double* y_out) {
    const Row row{double(k_begin) * double(step), double(step), y, n};
    exact_positions_of(plan, row, x_out, y_out);
}

inline void exact_positions_at(const ExactPlan& plan, Index count, double* x, double* y) {
    for (Index k = 0; k < count; ++k) {
        double sx[kPad], sy[kPad];
        exact_positions_of(plan, Row{x[k], 1.0, y[k], 1}, sx, sy);
        x[k] = sx[0];
        y[k] = sy[0];
    }
}

}  // namespace cblot::CBLOT_ISA
