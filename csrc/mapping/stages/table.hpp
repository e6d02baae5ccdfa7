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
    double most = 0.0;      // the greatest size of an element; NaN if one is not a number

    bool is_finite() const { return most == most; }
};

/// Tables of the corrections of x and of y, looked up at the same positions.
struct TablesPlan {
    TablePlan x, y;
    bool alike = false;                 // whether both have their elements at the same places
    double most_x = 0.0, most_y = 0.0;  // no correction is greater; NaN if unknown
};

struct TableFunctions {
    StageFn detector;  // makes the positions where distortions are looked up
    StageFn add;       // corrections there, added to the positions so far
};

}  // namespace cblot

#ifdef CBLOT_ISA
#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>

namespace cblot::CBLOT_ISA {

/// An axis of a table. Cell k lies between elements k and k + 1; before the first element and after
/// the last are cells, too, in which both are that one.
struct Axis {
    double scale, shift;
    Index n;

    CBLOT_INLINE static Axis along_x(const TablePlan& t) { return {t.scale_x, t.shift_x, t.nx}; }
    CBLOT_INLINE static Axis along_y(const TablePlan& t) { return {t.scale_y, t.shift_y, t.ny}; }

    /// In elements. Ascends with the position, or descends, whatever is rounded.
    template <class P>
    CBLOT_INLINE P element(const P& position) const {
        return position * scale + shift;
    }

    /// The cell of an element; the first one of none.
    CBLOT_INLINE Index cell(double element) const {
        const double last = double(n - 1);
        return element >= 0.0 ? Index(element < last ? element : last) : -1;
    }

    /// Where the cell ends.
    CBLOT_INLINE double end(Index cell) const {
        return cell < n - 1 ? double(cell + 1) : std::numeric_limits<double>::infinity();
    }

    CBLOT_INLINE Index first(Index cell) const { return max_index(min_index(cell, n - 1), 0); }
    CBLOT_INLINE Index second(Index cell) const { return min_index(cell + 1, n - 1); }
};

/// The bilinear interpolation that all lookups are made of, so that they agree to the bit. Of
/// fractions (s, t) from the first elements on, of any size where both elements are one.
struct Bilinear {
    double value, along_x, along_y, along_both;

    Bilinear() = default;
    CBLOT_INLINE Bilinear(const TablePlan& table, Index left, Index right, Index lower,
                          Index upper) {
        const float* const below = table.data + lower * table.nx;
        const float* const above = table.data + upper * table.nx;
        value = below[left];
        along_x = double(below[right]) - value;
        along_y = double(above[left]) - value;
        along_both = double(above[right]) - double(above[left]) - along_x;
    }

    template <class S, class T>
    CBLOT_INLINE auto at(const S& s, const T& t) const {
        return (value + along_y * t) + (along_x + along_both * t) * s;
    }

    CBLOT_INLINE bool is_finite() const { return std::isfinite(along_x + along_y + along_both); }
};

/// The correction at any position. An element that is not a number does not count where its weight
/// is 0: it spreads to the positions within its cells and to no other.
inline double correction_at(const TablePlan& table, double x, double y) {
    const Axis axes[] = {Axis::along_x(table), Axis::along_y(table)};
    const double positions[] = {x, y};
    Index first[2], second[2];
    double fraction[2];
    for (int k = 0; k < 2; ++k) {
        const double element = axes[k].element(positions[k]);
        const Index cell = axes[k].cell(element);
        first[k] = axes[k].first(cell);
        second[k] = axes[k].second(cell);
        fraction[k] = first[k] < second[k] ? element - double(cell) : 0.0;
        second[k] = fraction[k] > 0.0 ? second[k] : first[k];
    }
    return Bilinear(table, first[0], second[0], first[1], second[1]).at(fraction[0], fraction[1]);
}

CBLOT_INLINE Doubles widen(const float* p) {
    return convert<double>(load_as<Vector<float, kLanes<double>>>(p));
}

CBLOT_INLINE Doubles corrections_at(const TablePlan& table, Doubles x, Doubles y) {
    Doubles corrections{};
    for (int l = 0; l < kLanes<double>; ++l) {
        set_lane(corrections, l, correction_at(table, lane_of(x, l), lane_of(y, l)));
    }
    return corrections;
}

/// Where corrections are looked up, and what they are added to: at the positions of the row, which
/// then are where distortions are looked up; at those, of which y is the row's, or may be any.
enum class At { output, row, anywhere };

/// The positions of a block at which corrections are looked up. A copy, which no store changes.
template <At at>
struct Places {
    Row row;
    const double *at_x, *at_y;

    CBLOT_INLINE explicit Places(const StageBlock& block)
        : row(block.row), at_x(block.at_x), at_y(block.at_y) {}

    CBLOT_INLINE Doubles x(Index p) const {
        return at == At::output ? positions_from(row, p) : load(at_x + p);
    }

    CBLOT_INLINE auto y([[maybe_unused]] Index p) const {
        if constexpr (at == At::anywhere) {
            return load(at_y + p);
        } else {
            return row.y;
        }
    }
};

/// What tables correct: x, y or both.
enum class Along { x, y, both };

/// The tables along those, and the coordinates to which their corrections are added.
template <At at, Along along>
struct Corrected {
    static constexpr int n = along == Along::both ? 2 : 1;
    const TablePlan* tables[n];
    double* to[n];

    CBLOT_INLINE Corrected(const TablesPlan& plan, double* x, double* y) {
        if constexpr (along != Along::y) {
            tables[0] = &plan.x;
            to[0] = x;
        }
        if constexpr (along != Along::x) {
            tables[n - 1] = &plan.y;
            to[n - 1] = y;
        }
    }

    /// x: places.x(p).
    CBLOT_INLINE void add(int m, const Places<at>& places, Index p, Doubles x,
                          Doubles correction) const {
        const bool along_x = along != Along::y && m == 0;
        const Doubles from = at != At::output ? load(to[m] + p) : along_x ? x : splat(places.row.y);
        store(to[m] + p, from + correction);
    }

    /// At kLanes positions, one by one.
    CBLOT_NOINLINE void add_any(const Places<at>& places, Index p) const {
        const Doubles x = places.x(p), y = places.y(p) - Doubles{};
        for (int m = 0; m < n; ++m) {
            add(m, places, p, x, corrections_at(*tables[m], x, y));
        }
    }
};

/// The cells between which the vectors of a block lie, of an axis along it.
struct Cells {
    std::int32_t first[kBlock / kLanes<double>] = {}, last[kBlock / kLanes<double>] = {};
    bool known;

    /// `most`: how far a position may be from that of the row.
    CBLOT_INLINE Cells(const Axis& axis, const Row& row, double most) {
        constexpr Index lanes = kLanes<double>;
        const double ends[] = {axis.element(row.x0 - most),
                               axis.element(position(row, row.n - 1) + most)};
        known = axis.scale > 0.0 && std::isfinite(ends[0]) && std::isfinite(ends[1]);
        const Doubles end = splat(double(axis.n - 1)), before = splat(-1.0);
        const auto cells = [&](Doubles x, std::int32_t* to) {
            const Doubles element = axis.element(x);
            const Doubles cell = element < end ? element : end;
            store(to, convert<std::int32_t>(element >= 0.0 ? cell : before));
        };
        const Row starts{row.x0, row.dx * double(lanes), row.y, row.n / lanes};
        const double width = row.dx * double(lanes - 1);
        for (Index v = 0; v < starts.n; v += lanes) {
            const Doubles x = positions_from(starts, v);
            cells(x - most, first + v);
            cells(x + width + most, last + v);
        }
    }
};

/// What is left of a cell in a row.
struct Line {
    double value, along_x;

    CBLOT_INLINE Line() = default;
    CBLOT_INLINE Line(const Bilinear& cell, double t)
        : value(cell.value + cell.along_y * t), along_x(cell.along_x + cell.along_both * t) {}

    template <class S, class T>
    CBLOT_INLINE auto at(const S& s, const T&) const {
        return value + along_x * s;
    }
};

/// Corrects by tables that have their elements at the same places. The cells of a block are made
/// once. A vector of positions within one of them takes that, one within two, or on both sides of a
/// line of elements, is made with all of them, and others are looked up one by one, as are those in
/// a cell with an element that is not a number.
template <At at, Along along>
void correct_by(const TablesPlan& plan, const StageBlock& block, double* to_x, double* to_y) {
    constexpr Index lanes = kLanes<double>, most_cells = 48;
    constexpr Index most_lines = at == At::anywhere ? 2 : 1;
    constexpr double kMargin = 1e-3;  // of positions: more than all roundings
    const Corrected<at, along> all(plan, to_x, to_y);
    constexpr int n = all.n;
    const Places<at> places(block);
    const Row row = places.row;
    const Axis across = Axis::along_x(*all.tables[0]), down = Axis::along_y(*all.tables[0]);
    const double most_y = at == At::anywhere ? block.most_y + kMargin : 0.0;
    const double near = down.element(row.y - most_y), far = down.element(row.y + most_y);
    const Index line = down.cell(near), lines = far < down.end(line) ? 1 : 2;
    const Cells cells(across, row, (at == At::output ? 0.0 : block.most_x) + kMargin);
    const std::int32_t first = cells.first[0];
    const Index count = cells.last[row.n / lanes - 1] - first + 1;
    if (!(cells.known && count <= most_cells && lines <= most_lines && std::isfinite(near) &&
          near <= far && far < down.end(line + lines - 1))) {
        for (Index p = 0; p < row.n; p += lanes) {
            all.add_any(places, p);
        }
        return;
    }
    struct {
        double begin;
        std::conditional_t<at == At::anywhere, Bilinear, Line> of[n];
        bool finite;
    } made[most_lines][most_cells];
    for (Index l = 0; l < lines; ++l) {
        const Index lower = down.first(line + l), upper = down.second(line + l);
        for (Index k = 0; k < count; ++k) {
            auto& one = made[l][k];
            one.begin = double(first + k);
            one.finite = true;
            for (int m = 0; m < n; ++m) {
                const Bilinear of(*all.tables[m], across.first(first + k), across.second(first + k),
                                  lower, upper);
                one.finite = one.finite && (all.tables[m]->is_finite() || of.is_finite());
                if constexpr (at == At::anywhere) {
                    one.of[m] = of;
                } else {
                    one.of[m] = Line(of, down.element(row.y) - double(line));
                }
            }
        }
    }
    const double below = double(line), above = double(line + 1);
    const Doubles stride = splat(row.dx * double(lanes));
    Doubles output = positions_from(row, 0);
    for (Index v = 0, p = 0; p < row.n; ++v, p += lanes, output = output + stride) {
        const Index k = cells.first[v] - first, next = cells.last[v] - first;
        const Doubles x = at == At::output ? output : places.x(p), s = across.element(x);
        const auto t = down.element(places.y(p));
        if (k == next && lines == 1 && made[0][k].finite) {
            for (int m = 0; m < n; ++m) {
                const auto& one = made[0][k];
                all.add(m, places, p, x, one.of[m].at(s - one.begin, t - below));
            }
            continue;
        }
        bool plain = next <= k + 1;
        for (Index l = 0; l < lines; ++l) {
            plain = plain && made[l][k].finite && made[l][next].finite;
        }
        if (!plain) {
            all.add_any(places, p);
            continue;
        }
        for (int m = 0; m < n; ++m) {
            const auto between = [&](Index l, const auto& height) {
                const auto &one = made[l][k], &two = made[l][next];
                return s >= two.begin ? two.of[m].at(s - two.begin, height)
                                      : one.of[m].at(s - one.begin, height);
            };
            Doubles correction = between(0, t - below);
            if constexpr (most_lines == 2) {
                if (lines == 2) {
                    correction = t >= above ? between(1, t - above) : correction;
                }
            }
            all.add(m, places, p, x, correction);
        }
    }
}

/// Corrects the output positions by a table whose elements lie under the pixels of the row.
template <Along along>
void correct_by_elements(const TablesPlan& plan, const StageBlock& block, double* x, double* y) {
    constexpr Index lanes = kLanes<double>;
    const Corrected<At::output, along> all(plan, x, y);
    const TablePlan table = *all.tables[0];
    const Places<At::output> places(block);
    const Row row = places.row;
    const Axis down = Axis::along_y(table);
    const double at_y = down.element(row.y);
    const Index line = down.cell(at_y), first = down.first(line);
    const double t = first < down.second(line) ? at_y - double(line) : 0.0;
    const float* const below = table.data + first * table.nx;
    const float* const above = t > 0.0 ? below + table.nx : below;
    const Index element = Index(row.x0 + table.shift_x);
    for (Index p = 0; p < row.n; p += lanes) {
        const Index k = element + p;
        if (k >= 0 && k <= table.nx - lanes) {
            const Doubles value = widen(below + k);
            all.add(0, places, p, places.x(p), value + (widen(above + k) - value) * t);
        } else {
            all.add_any(places, p);
        }
    }
}

CBLOT_INLINE bool has_element_a_pixel(const TablePlan& table, const Row& row) {
    const double first = row.x0 + table.shift_x;
    return table.by_pixel && row.dx == 1.0 && std::abs(first) < 1e9 && first == std::trunc(first);
}

/// Corrects by one table, which may be missing.
template <At at, Along along>
void correct_along(const TablesPlan& plan, const StageBlock& block, double* x, double* y) {
    const TablePlan& table = along == Along::x ? plan.x : plan.y;
    if (at == At::output && has_element_a_pixel(table, block.row)) {
        correct_by_elements<along>(plan, block, x, y);
    } else if (table.data != nullptr) {
        correct_by<at, along>(plan, block, x, y);
    } else if (at == At::output) {
        const Corrected<at, along> all(plan, x, y);
        const Places<at> places(block);
        for (Index p = 0; p < places.row.n; p += kLanes<double>) {
            all.add(0, places, p, places.x(p), Doubles{});
        }
    }
}

template <At at>
void correct(const TablesPlan& plan, const StageBlock& block, double* x, double* y) {
    if (plan.alike) {
        correct_by<at, Along::both>(plan, block, x, y);
    } else {
        correct_along<at, Along::x>(plan, block, x, y);
        correct_along<at, Along::y>(plan, block, x, y);
    }
}

inline void correct_by_detector(const void* plan_, StageBlock& block) {
    const TablesPlan& plan = *static_cast<const TablesPlan*>(plan_);
    block.one_row = plan.y.data == nullptr;
    block.most_x = plan.most_x;
    block.most_y = plan.most_y;
    correct<At::output>(plan, block, block.at_x, block.at_y);
}

inline void correct_there(const void* plan_, StageBlock& block) {
    const TablesPlan& plan = *static_cast<const TablesPlan*>(plan_);
    if (block.one_row) {
        correct<At::row>(plan, block, block.x, block.y);
    } else {
        correct<At::anywhere>(plan, block, block.x, block.y);
    }
}

template <>
TableFunctions functions() {
    return {&correct_by_detector, &correct_there};
}

}  // namespace cblot::CBLOT_ISA

#else
#include <limits>
#include <tuple>
#include <utility>
#include <vector>

#include "greatest.hpp"

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
        check_coefficient(value, key, " of ", name);
    }
    if (!(table.cdelt_x != 0.0 && table.cdelt_y != 0.0)) {
        fail(std::string(name) + " must have steps (CDELT) other than 0");
    }
    if (double(from.ny) * double(from.nx) > kMaxTable) {
        fail(std::string(name) + " must have at most 2^28 elements, got shape " +
             shape_of(from.ny, from.nx));
    }
    values.resize(std::size_t(from.ny * from.nx));
    Greatest most;
    for (Index j = 0; j < from.ny; ++j) {
        const float* const row = from.data + j * from.stride_y;
        float* const to = values.data() + j * from.nx;
        for (Index i = 0; i < from.nx; ++i) {
            // One rule for what is not finite: times a weight of 0, infinity is NaN, too.
            const float value = row[i * from.stride_x];
            to[i] = value - value == 0.0F ? value : std::numeric_limits<float>::quiet_NaN();
        }
        most.take(from.nx, [=](Index i) { return std::abs(double(to[i])); });
    }
    const double scale_x = 1.0 / table.cdelt_x, scale_y = 1.0 / table.cdelt_y;
    const double shift_x = table.crpix_x - 1.0 - table.crval_x * scale_x;
    const double shift_y = table.crpix_y - 1.0 - table.crval_y * scale_y;
    for (const double number : {scale_x, scale_y, shift_x, shift_y}) {
        check_coefficient(number, "1 / CDELT and CRVAL / CDELT of ", name);
    }
    const bool by_pixel =
        scale_x == 1.0 && shift_x == std::floor(shift_x) && std::abs(shift_x) < double(kMaxAxis);
    return {values.data(), from.ny, from.nx,  scale_x,      shift_x,
            scale_y,       shift_y, by_pixel, most.result()};
}

inline TablesPlan plan_tables(const TablePlan& x, const TablePlan& y) {
    const auto places = [](const TablePlan& t) {
        return std::tie(t.ny, t.nx, t.scale_x, t.shift_x, t.scale_y, t.shift_y);
    };
    const bool both = x.data != nullptr && y.data != nullptr;
    return {x, y, both && !x.by_pixel && places(x) == places(y), x.most, y.most};
}

}  // namespace cblot
#endif
