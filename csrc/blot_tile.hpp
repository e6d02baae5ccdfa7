// One tile, from positions to output pixels: the loop that every kernel and both arithmetics share.
//
// A policy says how a block is located, sampled and scaled:
//   Policy(job)
//   locate(block, ny, nx)      positions to base pixels and fractions
//   sample(samples, block)     to values
//   scale(value)               to output units
#pragma once

#include "box.hpp"
#include "job.hpp"
#include "sampler.hpp"

namespace cblot::CBLOT_ISA {

/// From a base pixel to the farthest of a kernel's taps.
template <class K>
inline constexpr Index reach_of = max_index(-K::offset, K::offset + K::width - 1);

/// Values of a block, scaled or filled, into the output from `out` on.
template <class T, class Out, class Policy>
CBLOT_INLINE void write_block(const Block<T>& b, const Policy& policy, Out* out, Index stride,
                              double fill) {
    if (b.covered == b.n && stride == 1) {
        for (Index p = 0; p < b.n; ++p) {
            out[p] = Out(policy.scale(b.value[p]));
        }
        return;
    }
    for (Index p = 0; p < b.n; ++p) {
        out[p * stride] = b.iy[p] != kOutside ? Out(policy.scale(b.value[p])) : Out(fill);
    }
}

/// Asks for the memory that a block's values go to, which is written a little later.
template <class Out>
CBLOT_INLINE void prefetch_row(Out* out, Index stride, Index n) {
    for (Index p = 0; p < n; p += Index(64 / sizeof(Out))) {
        prefetch_to_write(out + p * stride);
    }
}

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

template <class T, class Out, class Policy>
Index blot_tile(const Job<T, Out>& job, const Box& tile) {
    const Policy policy(job);
    Block<T> b;
    Index covered = 0;
    for (Index j = tile.y0; j < tile.y1; ++j) {
        for (Index i = tile.x0; i < tile.x1; i += kBlock) {
            b.n = min_index(kBlock, tile.x1 - i);
            job.positions(j, i, b.n, b.x, b.y);
            Out* const out =
                job.out.data + (job.out_origin + j * job.out.stride_y + i * job.out.stride_x);
            prefetch_row(out, job.out.stride_x, b.n);
            policy.locate(b, job.source.ny, job.source.nx);
            if (b.covered > 0) {
                if (job.reach >= 0 && !holds(job.window, grown(base_box(b), job.reach,
                                                               job.source.ny, job.source.nx))) {
                    return kBeyondWindow;
                }
                policy.sample(job.source, b);
            }
            write_block(b, policy, out, job.out.stride_x, job.options.fill);
            covered += b.covered;
        }
    }
    return covered;
}

/// The default arithmetic: positions in double, weights and sums in the source's type, one
/// multiplication by the gain in double.
template <class T, class K>
class Plain {
  public:
    template <class Out>
    explicit Plain(const Job<T, Out>& job)
        : kernel_(make(job.options.sinscl)), gain_(gain_of(job.options)) {}

    CBLOT_INLINE void locate(Block<T>& b, Index ny, Index nx) const {
        CBLOT_ISA::locate<K::base>(b, ny, nx);
    }

    CBLOT_INLINE void sample(const Samples<T>& s, Block<T>& b) const {
        CBLOT_ISA::sample(s, WeightedSum<T, K>{kernel_}, b);
    }

    CBLOT_INLINE double scale(T value) const { return double(value) * gain_; }

  private:
    static double gain_of(const Options& options) {
        return options.exptime / (options.pix_ratio * options.pix_ratio);
    }

    static K make(double sinscl) {
        if constexpr (K::stretched) {
            return K{sinscl};
        } else {
            return K{};
        }
    }

    K kernel_;
    double gain_;
};

}  // namespace cblot::CBLOT_ISA
