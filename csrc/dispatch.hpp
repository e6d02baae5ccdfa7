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
    Box (*source_box)(const Positions&, const Box& region, Index ny, Index nx, Index before,
                      Index after);
    PositionsFn node_positions;
    PositionsFn pixmap_positions;
};

namespace baseline {
template <class T, class Out>
KernelTable<T, Out> kernel_table();
}

namespace classic {
/// Null for the kernels that have no classic form.
template <class Out>
TileFn<float, Out> tile(Kernel kernel, Classic peer);
PositionsFn node_positions();
PositionsFn pixmap_positions();
}  // namespace classic

}  // namespace cblot
