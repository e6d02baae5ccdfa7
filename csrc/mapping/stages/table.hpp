// Tables of corrections: bilinear between their elements.
#pragma once

#include "mapping/stages/stage.hpp"

namespace cblot {

/// A distortion table: the element under position p of an axis is p * scale + shift, 0-based.
struct TablePlan {
    const float* data = nullptr;  // dense rows; null if there is no table
    Index ny = 0, nx = 0;
    double scale_x = 0.0, shift_x = 0.0, scale_y = 0.0, shift_y = 0.0;
    bool by_pixel = false;  // along x, element after element lies under pixel after pixel
    bool finite = true;     // whether all elements are numbers
};

/// Tables that correct the output positions before all else.
struct DetectorPlan {
    TablePlan x, y;
    double most = 0.0;  // no correction of an x is greater than this; NaN if unknown
};

struct TableFunctions {
    StageFn detector;      // of a DetectorPlan: makes the positions where distortions are looked up
    StageFn add_x, add_y;  // of a TablePlan: corrections there, added to the positions so far
};

}  // namespace cblot

#ifdef CBLOT_ISA
#include <cmath>

namespace cblot::CBLOT_ISA {

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

/// The linear interpolation that all lookups are made of, so that they agree to the bit: between a
/// and b, at the fraction t, u = 1 - t.
template <class A, class B, class T>
CBLOT_INLINE auto between(const A& a, const B& b, const T& t, const T& u) {
    return a * u + b * t;
}

/// The two rows of a table around a y, and how to mix them.
struct TableRows {
    const float *lower, *upper;
    double t, u;

    CBLOT_INLINE TableRows(const TablePlan& table, const TableCell& cell, int lane)
        : lower(table.data + lane_of(cell.left, lane) * table.nx),
          upper(lane_of(cell.right, lane) > lane_of(cell.left, lane) ? lower + table.nx : lower),
          t(lane_of(cell.t, lane)),
          u(1.0 - t) {}

    /// Around one y.
    CBLOT_INLINE TableRows(const TablePlan& table, double y)
        : TableRows(table, along_y(table, splat(y)), 0) {}

    CBLOT_INLINE static TableCell along_y(const TablePlan& table, Doubles y) {
        return {y, table.scale_y, table.shift_y, table.ny, table.finite};
    }

    CBLOT_INLINE double at(Index i) const {
        return between(double(lower[i]), double(upper[i]), t, u);
    }

    /// kLanes consecutive elements.
    CBLOT_INLINE Doubles from(Index i) const {
        return between(widen(lower + i), widen(upper + i), t, u);
    }
};

/// Corrections at positions x, of which lane l lies between the rows rows_of(l).
template <class RowsOf>
CBLOT_INLINE Doubles look_up(const TablePlan& table, Doubles x, const RowsOf& rows_of) {
    const TableCell cell(x, table.scale_x, table.shift_x, table.nx, table.finite);
    Doubles left, right;
    for (int l = 0; l < kLanes<double>; ++l) {
        const TableRows rows = rows_of(l);
        set_lane(left, l, rows.at(lane_of(cell.left, l)));
        set_lane(right, l, rows.at(lane_of(cell.right, l)));
    }
    return between(left, right, cell.t, 1.0 - cell.t);
}

/// Corrections at positions x of a row.
CBLOT_INLINE Doubles look_up(const TablePlan& table, const TableRows& rows, Doubles x) {
    return look_up(table, x, [&](int) { return rows; });
}

/// Corrections at any positions.
inline Doubles look_up_anywhere(const TablePlan& table, Doubles x, Doubles y) {
    const TableCell cell = TableRows::along_y(table, y);
    return look_up(table, x, [&](int lane) { return TableRows(table, cell, lane); });
}

/// The positions along x corrected by a detector table.
inline void correct_columns(const TablePlan& table, const Row& row, double* cx) {
    constexpr Index lanes = kLanes<double>;
    if (table.data == nullptr) {
        for (Index p = 0; p < row.n; p += lanes) {
            store(cx + p, positions_from(row, p));
        }
        return;
    }
    const TableRows rows(table, row.y);
    const double first = row.x0 + table.shift_x;
    const bool by_pixel = table.by_pixel && row.dx == 1.0 && first > -1e9 && first < 1e9 &&
                          first == double(Index(first));
    const Index element = by_pixel ? Index(first) : 0;
    for (Index p = 0; p < row.n; p += lanes) {
        const Doubles x = positions_from(row, p);
        const bool plain = by_pixel & (element + p >= 0) & (element + p <= table.nx - lanes);
        store(cx + p, x + (plain ? rows.from(element + p) : look_up(table, rows, x)));
    }
}

/// Adds a table's corrections at the corrected columns, none of which is farther than `most` from
/// its pixel. Where that leaves no doubt about the cell of a vector of pixels, or leaves two, the
/// elements are loaded once for all of them, unless one is not a number: one of weight 0 counts.
inline void add_corrections(const TablePlan& table, const Row& row, double most, const double* cx,
                            double* out) {
    constexpr Index lanes = kLanes<double>;
    const TableRows rows(table, row.y);
    const double scale = table.scale_x, shift = table.shift_x;
    const double cell_width = 1.0 / scale, per_column = 1.0 / row.dx;
    const double margin = most + 1e-3;  // more than all roundings
    const auto add_any = [&](Index& p) {
        store(out + p, load(out + p) + look_up(table, rows, load(cx + p)));
        p += lanes;
    };
    for (Index p = 0; p < row.n;) {
        const double g = (position(row, p) - margin) * scale + shift;
        const double g_end = (position(row, p + lanes - 1) + margin) * scale + shift;
        const double cell = std::floor(g);
        if (!(g >= 0.0 && scale > 0.0 && g_end < cell + 2.0 && cell + 2.0 < double(table.nx))) {
            add_any(p);
            continue;
        }
        const Index k = Index(cell);
        const double e0 = rows.at(k), e1 = rows.at(k + 1);
        const bool two = g_end >= cell + 1.0;
        if (!table.finite && std::isnan(e0 + e1 + (two ? rows.at(k + 2) : e1))) {
            add_any(p);
            continue;
        }
        if (two) {
            const Doubles position = load(cx + p) * scale + shift;
            const Doubles e2 = splat(rows.at(k + 2)), second = splat(cell + 1.0);
            const auto beyond = position >= second;
            const Doubles t = position - (beyond ? second : splat(cell));
            const Doubles left = beyond ? splat(e1) : splat(e0), right = beyond ? e2 : splat(e1);
            store(out + p, load(out + p) + between(left, right, t, 1.0 - t));
            p += lanes;
            continue;
        }
        // All vectors up to the end of the cell.
        const double columns =
            ((cell + 1.0 - shift) * cell_width - margin - position(row, p)) * per_column;
        const Index whole = columns < double(row.n) ? Index(columns) / lanes * lanes : row.n;
        const Index stop = min_index(p + max_index(whole, lanes), row.n);
        for (; p < stop; p += lanes) {
            const Doubles t = (load(cx + p) * scale + shift) - cell;
            store(out + p, load(out + p) + between(e0, e1, t, 1.0 - t));
        }
    }
}

inline void correct_by_detector(const void* plan, StageBlock& block) {
    const DetectorPlan& detector = *static_cast<const DetectorPlan*>(plan);
    const Row row = block.row;
    correct_columns(detector.x, row, block.at_x);
    block.most = detector.most;
    block.one_row = detector.y.data == nullptr;
    if (!block.one_row) {
        const TablePlan table = detector.y;
        const TableRows rows(table, row.y);
        for (Index p = 0; p < row.n; p += kLanes<double>) {
            store(block.at_y + p, row.y + look_up(table, rows, positions_from(row, p)));
        }
    }
}

/// `out`: the coordinates that are corrected.
inline void add_table(const void* plan, StageBlock& block, double* out) {
    const TablePlan table = *static_cast<const TablePlan*>(plan);
    const Row row = block.row;
    if (block.one_row) {
        add_corrections(table, row, block.most, block.at_x, out);
        return;
    }
    for (Index p = 0; p < row.n; p += kLanes<double>) {
        const Doubles x = load(block.at_x + p), y = load(block.at_y + p);
        store(out + p, load(out + p) + look_up_anywhere(table, x, y));
    }
}

inline void add_table_x(const void* plan, StageBlock& block) { add_table(plan, block, block.x); }

inline void add_table_y(const void* plan, StageBlock& block) { add_table(plan, block, block.y); }

template <>
TableFunctions functions() {
    return {&correct_by_detector, &add_table_x, &add_table_y};
}

}  // namespace cblot::CBLOT_ISA

#else
#include <algorithm>
#include <limits>
#include <utility>
#include <vector>

namespace cblot {

CBLOT_FUNCTIONS(TableFunctions)

inline constexpr double kMaxTable = 1 << 28;

/// Checks a table and copies its elements, which the plan points to.
inline TablePlan plan_table(const DistortionTable& table, const char* name,
                            std::vector<float>& values) {
    const View2D<const float>& from = table.values;
    check_view(from, name);
    const std::pair<double, const char*> coefficients[] = {
        {table.crpix_x, "CRPIX1"}, {table.crpix_y, "CRPIX2"}, {table.crval_x, "CRVAL1"},
        {table.crval_y, "CRVAL2"}, {table.cdelt_x, "CDELT1"}, {table.cdelt_y, "CDELT2"}};
    for (const auto& [value, key] : coefficients) {
        check_coefficient(value, std::string(key) + " of " + name);
    }
    if (!(table.cdelt_x != 0.0 && table.cdelt_y != 0.0)) {
        fail(std::string(name) + " must have steps (CDELT) other than 0");
    }
    if (double(from.ny) * double(from.nx) > kMaxTable) {
        fail(std::string(name) + " must have at most 2^28 elements, got shape " +
             shape_of(from.ny, from.nx));
    }
    values.reserve(std::size_t(from.ny * from.nx));
    for (Index j = 0; j < from.ny; ++j) {
        for (Index i = 0; i < from.nx; ++i) {
            // One rule for what is not finite: times a weight of 0, infinity is NaN, too.
            const float value = from(j, i);
            values.push_back(std::isfinite(value) ? value
                                                  : std::numeric_limits<float>::quiet_NaN());
        }
    }
    const double scale_x = 1.0 / table.cdelt_x, scale_y = 1.0 / table.cdelt_y;
    const double shift_x = table.crpix_x - 1.0 - table.crval_x * scale_x;
    const double shift_y = table.crpix_y - 1.0 - table.crval_y * scale_y;
    for (const double number : {scale_x, scale_y, shift_x, shift_y}) {
        check_coefficient(number, std::string("1 / CDELT and CRVAL / CDELT of ") + name);
    }
    const bool by_pixel =
        scale_x == 1.0 && shift_x == std::floor(shift_x) && std::abs(shift_x) < double(kMaxAxis);
    const bool finite =
        std::all_of(values.begin(), values.end(), [](float value) { return std::isfinite(value); });
    return {values.data(), from.ny, from.nx, scale_x, shift_x, scale_y, shift_y, by_pixel, finite};
}

/// Greatest absolute value, NaN if one is.
inline double greatest(const TablePlan& table) {
    double most = 0.0;
    for (Index k = 0; k < table.ny * table.nx; ++k) {
        const double size = std::abs(double(table.data[k]));
        most = size <= most || std::isnan(most) ? most : size;
    }
    return most;
}

}  // namespace cblot
#endif
