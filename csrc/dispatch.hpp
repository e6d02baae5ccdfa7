// The tables of functions that one instruction set, or the classic arithmetic, offers.
#pragma once

#include "job.hpp"

namespace cblot {

/// One row of the dispatch table.
template <class T, class Out>
struct KernelRow {
    TileFn<T, Out> tile;
    int width, offset;
};

/// Functions compiled for one instruction set.
template <class T, class Out>
struct KernelTable {
    KernelRow<T, Out> (*row)(Kernel kernel, bool stretched);
    void (*prefilter)(const Samples<T>& source, const Box& box, T* coefficients, T* work);
    Index (*prefilter_work)(const Box& box);  // elements of work
};

/// Mappings compiled for one instruction set.
struct PositionTable {
    PositionsFn nodes, classic_nodes, pixmap, exact;
    void (*exact_at)(const ExactPlan& plan, Index count, double* x, double* y);
    void (*exact_nodes)(const ExactPlan& plan, Index step, double row_y, Index k_begin, Index n,
                        double* x, double* y);
    Box (*source_box)(const Positions&, const Box& region, Index ny, Index nx, Index before,
                      Index after);
};

/// Functions of the classic arithmetic.
template <class Out>
struct ClassicTable {
    TileFn<float, Out> (*tile)(Kernel kernel, Classic peer);  // null where there is no classic form
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
