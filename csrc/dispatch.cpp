// Which instruction set to use.
#include "dispatch.hpp"

#include <string>

#include "cblot/blot.hpp"
#include "check.hpp"

namespace cblot {

bool available(Isa isa) {
#ifdef CBLOT_HAS_X86_KERNELS
    __builtin_cpu_init();
    switch (isa) {
        case Isa::best:
        case Isa::baseline: return true;
        case Isa::avx2: return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
        case Isa::avx512:
            return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
                   __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
                   available(Isa::avx2);
    }
    return false;
#else
    return isa == Isa::best || isa == Isa::baseline;
#endif
}

Isa resolve(Isa isa) {
    if (isa == Isa::best) {
        return available(Isa::avx512) ? Isa::avx512
               : available(Isa::avx2) ? Isa::avx2
                                      : Isa::baseline;
    }
    if (!available(isa)) {
        throw Error("this machine has no " + std::string(isa_name(isa)) + " instructions");
    }
    return isa;
}

std::string_view isa_name(Isa isa) {
    switch (isa) {
        case Isa::best: return "best";
        case Isa::baseline: return "baseline";
        case Isa::avx2: return "avx2";
        case Isa::avx512: return "avx512";
    }
    fail_enum("isa", 4, std::int32_t(isa));
}

Isa isa_from_name(std::string_view name) {
    for (const Isa isa : {Isa::baseline, Isa::avx2, Isa::avx512}) {
        if (isa_name(isa) == name) {
            return isa;
        }
    }
    throw Error("unknown instruction set '" + std::string(name) +
                "'; the valid ones are baseline, avx2, avx512");
}

}  // namespace cblot
