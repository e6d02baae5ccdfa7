// The default arithmetic, compiled once for each instruction set (CBLOT_ISA names it).
#include <type_traits>

#include "blot_tile.hpp"
#include "dispatch.hpp"
#include "prefilter.hpp"

namespace cblot::CBLOT_ISA {

namespace {

/// A kernel that samples the pixels themselves.
template <class T>
struct None {};

template <class T, class P>
Prefilter<T> prefilter_of() {
    if constexpr (std::is_same_v<P, None<T>>) {
        return {};
    } else {
        return {&P::run, &P::work, P::reach};
    }
}

template <class T, class Out, class K, class P>
KernelRow<T, Out> row_of([[maybe_unused]] bool stretched) {
    if constexpr (!std::is_void_v<typename K::Stretched>) {
        if (stretched) {
            return row_of<T, Out, typename K::Stretched, P>(false);
        }
    }
    using Arithmetic = Plain<T, K>;
    return {&blot_output<T, Out, Arithmetic>, {{Arithmetic::reach, prefilter_of<T, P>()}}};
}

template <class T, class Out>
KernelRow<T, Out> row(Kernel kernel, bool stretched) {
    switch (kernel) {
#define CBLOT_KERNEL(name, NAME, Form, ClassicForm, Prefilter) \
    case Kernel::name: return row_of<T, Out, Form<T>, Prefilter<T>>(stretched);
#include "cblot/kernels.def"
    }
    return {};
}

}  // namespace

template <>
KernelsFF functions() {
    return {&row<float, float>};
}

template <>
KernelsFD functions() {
    return {&row<float, double>};
}

template <>
KernelsDF functions() {
    return {&row<double, float>};
}

template <>
KernelsDD functions() {
    return {&row<double, double>};
}

}  // namespace cblot::CBLOT_ISA
