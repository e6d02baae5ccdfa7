// The tables of kernels that one instruction set, or the classic arithmetic, offers.
#pragma once

#include "functions.hpp"
#include "job.hpp"

namespace cblot {

/// What makes coefficients of a box of pixels, for a kernel that samples those.
template <class T>
struct Prefilter {
    void (*run)(const Samples<T>& source, const Box& box, T* coefficients, T* work) = nullptr;
    Index (*work)(const Box& box) = nullptr;  // elements of work
    Index reach = 0;                          // from a coefficient to the samples it depends on
};

/// What a kernel samples. A value's samples are not farther than `reach` from its base pixel:
/// mirrored at an edge, taps on one side reach as far on the other. They are pixels where the
/// prefilter does not run.
template <class T>
struct Taps {
    Index reach = 0;
    Prefilter<T> prefilter = {};
};

/// One row of the dispatch table.
template <class T, class Out, int N = 1>
struct KernelRow {
    TileFn<T, Out, N> tile = nullptr;
    Taps<T> taps[N] = {};  // of each plane
    Index halo = 0;        // rows and columns of positions around those of a tile that it takes
};

/// Functions compiled for one instruction set.
template <class T, class Out>
struct KernelTable {
    KernelRow<T, Out> (*row)(Kernel kernel, bool stretched);
};

/// Functions of the classic arithmetic.
template <class Out>
struct ClassicTable {
    // A null tile where there is no classic form.
    KernelRow<float, Out> (*row)(Kernel kernel, Classic peer);
};

using KernelsFF = KernelTable<float, float>;
using KernelsFD = KernelTable<float, double>;
using KernelsDF = KernelTable<double, float>;
using KernelsDD = KernelTable<double, double>;
CBLOT_FUNCTIONS(KernelsFF)
CBLOT_FUNCTIONS(KernelsFD)
CBLOT_FUNCTIONS(KernelsDF)
CBLOT_FUNCTIONS(KernelsDD)
CBLOT_FUNCTIONS(ClassicTable<float>)
CBLOT_FUNCTIONS(ClassicTable<double>)

}  // namespace cblot
