// Polynomials of two variables, as SIP has them.
#pragma once

#include "mapping/stages/stage.hpp"

namespace cblot {

/// The greatest order, and room for as many coefficients in whole vectors.
inline constexpr int kTerms = kMaxSipOrder + 1, kPaddedTerms = 24;
static_assert(kTerms <= kPaddedTerms && kPaddedTerms % 8 == 0);

/// Two polynomials, of u and v = position - origin, of one order: the factor of u^p v^q is
/// [q * kPaddedTerms + p]. An order of -1 stands for none.
struct PolynomialPlan {
    const double *a = nullptr, *b = nullptr;
    int order = -1;
    double origin_x = 0.0, origin_y = 0.0;
    // Whether around the y of a row three terms of Taylor's series are enough.
    bool three_terms = false;
};

struct PolynomialFunctions {
    StageFn start;  // the positions where distortions are looked up, the polynomials' added
};

}  // namespace cblot

#ifdef CBLOT_ISA

namespace cblot::CBLOT_ISA {

/// A polynomial around a v, that of a row: the sum over k < Terms of [k][p] u^p (v' - v)^k.
template <int Terms>
struct Around {
    alignas(64) double factors[Terms][kPaddedTerms];

    /// Horner's scheme for the value and its derivatives, for all p at once.
    CBLOT_INLINE Around(const double* coefficients, int order, double v) {
        constexpr Index lanes = kLanes<double>;
        for (Index p = 0; p <= order; p += lanes) {
            Doubles sums[Terms] = {};
            for (Index q = order - p; q >= 0; --q) {
                for (int k = Terms - 1; k > 0; --k) {
                    sums[k] = sums[k] * v + sums[k - 1];
                }
                sums[0] = sums[0] * v + load(coefficients + q * kPaddedTerms + p);
            }
            for (int k = 0; k < Terms; ++k) {
                store(factors[k] + p, sums[k]);
            }
        }
    }

    /// At two vectors of u at once, each a distance d from v.
    CBLOT_INLINE void add(int order, const Doubles (&u)[2], const Doubles (&d)[2],
                          Doubles (&to)[2]) const {
        Doubles sums[Terms][2];
        for (int k = 0; k < Terms; ++k) {
            sums[k][0] = sums[k][1] = splat(factors[k][max_index(order - k, 0)]);
        }
        // The k-th derivative has k terms less; what is beyond its order is 0.
        for (Index p = order - 1; p >= 0; --p) {
            for (int k = 0; k < Terms; ++k) {
                if (p < order - k) {
                    sums[k][0] = sums[k][0] * u[0] + factors[k][p];
                    sums[k][1] = sums[k][1] * u[1] + factors[k][p];
                }
            }
        }
        for (int m = 0; m < 2; ++m) {
            Doubles sum = sums[Terms - 1][m];
            for (int k = Terms - 2; k >= 0; --k) {
                sum = sum * d[m] + sums[k][m];
            }
            to[m] = to[m] + sum;
        }
    }
};

/// The factor of u^p at any v.
CBLOT_INLINE Doubles factor_at(const double* coefficients, int order, int p, Doubles v) {
    const double* const c = coefficients + p;
    Doubles sum = splat(c[(order - p) * kPaddedTerms]);
    for (int q = order - p - 1; q >= 0; --q) {
        sum = sum * v + c[q * kPaddedTerms];
    }
    return sum;
}

template <bool OneRow>
CBLOT_INLINE void start_without(StageBlock& block) {
    for (Index p = 0; p < block.row.n; p += kLanes<double>) {
        store(block.x + p, load(block.at_x + p));
        store(block.y + p, at_y<OneRow>(block, p));
    }
}

/// Of a row, or close to it.
template <int Terms>
void start_around(const PolynomialPlan& plan, StageBlock& block) {
    constexpr Index lanes = kLanes<double>;
    const double row_y = block.row.y, v = row_y - plan.origin_y, origin_x = plan.origin_x;
    const Index n = block.row.n;
    const int order = plan.order;
    const double *const at_x = block.at_x, *const at_y = block.at_y;
    double *const x = block.x, *const y = block.y;
    const Around<Terms> a(plan.a, order, v), b(plan.b, order, v);
    for (Index p = 0; p < n; p += 2 * lanes) {
        Doubles px[2] = {load(at_x + p), load(at_x + p + lanes)},
                py[2] = {splat(row_y), splat(row_y)};
        if constexpr (Terms > 1) {
            py[0] = load(at_y + p);
            py[1] = load(at_y + p + lanes);
        }
        const Doubles u[2] = {px[0] - origin_x, px[1] - origin_x};
        const Doubles d[2] = {py[0] - row_y, py[1] - row_y};
        a.add(order, u, d, px);
        b.add(order, u, d, py);
        store(x + p, px[0]);
        store(y + p, py[0]);
        store(x + p + lanes, px[1]);
        store(y + p + lanes, py[1]);
    }
}

inline void start_anywhere(const PolynomialPlan& plan, StageBlock& block) {
    const double origin_x = plan.origin_x, origin_y = plan.origin_y;
    for (Index i = 0; i < block.row.n; i += kLanes<double>) {
        const Doubles px = load(block.at_x + i), py = load(block.at_y + i);
        const Doubles u = px - origin_x, v = py - origin_y;
        Doubles a = factor_at(plan.a, plan.order, plan.order, v);
        Doubles b = factor_at(plan.b, plan.order, plan.order, v);
        for (int p = plan.order - 1; p >= 0; --p) {
            a = a * u + factor_at(plan.a, plan.order, p, v);
            b = b * u + factor_at(plan.b, plan.order, p, v);
        }
        store(block.x + i, px + a);
        store(block.y + i, py + b);
    }
}

inline void start_with_polynomials(const void* plan_, StageBlock& block) {
    const PolynomialPlan& plan = *static_cast<const PolynomialPlan*>(plan_);
    if (plan.order < 0) {
        block.one_row ? start_without<true>(block) : start_without<false>(block);
    } else if (block.one_row) {
        start_around<1>(plan, block);
    } else if (plan.three_terms) {
        start_around<3>(plan, block);
    } else {
        start_anywhere(plan, block);
    }
}

template <>
PolynomialFunctions functions() {
    return {&start_with_polynomials};
}

}  // namespace cblot::CBLOT_ISA

#else
#include <algorithm>
#include <vector>

namespace cblot {

CBLOT_FUNCTIONS(PolynomialFunctions)

/// Coefficients in the order of a plan, checked.
inline std::vector<double> ordered(const std::vector<double>& coefficients, int order,
                                   const char* name) {
    const std::size_t terms = (std::size_t(order) + 1) * (std::size_t(order) + 1);
    if (!is_sip_order(order) || coefficients.size() != terms) {
        fail(std::string("SIP polynomial ") + name + " must have order 0 to " +
             std::to_string(kMaxSipOrder) + " and (order + 1)^2 coefficients, got order " +
             std::to_string(order) + " and " + std::to_string(coefficients.size()));
    }
    std::vector<double> result(std::size_t(kTerms * kPaddedTerms), 0.0);
    for (int p = 0; p <= order; ++p) {
        for (int q = 0; p + q <= order; ++q) {
            const double value = coefficients[std::size_t(p * (order + 1) + q)];
            check_coefficient(value, "SIP coefficient ", name, "_", p, "_", q);
            result[std::size_t(q * kPaddedTerms + p)] = value;
        }
    }
    return result;
}

/// Pixels from the origin up to which three terms are to be enough, and what they may leave out.
inline constexpr double kReach = 10000.0, kLeftOut = 1e-11;

/// Whether Taylor's series around a v is within that after three terms, `most` from it.
inline bool has_three_terms(const std::vector<double>& coefficients, double most) {
    double rest = 0.0;
    for (int q = 3; q < kTerms; ++q) {
        for (int p = 0; p + q < kTerms; ++p) {
            const double size = std::abs(coefficients[std::size_t(q * kPaddedTerms + p)]);
            if (size > 0.0) {  // most orders are low
                const double factor = double(q) * double(q - 1) * double(q - 2) / 6.0;
                rest += factor * size * std::pow(kReach, p + q - 3);
            }
        }
    }
    return rest * most * most * most <= kLeftOut;
}

/// Checks polynomials and copies their coefficients, which the plan points to. They are looked up
/// not farther than most_y from the y of a row; NaN if that is unknown.
inline PolynomialPlan plan_polynomials(const SipPolynomials& sip, double most_y,
                                       std::vector<double>& a, std::vector<double>& b) {
    const int order = std::clamp(std::max(sip.a_order, sip.b_order), 0, kMaxSipOrder);
    a = ordered(sip.a, sip.a_order, "a");
    b = ordered(sip.b, sip.b_order, "b");
    check_coefficient(sip.crpix_x, "CRPIX1 of the SIP polynomials");
    check_coefficient(sip.crpix_y, "CRPIX2 of the SIP polynomials");
    return {a.data(),    b.data(),    order,
            sip.crpix_x, sip.crpix_y, has_three_terms(a, most_y) && has_three_terms(b, most_y)};
}

}  // namespace cblot
#endif
