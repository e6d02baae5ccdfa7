// The peers' float32 arithmetic, compiled once for each instruction set.
#include "classic.hpp"

#include "dispatch.hpp"

namespace cblot::CBLOT_ISA {

namespace {

template <class Out, bool Drizzlepac>
TileFn<float, Out> tile_of(Kernel kernel) {
    switch (kernel) {
        case Kernel::nearest:
            return &blot_tile<float, Out, ClassicPolicy<ClassicNearest, Drizzlepac>>;
        case Kernel::linear:
            return &blot_tile<float, Out, ClassicPolicy<ClassicLinear, Drizzlepac>>;
        case Kernel::poly3: return &blot_tile<float, Out, ClassicPolicy<ClassicPoly3, Drizzlepac>>;
        case Kernel::poly5: return &blot_tile<float, Out, ClassicPolicy<ClassicPoly5, Drizzlepac>>;
        default: return nullptr;
    }
}

template <class Out>
TileFn<float, Out> tile(Kernel kernel, Classic peer) {
    return peer == Classic::drizzlepac ? tile_of<Out, true>(kernel) : tile_of<Out, false>(kernel);
}

}  // namespace

template <class Out>
ClassicTable<Out> classic_table() {
    return {&tile<Out>};
}

template ClassicTable<float> classic_table();
template ClassicTable<double> classic_table();

}  // namespace cblot::CBLOT_ISA
