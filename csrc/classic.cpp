// The peers' float32 arithmetic, compiled once for each instruction set.
#include "classic.hpp"

#include <type_traits>

#include "dispatch.hpp"

namespace cblot::CBLOT_ISA {

namespace {

/// A kernel without a classic form.
struct None {};

template <class Out, bool Drizzlepac, class K>
KernelRow<float, Out> row_for() {
    if constexpr (std::is_same_v<K, None>) {
        return {};
    } else {
        using Arithmetic = ClassicArithmetic<K, Drizzlepac>;
        return {&blot_output<float, Out, Arithmetic>, {{Arithmetic::reach}}};
    }
}

template <class Out, bool Drizzlepac>
KernelRow<float, Out> row_of(Kernel kernel) {
    switch (kernel) {
#define CBLOT_KERNEL(name, NAME, Form, ClassicForm, Prefilter) \
    case Kernel::name: return row_for<Out, Drizzlepac, ClassicForm>();
#include "cblot/kernels.def"
    }
    return {};
}

template <class Out>
KernelRow<float, Out> row(Kernel kernel, Classic peer) {
    return peer == Classic::drizzlepac ? row_of<Out, true>(kernel) : row_of<Out, false>(kernel);
}

}  // namespace

template <>
ClassicTable<float> functions() {
    return {&row<float>};
}

template <>
ClassicTable<double> functions() {
    return {&row<double>};
}

}  // namespace cblot::CBLOT_ISA
