// One tile, from positions to output pixels: the loop that every kernel and both arithmetics share.
//
// A policy says how a block is located, sampled and scaled:
//   Policy(job)
//   locate(block, ny, nx)      positions to base pixels and fractions
//   sample(samples, block)     to values
//   scale(value)               to output units
#pragma once

#include "job.hpp"
#include "mapping.hpp"
#include "sampler.hpp"

namespace cblot::CBLOT_ISA {

/// Values of a block, scaled or filled, into row j of the output.
template <class T, class Out, class Policy>
CBLOT_INLINE void write_block(const Block<T>& b, const Policy& policy, const View2D<Out>& view,
                              double fill, Index j, Index i) {
    Out* const out = view.data + j * view.stride_y + i * view.stride_x;
    const Index stride = view.stride_x;
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
CBLOT_INLINE void prefetch_row(const View2D<Out>& view, Index j, Index i, Index n) {
    Out* const out = view.data + j * view.stride_y + i * view.stride_x;
    for (Index p = 0; p < n; p += Index(64 / sizeof(Out))) {
        prefetch_to_write(out + p * view.stride_x);
    }
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
            prefetch_row(job.out, j, i, b.n);
            policy.locate(b, job.source.ny, job.source.nx);
            if (b.covered > 0) {
                policy.sample(job.source, b);
            }
            write_block(b, policy, job.out, job.fill, j, i);
            covered += b.covered;
        }
    }
    return covered;
}

/// The default arithmetic: positions in double, weights and sums in the source's type, one
/// multiplication by the gain in double.
template <class T, class K>
class Exact {
  public:
    template <class Out>
    explicit Exact(const Job<T, Out>& job)
        : kernel_(make(job.sinscl)), gain_(job.exptime / (job.pix_ratio * job.pix_ratio)) {}

    CBLOT_INLINE void locate(Block<T>& b, Index ny, Index nx) const {
        CBLOT_ISA::locate<K::base>(b, ny, nx);
    }

    CBLOT_INLINE void sample(const Samples<T>& s, Block<T>& b) const {
        CBLOT_ISA::sample(s, WeightedSum<T, K>{kernel_}, b);
    }

    CBLOT_INLINE double scale(T value) const { return double(value) * gain_; }

  private:
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
