// The instruction sets that code is compiled for, and the functions that each has. kernels.cpp,
// classic.cpp and mappings.cpp are compiled once for each that the build has (CBLOT_ISA names it).
#pragma once

#include "cblot/blot.hpp"

#ifdef CBLOT_HAS_X86_KERNELS
#define CBLOT_X86_ISAS(row) row(avx2) row(avx512)
#else
#define CBLOT_X86_ISAS(row)
#endif
#ifdef CBLOT_ISA
#define CBLOT_OWN_ISA(row) row(CBLOT_ISA)
#else
#define CBLOT_OWN_ISA(row)
#endif
/// row(isa) for the namespace of each.
#define CBLOT_EACH_ISA(row) row(baseline) CBLOT_X86_ISAS(row) CBLOT_OWN_ISA(row)

namespace cblot {

#define CBLOT_DECLARE_FUNCTIONS(isa) \
    namespace isa {                  \
    template <class Functions>       \
    Functions functions();           \
    }
CBLOT_EACH_ISA(CBLOT_DECLARE_FUNCTIONS)
#undef CBLOT_DECLARE_FUNCTIONS

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

}  // namespace cblot
