// Polynomials of two variables, as SIP has them.
#pragma once

#include "mapping/stages/stage.hpp"

namespace cblot {

/// Two polynomials, of u and v = position - origin, of one order: the factor of u^p v^q is
/// [p * (order + 1) + q]. An order of -1 stands for none.
struct PolynomialPlan {
    const double *a = nullptr, *b = nullptr;
    int order = -1;
    double origin_x = 0.0, origin_y = 0.0;
};

struct PolynomialFunctions {
    StageFn start;  // the positions where distortions are looked up, the polynomials' added
};

}  // namespace cblot

#ifdef CBLOT_ISA

namespace cblot::CBLOT_ISA {

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

template <bool OneRow>
CBLOT_INLINE void start_without(StageBlock& block) {
    for (Index p = 0; p < block.row.n; p += kLanes<double>) {
        store(block.x + p, load(block.at_x + p));
        store(block.y + p, at_y<OneRow>(block, p));
    }
}

inline void start_row(const PolynomialPlan& plan, StageBlock& block) {
    constexpr Index lanes = kLanes<double>;
    const double v = block.row.y, origin_x = plan.origin_x;
    const Index n = block.row.n;
    const double* const at_x = block.at_x;
    double *const x = block.x, *const y = block.y;
    Polynomials polynomials(plan);
    polynomials.fix(v - plan.origin_y);
    for (Index p = 0; p < n; p += 2 * lanes) {
        Doubles px[2] = {load(at_x + p), load(at_x + p + lanes)}, py[2] = {splat(v), splat(v)};
        polynomials.add({px[0] - origin_x, px[1] - origin_x}, px, py);
        store(x + p, px[0]);
        store(y + p, py[0]);
        store(x + p + lanes, px[1]);
        store(y + p + lanes, py[1]);
    }
}

inline void start_anywhere(const PolynomialPlan& plan, StageBlock& block) {
    const Polynomials polynomials(plan);
    const double origin_x = plan.origin_x, origin_y = plan.origin_y;
    const Index n = block.row.n;
    for (Index p = 0; p < n; p += kLanes<double>) {
        Doubles px = load(block.at_x + p), py = load(block.at_y + p);
        polynomials.add(px - origin_x, py - origin_y, px, py);
        store(block.x + p, px);
        store(block.y + p, py);
    }
}

inline void start_with_polynomials(const void* plan_, StageBlock& block) {
    const PolynomialPlan& plan = *static_cast<const PolynomialPlan*>(plan_);
    if (plan.order < 0) {
        block.one_row ? start_without<true>(block) : start_without<false>(block);
    } else {
        block.one_row ? start_row(plan, block) : start_anywhere(plan, block);
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

/// Coefficients for a higher order, the new ones zero.
inline std::vector<double> raised(const std::vector<double>& coefficients, int order, int to,
                                  const char* name) {
    const std::size_t terms = (std::size_t(order) + 1) * (std::size_t(order) + 1);
    if (!is_sip_order(order) || coefficients.size() != terms) {
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

/// Checks polynomials and copies their coefficients, which the plan points to.
inline PolynomialPlan plan_polynomials(const SipPolynomials& sip, std::vector<double>& a,
                                       std::vector<double>& b) {
    const int order = std::clamp(std::max(sip.a_order, sip.b_order), 0, kMaxSipOrder);
    a = raised(sip.a, sip.a_order, order, "a");
    b = raised(sip.b, sip.b_order, order, "b");
    check_coefficient(sip.crpix_x, "CRPIX1 of the SIP polynomials");
    check_coefficient(sip.crpix_y, "CRPIX2 of the SIP polynomials");
    return {a.data(), b.data(), order, sip.crpix_x, sip.crpix_y};
}

}  // namespace cblot
#endif
