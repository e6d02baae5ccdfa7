// The exact mapping of a distorted exposure onto an undistorted source, several pixels at once.
#pragma once

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

/// The cell of a position along an axis of a table, and the fraction within it. The last element is
/// the end of the last cell, so that cell + 1 exists unless the axis has just one element.
CBLOT_INLINE Cells table_cell(Doubles position, double scale, double shift, Index n, Doubles& t) {
    const Doubles zero{}, end = splat(double(n - 1)), last = splat(double(n > 1 ? n - 2 : 0));
    Doubles g = position * scale + shift;
    g = g >= 0.0 ? g : zero;
    g = g < end ? g : end;
    const Cells cell = convert<std::int32_t>(g < last ? g : last);
    t = g - convert<double>(cell);
    return cell;
}

/// Whether cell l is the first plus l times step, for all lanes.
CBLOT_INLINE bool regular(const Cells& cells, std::int32_t step) {
    std::int32_t lanes[kLanes<double>], different = 0;
    std::memcpy(lanes, &cells, sizeof lanes);
    for (int l = 1; l < kLanes<double>; ++l) {
        different |= lanes[l] ^ (lanes[0] + l * step);
    }
    return different == 0;
}

CBLOT_INLINE Doubles widen(const float* p) {
    alignas(64) double wide[kLanes<double>];
    for (int l = 0; l < kLanes<double>; ++l) {
        wide[l] = double(p[l]);
    }
    return load(wide);
}

CBLOT_INLINE Doubles lookup(const TablePlan& table, Doubles x, Doubles y) {
    constexpr int lanes = kLanes<double>;
    Doubles tx, ty;
    const Cells cx = table_cell(x, table.scale_x, table.shift_x, table.nx, tx);
    const Cells cy = table_cell(y, table.scale_y, table.shift_y, table.ny, ty);
    const Index right = table.nx > 1 ? 1 : 0, up = table.ny > 1 ? table.nx : 0;
    Doubles v00, v01, v10, v11;
    const bool one_row = regular(cy, 0);
    if (one_row && regular(cx, 0)) {
        const float* const p = table.data + lane_of(cy, 0) * table.nx + lane_of(cx, 0);
        v00 = splat(double(p[0]));
        v01 = splat(double(p[right]));
        v10 = splat(double(p[up]));
        v11 = splat(double(p[up + right]));
    } else if (one_row && regular(cx, 1)) {
        const float* const p = table.data + lane_of(cy, 0) * table.nx + lane_of(cx, 0);
        v00 = widen(p);
        v01 = widen(p + right);
        v10 = widen(p + up);
        v11 = widen(p + up + right);
    } else {
        alignas(64) double v[4][lanes];
        for (int l = 0; l < lanes; ++l) {
            const float* const p = table.data + lane_of(cy, l) * table.nx + lane_of(cx, l);
            v[0][l] = double(p[0]);
            v[1][l] = double(p[right]);
            v[2][l] = double(p[up]);
            v[3][l] = double(p[up + right]);
        }
        v00 = load(v[0]);
        v01 = load(v[1]);
        v10 = load(v[2]);
        v11 = load(v[3]);
    }
    const Doubles ux = 1.0 - tx, uy = 1.0 - ty;
    return (v00 * ux + v01 * tx) * uy + (v10 * ux + v11 * tx) * ty;
}

/// A polynomial of u and v, or of u alone where v is the same for a whole row.
class Polynomial {
  public:
    explicit Polynomial(const PolynomialPlan& plan) : plan_(plan) {}

    void fix(double v) {
        for (int p = 0; p <= plan_.order; ++p) {
            row_[p] = inner<double>(p, v);
        }
    }

    CBLOT_INLINE Doubles of_row(Doubles u) const {
        Doubles sum = splat(row_[plan_.order]);
        for (int p = plan_.order - 1; p >= 0; --p) {
            sum = sum * u + row_[p];
        }
        return sum;
    }

    CBLOT_INLINE Doubles of(Doubles u, Doubles v) const {
        Doubles sum = inner<Doubles>(plan_.order, v);
        for (int p = plan_.order - 1; p >= 0; --p) {
            sum = sum * u + inner<Doubles>(p, v);
        }
        return sum;
    }

  private:
    /// The factor of u^p.
    template <class V>
    CBLOT_INLINE V inner(int p, V v) const {
        const double* const c = plan_.coefficients + p * (plan_.order + 1);
        V sum = V{} + c[plan_.order - p];
        for (int q = plan_.order - p - 1; q >= 0; --q) {
            sum = sum * v + c[q];
        }
        return sum;
    }

    PolynomialPlan plan_;
    double row_[kMaxSipOrder + 1];
};

/// Source positions of output positions, FITS, (x0 + p, y) for 0 <= p < n.
inline void exact_row(const ExactPlan& plan, double x0, double y, Index n, double* out_x,
                      double* out_y) {
    constexpr Index lanes = kLanes<double>;
    static_assert(lanes <= kPad);
    const bool has_sip = plan.a.order >= 0, row_of_y = plan.detector_y.data == nullptr;
    Polynomial a(plan.a), b(plan.b);
    if (has_sip && row_of_y) {
        a.fix(y - plan.sip_y);
        b.fix(y - plan.sip_y);
    }
    const Doubles numbers = lane_numbers(), nan = splat(std::numeric_limits<double>::quiet_NaN());
    const auto& h = plan.h;
    for (Index p = 0; p < n; p += lanes) {
        const Doubles px = numbers + (x0 + double(p)), py = splat(y);
        Doubles cx = px, cy = py;
        if (plan.detector_x.data != nullptr) {
            cx = px + lookup(plan.detector_x, px, py);
        }
        if (plan.detector_y.data != nullptr) {
            cy = py + lookup(plan.detector_y, px, py);
        }
        Doubles fx = cx, fy = cy;
        if (has_sip) {
            const Doubles u = cx - plan.sip_x, v = cy - plan.sip_y;
            fx = fx + (row_of_y ? a.of_row(u) : a.of(u, v));
            fy = fy + (row_of_y ? b.of_row(u) : b.of(u, v));
        }
        if (plan.table_x.data != nullptr) {
            fx = fx + lookup(plan.table_x, cx, cy);
        }
        if (plan.table_y.data != nullptr) {
            fy = fy + lookup(plan.table_y, cx, cy);
        }
        fx = fx - plan.origin_x;
        fy = fy - plan.origin_y;
        const Doubles w = h[2][0] * fx + h[2][1] * fy + h[2][2], inverse = 1.0 / w;
        const Doubles sx = (h[0][0] * fx + h[0][1] * fy + h[0][2]) * inverse + plan.x0;
        const Doubles sy = (h[1][0] * fx + h[1][1] * fy + h[1][2]) * inverse + plan.y0;
        store(out_x + p, w > 0.0 ? sx : nan);
        store(out_y + p, w > 0.0 ? sy : nan);
    }
}

inline void exact_positions(const void* plan, Index j, Index i, Index n, double* x, double* y) {
    exact_row(*static_cast<const ExactPlan*>(plan), double(i + 1), double(j + 1), n, x, y);
}

inline void exact_positions_at(const ExactPlan& plan, Index count, double* x, double* y) {
    for (Index k = 0; k < count; ++k) {
        double sx[kPad], sy[kPad];
        exact_row(plan, x[k], y[k], 1, sx, sy);
        x[k] = sx[0];
        y[k] = sy[0];
    }
}

}  // namespace cblot::CBLOT_ISA
