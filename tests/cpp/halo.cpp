#define CBLOT_ISA halo_test

#include "halo.hpp"

#include <algorithm>
#include <stdexcept>
#include <vector>

#include "blot_tile.hpp"
#include "prefilter.hpp"

namespace {

using namespace cblot;
using namespace cblot::halo_test;

template <class Out>
Out* at(const PlaneJob<float, Out>& plane, Index j, Index i) {
    return plane.out.data + (plane.out_origin + j * plane.out.stride_y + i * plane.out.stride_x);
}

struct Greatest {
    static constexpr Index halo = 1;

    void operator()(const Rows<float>& rows, Index j) const {
        for (Index i = tile.x0; i < tile.x1; ++i) {
            float most = rows(j, i);
            for (Index y = rows.y0; y < rows.y1; ++y) {
                for (Index x = std::max(rows.x0, i - 1); x < std::min(rows.x1, i + 2); ++x) {
                    most = std::max(most, rows(y, x));
                }
            }
            *at(plane, j, i) = most;
        }
    }

    Box tile;
    const PlaneJob<float, float>& plane;
};

template <class First, class Second>
Index blot_both(const Job<float, float, 2>& job, const Box& tile) {
    const PlaneJob<float, float>&one = job.planes[0], &two = job.planes[1];
    const First first(1.0);
    const Second second(1.0);
    using FirstSink = RowSink<float, PlainGain, Greatest>;
    using SecondSink = OutputSink<float, PlainGain>;
    Greatest take{tile, one};
    std::vector<float> memory(std::size_t(FirstSink::memory_size(tile, job.frame)));
    Plane<float, typename First::Locate, decltype(first.sum()), FirstSink> greatest{
        one.source, one.window, one.reach, first.sum(),
        FirstSink(tile, job.frame, PlainGain(one.options), one.options.fill, take, memory.data())};
    Plane<float, typename Second::Locate, decltype(second.sum()), SecondSink> plain{
        two.source, two.window, two.reach, second.sum(),
        SecondSink{two.out, two.out_origin, PlainGain(two.options), two.options.fill}};
    return blot_tile<float>(job.positions, tile, job.frame, greatest, plain);
}

using Poly = Plain<float, Poly3<float>>;
using Near = Plain<float, Nearest<float>>;
using Spline = Plain<float, Spline3<float>>;
using Filter = SplinePrefilter<float>;

const Taps<float> kPoly{Poly::reach, {}}, kNear{Near::reach, {}},
    kSpline{Spline::reach, {&Filter::run, &Filter::work, Filter::reach}};

}  // namespace

KernelRow<float, float, 2> halo_row(Kernel first, Kernel second) {
    if (first == Kernel::poly3 && second == Kernel::nearest) {
        return {&blot_both<Poly, Near>, {kPoly, kNear}, 1};
    }
    if (first == Kernel::spline3 && second == Kernel::nearest) {
        return {&blot_both<Spline, Near>, {kSpline, kNear}, 1};
    }
    if (first == Kernel::spline3 && second == Kernel::spline3) {
        return {&blot_both<Spline, Spline>, {kSpline, kSpline}, 1};
    }
    throw std::invalid_argument("no such planes");
}

SourceBoxFn halo_source_box() { return cblot::halo_test::functions<SourceBoxFunctions>().plain; }
