// The tables of functions that one instruction set, or the classic arithmetic, offers.
#pragma once

#include "job.hpp"

namespace cblot {

/// What makes coefficients of a box of pixels, for a kernel that samples those.
template <class T>
struct Prefilter {
    void (*run)(const Samples<T>& source, const Box& box, T* coefficients, T* work) = nullptr;
    Index (*work)(const Box& box) = nullptr;  // elements of work
    Index reach = 0;                          // from a coefficient to the samples it depends on
};

/// One row of the dispatch table. A value's samples are not farther than `reach` from its base
/// pixel: mirrored at an edge, taps on one side reach as far on the other. They are pixels where
/// the prefilter does not run.
template <class T, class Out>
struct KernelRow {
    TileFn<T, Out> tile = nullptr;
    Index reach = 0;
    Prefilter<T> prefilter = {};
};

/// Functions compiled for one instruction set.
template <class T, class Out>
struct KernelTable {
    KernelRow<T, Out> (*row)(Kernel kernel, bool stretched);
};

/// The box of source pixels not farther than `reach` from the pixel below an inside position of a
/// region of the output; empty if there is none.
using SourceBoxFn = Box (*)(const Positions&, const Box& region, Index ny, Index nx, Index reach);

/// Mappings compiled for one instruction set.
struct PositionTable {
    PositionsFn nodes, classic_nodes, pixmap, exact;
    void (*exact_at)(const ExactPlan& plan, Index count, double* x, double* y);
    void (*exact_nodes)(const ExactPlan& plan, Index step, double row_y, Index k_begin, Index n,
                        double* x, double* y);
    SourceBoxFn source_box, classic_source_box;
};

/// Functions of the classic arithmetic.
template <class Out>
struct ClassicTable {
    // A null tile where there is no classic form.
    KernelRow<float, Out> (*row)(Kernel kernel, Classic peer);
};

// kernels.cpp, classic.cpp and positions.cpp are compiled once for each instruction set the build
// has.
#define CBLOT_DECLARE_TABLES(isa)       \
    namespace isa {                     \
    template <class T, class Out>       \
    KernelTable<T, Out> kernel_table(); \
    template <class Out>                \
    ClassicTable<Out> classic_table();  \
    PositionTable position_table();     \
    }

CBLOT_DECLARE_TABLES(baseline)
#ifdef CBLOT_HAS_X86_KERNELS
CBLOT_DECLARE_TABLES(avx2)
CBLOT_DECLARE_TABLES(avx512)
#endif
#undef CBLOT_DECLARE_TABLES

PositionTable position_table(Isa isa);

template <class T, class Out>
KernelTable<T, Out> kernel_table(Isa isa);

template <class Out>
ClassicTable<Out> classic_table(Isa isa);

}  // namespace cblot
