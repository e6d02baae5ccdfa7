// Every pixel mapped by itself, in stages: detector tables, polynomials, tables, homography.
#pragma once

#include "mapping/stages/homography.hpp"
#include "mapping/stages/polynomial.hpp"
#include "mapping/stages/table.hpp"

namespace cblot {

/// The stages, in order. The first makes the positions where distortions are looked up, the second
/// starts from there.
struct ExactPlan {
    const Stage* stages = nullptr;
    int count = 0;
};

struct ExactFunctions {
    PositionsFn positions;
    /// Source positions of nodes (k step, y), k_begin <= k < k_begin + n.
    void (*nodes)(const ExactPlan& plan, Index step, double y, Index k_begin, Index n, double* x,
                  double* y_out);
    /// Of any output positions, FITS, which they replace.
    void (*at)(const ExactPlan& plan, Index count, double* x, double* y);
};

}  // namespace cblot

#ifdef CBLOT_ISA

namespace cblot::CBLOT_ISA {

/// Source positions of a row of output positions. One short loop a stage, so that the processor
/// finds independent work. (The members of the row are written one by one: what is copied whole is
/// read before it has been written.)
CBLOT_INLINE void run_stages(const ExactPlan& plan, double x0, double dx, double row_y, Index n,
                             double* x, double* y) {
    StageBlock block;
    block.row.x0 = x0;
    block.row.dx = dx;
    block.row.y = row_y;
    block.row.n = (n + kStagePad - 1) / kStagePad * kStagePad;
    block.x = x;
    block.y = y;
    for (int k = 0; k < plan.count; ++k) {
        plan.stages[k].run(plan.stages[k].plan, block);
    }
}

inline Most exact_positions(const void* plan, Index j, Index i, Index n, double* x, double* y) {
    run_stages(*static_cast<const ExactPlan*>(plan), double(i + 1), 1.0, double(j + 1), n, x, y);
    return {};
}

inline void exact_nodes(const ExactPlan& plan, Index step, double y, Index k_begin, Index n,
                        double* x_out, double* y_out) {
    run_stages(plan, double(k_begin) * double(step), double(step), y, n, x_out, y_out);
}

inline void exact_positions_at(const ExactPlan& plan, Index count, double* x, double* y) {
    for (Index k = 0; k < count; ++k) {
        double sx[kPad] = {}, sy[kPad] = {};
        run_stages(plan, x[k], 1.0, y[k], 1, sx, sy);
        x[k] = sx[0];
        y[k] = sy[0];
    }
}

template <>
ExactFunctions functions() {
    return {&exact_positions, &exact_nodes, &exact_positions_at};
}

}  // namespace cblot::CBLOT_ISA

#else
#include <deque>
#include <vector>

namespace cblot {

CBLOT_FUNCTIONS(ExactFunctions)

/// Checks the coefficients and makes the stages. Owns what their plans point to.
class PlannedExact : public PlannedMapping {
  public:
    PlannedExact(const ExactMapping& mapping, Isa isa) {
        check_projection(mapping.exposure, "exposure");
        check_projection(mapping.source, "source");
        const auto tables = functions<TableFunctions>(isa);
        const TablePlan detector_x = table(mapping.detector_x, "detector_x");
        detector_ = plan_tables(detector_x, table(mapping.detector_y, "detector_y"));
        const TablePlan table_x = table(mapping.table_x, "table_x");
        tables_ = plan_tables(table_x, table(mapping.table_y, "table_y"));
        if (mapping.sip) {
            sip_ = plan_polynomials(*mapping.sip, detector_.most_y, a_, b_);
        }
        homography_ = plan_homography(mapping.exposure, mapping.source);
        stages_ = {{tables.detector, &detector_},
                   {functions<PolynomialFunctions>(isa).start, &sip_}};
        if (mapping.table_x || mapping.table_y) {
            stages_.push_back({tables.add, &tables_});
        }
        stages_.push_back({functions<HomographyFunctions>(isa).project, &homography_});
        plan_ = {stages_.data(), int(stages_.size())};
        positions_ = {functions<ExactFunctions>(isa).positions, &plan_};
    }

    const ExactPlan& plan() const { return plan_; }

  private:
    TablePlan table(const std::optional<DistortionTable>& given, const char* name) {
        return given ? plan_table(*given, name, elements_.emplace_back()) : TablePlan();
    }

    ExactPlan plan_;
    std::vector<Stage> stages_;
    TablesPlan detector_, tables_;
    PolynomialPlan sip_;
    HomographyPlan homography_;
    std::vector<double> a_, b_;
    std::deque<std::vector<float>> elements_;
};

inline std::unique_ptr<const PlannedMapping> plan_of(const ExactMapping& mapping,
                                                     const Frame& frame) {
    return std::make_unique<PlannedExact>(mapping, frame.isa);
}

/// Its tables are copied.
inline void check_memory(const ExactMapping&, const Footprint&, const char*) {}

}  // namespace cblot
#endif
