// Projections between planes, one or several, as one homography.
#pragma once

#include "mapping/stages/stage.hpp"

namespace cblot {

/// Of (u, v) = position - origin, to (X, Y, W); the position becomes (X / W, Y / W) + (x0, y0), and
/// NaN where W is not above 0.
struct HomographyPlan {
    double h[3][3] = {};
    double origin_x = 0.0, origin_y = 0.0;
    double x0 = 0.0, y0 = 0.0;
};

struct HomographyFunctions {
    StageFn project;
};

}  // namespace cblot

#ifdef CBLOT_ISA
#include <limits>

namespace cblot::CBLOT_ISA {

inline void project(const void* plan_, StageBlock& block) {
    const HomographyPlan plan = *static_cast<const HomographyPlan*>(plan_);
    const auto& h = plan.h;
    const Index n = block.row.n;
    double *const x = block.x, *const y = block.y;
    const Doubles nan = splat(std::numeric_limits<double>::quiet_NaN());
    for (Index p = 0; p < n; p += kLanes<double>) {
        const Doubles u = load(x + p) - plan.origin_x, v = load(y + p) - plan.origin_y;
        const Doubles w = h[2][0] * u + h[2][1] * v + h[2][2], inverse = 1.0 / w;
        const Doubles sx = (h[0][0] * u + h[0][1] * v + h[0][2]) * inverse + plan.x0;
        const Doubles sy = (h[1][0] * u + h[1][1] * v + h[1][2]) * inverse + plan.y0;
        store(x + p, w > 0.0 ? sx : nan);
        store(y + p, w > 0.0 ? sy : nan);
    }
}

template <>
HomographyFunctions functions() {
    return {&project};
}

}  // namespace cblot::CBLOT_ISA

#else
#include <cmath>
#include <utility>
#include <vector>

namespace cblot {

CBLOT_FUNCTIONS(HomographyFunctions)

struct Matrix {
    double m[3][3];
};

inline Matrix operator*(const Matrix& a, const Matrix& b) {
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
inline Matrix tangent_to_tangent(const TanProjection& from, const TanProjection& to) {
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
inline Matrix pixel_to_plane(const TanProjection& p) {
    return {{{p.cd11 * kDegree, p.cd12 * kDegree, 0.0},
             {p.cd21 * kDegree, p.cd22 * kDegree, 0.0},
             {0.0, 0.0, 1.0}}};
}

inline double determinant_of(const TanProjection& p) {
    return (p.cd11 * p.cd22 - p.cd12 * p.cd21) * kDegree;
}

inline Matrix plane_to_pixel(const TanProjection& p) {
    const double determinant = determinant_of(p);
    return {{{p.cd22 / determinant, -p.cd12 / determinant, 0.0},
             {-p.cd21 / determinant, p.cd11 / determinant, 0.0},
             {0.0, 0.0, 1.0}}};
}

inline void check_projection(const TanProjection& p, const std::string& of) {
    const std::pair<double, const char*> coefficients[] = {
        {p.crpix_x, "CRPIX1"}, {p.crpix_y, "CRPIX2"}, {p.cd11, "CD1_1"}, {p.cd12, "CD1_2"},
        {p.cd21, "CD2_1"},     {p.cd22, "CD2_2"},     {p.lon, "CRVAL1"}, {p.lat, "CRVAL2"}};
    for (const auto& [value, name] : coefficients) {
        check_coefficient(value, name, " of the ", of);
    }
    const double determinant = determinant_of(p);
    if (!(determinant != 0.0 && std::isfinite(1.0 / determinant))) {
        fail("the CD matrix of the " + of + " must be invertible, got determinant " +
             text_of(determinant / kDegree));
    }
}

/// One homography for several that follow each other.
inline Matrix fused(const std::vector<Matrix>& in_order) {
    Matrix product = in_order.back();
    for (auto next = in_order.rbegin() + 1; next != in_order.rend(); ++next) {
        product = product * *next;
    }
    return product;
}

/// Through the sky: from pixels of one projection to those of another, 0-based.
inline HomographyPlan plan_homography(const TanProjection& from, const TanProjection& to) {
    HomographyPlan plan;
    plan.origin_x = from.crpix_x;
    plan.origin_y = from.crpix_y;
    const Matrix h =
        fused({pixel_to_plane(from), tangent_to_tangent(from, to), plane_to_pixel(to)});
    for (int i = 0; i < 3; ++i) {
        for (int j = 0; j < 3; ++j) {
            check_coefficient(h.m[i][j], "the product of the projections' matrices");
            plan.h[i][j] = h.m[i][j];
        }
    }
    plan.x0 = to.crpix_x - 1.0;
    plan.y0 = to.crpix_y - 1.0;
    return plan;
}

}  // namespace cblot
#endif
