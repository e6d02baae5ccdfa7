// The default arithmetic, compiled once for each instruction set (CBLOT_ISA names it).
#include "dispatch.hpp"
#include "prefilter.hpp"
#include "tile.hpp"

namespace cblot::CBLOT_ISA {

namespace {

template <class T, class Out, class K>
KernelRow<T, Out> row_of() {
    return {&blot_tile<T, Out, Exact<T, K>>, reach_of<K>};
}

template <class T, class Out>
KernelRow<T, Out> row(Kernel kernel, bool stretched) {
    switch (kernel) {
        case Kernel::nearest: return row_of<T, Out, Nearest<T>>();
        case Kernel::linear: return row_of<T, Out, Linear<T>>();
        case Kernel::poly3: return row_of<T, Out, Poly3<T>>();
        case Kernel::poly5: return row_of<T, Out, Poly5<T>>();
        case Kernel::spline3: return row_of<T, Out, Spline3<T>>();
        case Kernel::sinc:
            return stretched ? row_of<T, Out, StretchedSinc<T>>() : row_of<T, Out, Sinc<T>>();
        case Kernel::lanczos3: return row_of<T, Out, Lanczos<T, 3>>();
        case Kernel::lanczos5: return row_of<T, Out, Lanczos<T, 5>>();
    }
    return {};
}

template <class T>
Index prefilter_work(const Box& box) {
    return (2 * box.height() + 2 * kSplineReach<T>)*prefilter_stride<T>(box.width());
}

}  // namespace

template <class T, class Out>
KernelTable<T, Out> kernel_table() {
    return {&row<T, Out>, &prefilter<T>, &prefilter_work<T>, kSplineReach<T> + kRepairReach};
}

template KernelTable<float, float> kernel_table();
template KernelTable<float, double> kernel_table();
template KernelTable<double, float> kernel_table();
template KernelTable<double, double> kernel_table();

}  // namespace cblot::CBLOT_ISA
