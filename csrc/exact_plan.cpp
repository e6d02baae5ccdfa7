#include "exact_plan.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include "check.hpp"

namespace cblot {

namespace {

constexpr double kDegree = 3.14159265358979323846 / 180.0;

struct Matrix {
    double m[3][3];
};

Matrix operator*(const Matrix& a, const Matrix& b) {
    Matrix product{};
    for (int i = 0; i < 3; ++i) {
        for (int j = 0; j < 3; ++j) {
            for (int k = 0; k < 3; ++k) {
                product.m[i][j] += a.m[i][k] * b.m[k][j];
            }
        }
    }
    return product;
}

/// (xi, eta, 1) on the tangent plane of `from`, in radians, to that of `to`, before the division by
/// the third coordinate: the components along to's east, north and tangent point of xi east + eta
/// north + the tangent point of `from`. Written with the differences of the angles, so that
/// neighbouring tangent points lose no digits.
Matrix tangent_to_tangent(const TanProjection& from, const TanProjection& to) {
    const double d = (from.lon - to.lon) * kDegree, dlat = (from.lat - to.lat) * kDegree;
    const double sin_from = std::sin(from.lat * kDegree), cos_from = std::cos(from.lat * kDegree);
    const double sin_to = std::sin(to.lat * kDegree), cos_to = std::cos(to.lat * kDegree);
    const double half = std::sin(d / 2.0), versine = 2.0 * half * half;
    return {{{std::cos(d), -sin_from * std::sin(d), cos_from * std::sin(d)},
             {sin_to * std::sin(d), std::cos(dlat) - sin_from * sin_to * versine,
              std::sin(dlat) + sin_to * cos_from * versine},
             {-cos_to * std::sin(d), -std::sin(dlat) + sin_from * cos_to * versine,
              std::cos(dlat) - cos_from * cos_to * versine}}};
}

/// Pixels from crpix to radians on the tangent plane.
Matrix pixel_to_plane(const TanProjection& p) {
    return {{{p.cd11 * kDegree, p.cd12 * kDegree, 0.0},
             {p.cd21 * kDegree, p.cd22 * kDegree, 0.0},
             {0.0, 0.0, 1.0}}};
}

Matrix plane_to_pixel(const TanProjection& p) {
    const double determinant = (p.cd11 * p.cd22 - p.cd12 * p.cd21) * kDegree;
    if (!(determinant != 0.0 && std::isfinite(1.0 / determinant))) {
        fail("the CD matrix of the source must be invertible, got determinant " +
             std::to_string(determinant / kDegree));
    }
    return {{{p.cd22 / determinant, -p.cd12 / determinant, 0.0},
             {-p.cd21 / determinant, p.cd11 / determinant, 0.0},
             {0.0, 0.0, 1.0}}};
}

constexpr double kMaxTable = 1 << 28;

/// Coefficients for a higher order, the new ones zero.
std::vector<double> raised(const std::vector<double>& coefficients, int order, int to,
                           const char* name) {
    const std::size_t terms = (std::size_t(order) + 1) * (std::size_t(order) + 1);
    if (order < 0 || order > kMaxSipOrder || coefficients.size() != terms) {
        fail(std::string("SIP polynomial ") + name + " must have order 0 to " +
             std::to_string(kMaxSipOrder) + " and (order + 1)^2 coefficients, got order " +
             std::to_string(order) + " and " + std::to_string(coefficients.size()));
    }
    std::vector<double> result(std::size_t(to + 1) * std::size_t(to + 1), 0.0);
    for (int p = 0; p <= order; ++p) {
        for (int q = 0; p + q <= order; ++q) {
            result[std::size_t(p * (to + 1) + q)] = coefficients[std::size_t(p * (order + 1) + q)];
        }
    }
    return result;
}

/// Greatest absolute value, NaN if one is.
double greatest(const TablePlan& table) {
    double most = 0.0;
    for (Index k = 0; k < table.ny * table.nx; ++k) {
        const double size = std::abs(double(table.data[k]));
        most = size <= most || std::isnan(most) ? most : size;
    }
    return most;
}

}  // namespace

ExactPlanner::ExactPlanner(const ExactMapping& mapping) {
    plan_.detector_x = table(mapping.detector_x, "detector_x");
    plan_.detector_y = table(mapping.detector_y, "detector_y");
    plan_.table_x = table(mapping.table_x, "table_x");
    plan_.table_y = table(mapping.table_y, "table_y");
    plan_.most_detector_x = greatest(plan_.detector_x);
    if (mapping.sip) {
        const SipPolynomials& sip = *mapping.sip;
        const int order = std::clamp(std::max(sip.a_order, sip.b_order), 0, kMaxSipOrder);
        a_ = raised(sip.a, sip.a_order, order, "a");
        b_ = raised(sip.b, sip.b_order, order, "b");
        plan_.sip = {a_.data(), b_.data(), order};
        plan_.sip_x = sip.crpix_x;
        plan_.sip_y = sip.crpix_y;
    }
    plan_.origin_x = mapping.exposure.crpix_x;
    plan_.origin_y = mapping.exposure.crpix_y;
    const Matrix h = plane_to_pixel(mapping.source) *
                     tangent_to_tangent(mapping.exposure, mapping.source) *
                     pixel_to_plane(mapping.exposure);
    for (int i = 0; i < 3; ++i) {
        for (int j = 0; j < 3; ++j) {
            plan_.h[i][j] = h.m[i][j];
        }
    }
    plan_.x0 = mapping.source.crpix_x - 1.0;
    plan_.y0 = mapping.source.crpix_y - 1.0;
}

TablePlan ExactPlanner::table(const std::optional<DistortionTable>& table, const char* name) {
    if (!table) {
        return {};
    }
    const View2D<const float>& from = table->values;
    check_view(from, name);
    if (!(table->cdelt_x != 0.0 && table->cdelt_y != 0.0)) {
        fail(std::string(name) + " must have steps (CDELT) other than 0");
    }
    if (double(from.ny) * double(from.nx) > kMaxTable) {
        fail(std::string(name) + " must have at most 2^28 elements, got shape " +
             shape_of(from.ny, from.nx));
    }
    std::vector<float>& values = tables_.emplace_back();
    values.reserve(std::size_t(from.ny * from.nx));
    for (Index j = 0; j < from.ny; ++j) {
        for (Index i = 0; i < from.nx; ++i) {
            values.push_back(from(j, i));
        }
    }
    const double scale_x = 1.0 / table->cdelt_x, scale_y = 1.0 / table->cdelt_y;
    const double shift_x = table->crpix_x - 1.0 - table->crval_x * scale_x;
    const double shift_y = table->crpix_y - 1.0 - table->crval_y * scale_y;
    const bool by_pixel =
        scale_x == 1.0 && shift_x == std::floor(shift_x) && std::abs(shift_x) < double(kMaxAxis);
    return {values.data(), from.ny, from.nx, scale_x, shift_x, scale_y, shift_y, by_pixel};
}

}  // namespace cblot
