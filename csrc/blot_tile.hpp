// One tile, a block of output pixels at a time:
//
//   positions -> locate (base pixels, fractions, runs) -> for each plane: samples x weights -> sink
//
// Several planes, of source images of one size, go through one set of positions.
#pragma once

#include <type_traits>

#include "ahead.hpp"
#include "box.hpp"
#include "job.hpp"
#include "sampler.hpp"
#include "sink.hpp"

namespace cblot::CBLOT_ISA {

/// A source, what makes values of its pixels, and what takes them. Locate is the way that base
/// pixels and fractions are found: planes next to each other with the same share them. Sum is that
/// of the sampler.
template <class T, class Locate_, class Sum, class Sink>
struct Plane {
    using Locate = Locate_;
    static constexpr Index halo = Sink::halo;
    static constexpr Index taps = max_index(-Sum::offset, Sum::offset + Sum::width - 1);

    Samples<T> source;
    Box window;   // see PlaneJob
    Index reach;  // see PlaneJob
    Sum sum;
    Sink sink;
};

/// The base pixels of a block that has some.
template <class T>
CBLOT_NOINLINE Box base_box(const Block<T>& b) {
    // Without a sign, kOutside is more than any base pixel; with it, it is less.
    std::uint32_t least_x = ~0u, least_y = ~0u;
    std::int32_t most_x = kOutside, most_y = kOutside;
    for (Index p = 0; p < b.n; ++p) {
        const auto ix = std::uint32_t(b.ix[p]), iy = std::uint32_t(b.iy[p]);
        least_x = ix < least_x ? ix : least_x;
        least_y = iy < least_y ? iy : least_y;
        most_x = b.ix[p] > most_x ? b.ix[p] : most_x;
        most_y = b.iy[p] > most_y ? b.iy[p] : most_y;
    }
    return {Index(least_y), Index(most_y) + 1, Index(least_x), Index(most_x) + 1};
}

/// Whether a plane's window holds all samples of a block's pixels.
template <class T, class AnyPlane>
CBLOT_INLINE bool has_samples(const AnyPlane& plane, const Block<T>& b) {
    return plane.reach < 0 ||
           holds(plane.window, grown(base_box(b), plane.reach, plane.source.ny, plane.source.nx));
}

/// A block, located as Before does, through no more planes.
template <class Before, class T>
CBLOT_INLINE bool through_planes(Block<T>&, const RowsAhead&, Index, Index, Index, Index) {
    return true;
}

/// A block through planes; false if the window of one lacks samples.
template <class Before, class T, class First, class... More>
CBLOT_INLINE bool through_planes(Block<T>& b, const RowsAhead& ahead, Index j, Index i, Index first,
                                 Index last, First& plane, More&... more) {
    if constexpr (!std::is_same_v<Before, typename First::Locate>) {
        First::Locate::locate(b, plane.source.ny, plane.source.nx);
    }
    if (b.covered > 0) {
        if (!has_samples(plane, b)) {
            return false;
        }
        ahead.ask(plane.source, b);
        sample(plane.source, plane.sum, b);
    }
    if (First::halo > 0 || first < last) {
        plane.sink.take(b, j, i, first, last);
    }
    return through_planes<typename First::Locate>(b, ahead, j, i, first, last, more...);
}

/// Works on the pixels of a tile, a box of the frame, and where sinks have a halo on those around
/// it. Returns how many pixels of the tile the source of the last plane covers (the others, if they
/// are located in the same way), or kBeyondWindow.
template <class T, class... Planes>
CBLOT_INLINE Index blot_tile(const Positions& positions, const Box& tile,
                             [[maybe_unused]] const Box& frame, Planes&... planes) {
    Index halo = 0;
    ((halo = max_index(halo, Planes::halo)), ...);
    const Box seen = halo == 0 ? tile : grown(tile, halo, frame.y1, frame.x1);
    Index reach = 0;
    ((reach = max_index(reach, Planes::taps)), ...);
    RowsAhead ahead(seen, reach);
    Block<T> b;
    Index covered = 0;
    for (Index j = seen.y0; j < seen.y1; ++j) {
        for (Index i = seen.x0; i < seen.x1; i += kBlock) {
            b.n = min_index(kBlock, seen.x1 - i);
            b.most = positions(j, i, b.n, b.x, b.y);
            ahead.next_row(b);
            Index first = 0, last = b.n;
            if (halo > 0) {
                first = max_index(0, tile.x0 - i);
                last = j >= tile.y0 && j < tile.y1 ? min_index(b.n, tile.x1 - i) : first;
            }
            (planes.sink.expect(j, i + first, last - first), ...);
            if (!through_planes<void>(b, ahead, j, i, first, last, planes...)) {
                return kBeyondWindow;
            }
            if (halo == 0) {
                covered += b.covered;
            } else {
                for (Index p = first; p < last; ++p) {
                    covered += b.iy[p] != kOutside;
                }
            }
        }
    }
    (planes.sink.finish(), ...);
    return covered;
}

/// From a base pixel to the farthest of a kernel's taps: mirrored at an edge, those on one side
/// reach as far on the other.
template <class K>
inline constexpr Index reach_of = max_index(-K::offset, K::offset + K::width - 1);

/// The default arithmetic: positions in double, weights and sums in the source's type.
template <class T, class K>
class Plain {
  public:
    using Locate = PlainLocate<K::base, (K::width > 1)>;
    using Gain = PlainGain;
    static constexpr Index reach = reach_of<K>;

    explicit Plain(double sinscl) : kernel_(make(sinscl)) {}

    WeightedSum<T, K> sum() const { return {kernel_}; }

  private:
    static K make([[maybe_unused]] double sinscl) {
        if constexpr (K::stretched) {
            return K{sinscl};
        } else {
            return K{};
        }
    }

    K kernel_;
};

/// A TileFn: one plane, into an output, in an arithmetic: its Locate, sum(), Gain and reach.
template <class T, class Out, class Arithmetic>
Index blot_output(const Job<T, Out>& job, const Box& tile) {
    using Gain = typename Arithmetic::Gain;
    const PlaneJob<T, Out>& only = job.planes[0];
    const Arithmetic arithmetic(only.options.sinscl);
    const auto sum = arithmetic.sum();
    using Sum = std::remove_const_t<decltype(sum)>;
    Plane<T, typename Arithmetic::Locate, Sum, OutputSink<Out, Gain>> plane{
        only.source,
        only.window,
        only.reach,
        sum,
        {only.out, only.out_origin, Gain(only.options), only.options.fill}};
    return blot_tile<T>(job.positions, tile, job.frame, plane);
}

}  // namespace cblot::CBLOT_ISA
