// The coefficients of an exact mapping, checked and turned into a plan that is quick to evaluate.
#pragma once

#include <vector>

#include "job.hpp"

namespace cblot {

/// Owns what the plan points to.
class ExactPlanner {
  public:
    /// Throws Error for coefficients that can't be used.
    explicit ExactPlanner(const ExactMapping& mapping);

    ExactPlanner(const ExactPlanner&) = delete;
    ExactPlanner& operator=(const ExactPlanner&) = delete;

    const ExactPlan& plan() const { return plan_; }

  private:
    TablePlan table(const std::optional<DistortionTable>& table, const char* name);

    ExactPlan plan_;
    std::vector<double> a_, b_;
    std::vector<std::vector<float>> tables_;
};

}  // namespace cblot
