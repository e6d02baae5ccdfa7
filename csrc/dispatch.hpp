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

// kernels.cpp, classic.cpp and mappings.cpp are compiled once for each instruction set the build
// has.
#define CBLOT_DECLARE_TABLES(isa)       \
    namespace isa {                     \
    template <class T, class Out>       \
    KernelTable<T, Out> kernel_table(); \
    template <class Out>                \
    ClassicTable<Out> classic_table();  \
    template <class Functions>          \
    Functions functions();              \
    }

CBLOT_DECLARE_TABLES(baseline)
#ifdef CBLOT_HAS_X86_KERNELS
CBLOT_DECLARE_TABLES(avx2)
CBLOT_DECLARE_TABLES(avx512)
#endif
#ifdef CBLOT_ISA
CBLOT_DECLARE_TABLES(CBLOT_ISA)
#endif
#undef CBLOT_DECLARE_TABLES

/// The functions that a struct of pointers to them stands for.
template <class Functions>
Functions functions([[maybe_unused]] Isa isa) {
#ifdef CBLOT_HAS_X86_KERNELS
    switch (resolve(isa)) {
        case Isa::avx512: return avx512::functions<Functions>();
        case Isa::avx2: return avx2::functions<Functions>();
        default: break;
    }
#endif
    return baseline::functions<Functions>();
}

/// Says that each instruction set's code has them.
#ifdef CBLOT_HAS_X86_KERNELS
#define CBLOT_FUNCTIONS(Functions)   \
    template <>                      \
    Functions baseline::functions(); \
    template <>                      \
    Functions avx2::functions();     \
    template <>                      \
    Functions avx512::functions();
#else
#define CBLOT_FUNCTIONS(Functions) \
    template <>                    \
    Functions baseline::functions();
#endif

template <class T, class Out>
KernelTable<T, Out> kernel_table(Isa isa);

template <class Out>
ClassicTable<Out> classic_table(Isa isa);

}  // namespace cblot
