#include "exact_plan.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <utility>

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

double determinant_of(const TanProjection& p) {
    return (p.cd11 * p.cd22 - p.cd12 * p.cd21) * kDegree;
}

Matrix plane_to_pixel(const TanProjection& p) {
    const double determinant = determinant_of(p);
    return {{{p.cd22 / determinant, -p.cd12 / determinant, 0.0},
             {-p.cd21 / determinant, p.cd11 / determinant, 0.0},
             {0.0, 0.0, 1.0}}};
}

/// Refuses a coefficient that makes no positions.
void check_coefficient(double value, const std::string& name) {
    if (!std::isfinite(value)) {
        fail(name + " must be finite, got " + text_of(value));
    }
}

void check_projection(const TanProjection& p, const std::string& of) {
    const std::pair<double, const char*> coefficients[] = {
        {p.crpix_x, "CRPIX1"}, {p.crpix_y, "CRPIX2"}, {p.cd11, "CD1_1"}, {p.cd12, "CD1_2"},
        {p.cd21, "CD2_1"},     {p.cd22, "CD2_2"},     {p.lon, "CRVAL1"}, {p.lat, "CRVAL2"}};
    for (const auto& [value, name] : coefficients) {
        check_coefficient(value, std::string(name) + " of the " + of);
    }
    const double determinant = determinant_of(p);
    if (!(determinant != 0.0 && std::isfinite(1.0 / determinant))) {
        fail("the CD matrix of the " + of + " must be invertible, got determinant " +
             text_of(determinant / kDegree));
    }
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
            const double value = coefficients[std::size_t(p * (order + 1) + q)];
            check_coefficient(value, std::string("SIP coefficient ") + name + "_" +
                                         std::to_string(p) + "_" + std::to_string(q));
            result[std::size_t(p * (to + 1) + q)] = value;
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
    check_projection(mapping.exposure, "exposure");
    check_projection(mapping.source, "source");
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
        check_coefficient(sip.crpix_x, "CRPIX1 of the SIP polynomials");
        check_coefficient(sip.crpix_y, "CRPIX2 of the SIP polynomials");
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
            check_coefficient(h.m[i][j], "the product of the projections' matrices");
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
    const std::pair<double, const char*> coefficients[] = {
        {table->crpix_x, "CRPIX1"}, {table->crpix_y, "CRPIX2"}, {table->crval_x, "CRVAL1"},
        {table->crval_y, "CRVAL2"}, {table->cdelt_x, "CDELT1"}, {table->cdelt_y, "CDELT2"}};
    for (const auto& [value, key] : coefficients) {
        check_coefficient(value, std::string(key) + " of " + name);
    }
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
            // One rule for what is not finite: times a weight of 0, infinity is NaN, too.
            const float value = from(j, i);
            values.push_back(std::isfinite(value) ? value
                                                  : std::numeric_limits<float>::quiet_NaN());
        }
    }
    const double scale_x = 1.0 / table->cdelt_x, scale_y = 1.0 / table->cdelt_y;
    const double shift_x = table->crpix_x - 1.0 - table->crval_x * scale_x;
    const double shift_y = table->crpix_y - 1.0 - table->crval_y * scale_y;
    for (const double number : {scale_x, scale_y, shift_x, shift_y}) {
        check_coefficient(number, std::string("1 / CDELT and CRVAL / CDELT of ") + name);
    }
    const bool by_pixel =
        scale_x == 1.0 && shift_x == std::floor(shift_x) && std::abs(shift_x) < double(kMaxAxis);
    const bool finite =
        std::all_of(values.begin(), values.end(), [](float value) { return std::isfinite(value); });
    return {values.data(), from.ny, from.nx, scale_x, shift_x, scale_y, shift_y, by_pixel, finite};
}

}  // namespace cblot
