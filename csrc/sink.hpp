// What takes the values of a plane. A sink has
//   halo                             how many rows and columns around those of its tile it must see
//   expect(j, i, n)                  pixels (j, i) ... (j, i + n - 1) come next
//   take(block, j, i, first, last)   these are they: pixels [first, last) of a block from (j, i) on
//                                    are the tile's; without a halo, no other is there
//   finish()                         there are no more
#pragma once

#include "box.hpp"
#include "gain.hpp"
#include "locate.hpp"

namespace cblot::CBLOT_ISA {

/// Values [first, last) of a block in output units, or the fill value, to the same places from
/// `out` on. (A gain of its own, for what is written might be that of the sink, for all that a
/// compiler knows.)
template <class T, class Out, class Gain>
CBLOT_INLINE void write_values(const Block<T>& b, Index first, Index last, Gain gain, double fill,
                               Out* out, Index stride) {
    if (b.covered == b.n && stride == 1) {
        for (Index p = first; p < last; ++p) {
            out[p] = Out(gain(b.value[p]));
        }
        return;
    }
    for (Index p = first; p < last; ++p) {
        out[p * stride] = b.iy[p] != kOutside ? Out(gain(b.value[p])) : Out(fill);
    }
}

/// Into an output.
template <class Out, class Gain>
struct OutputSink {
    static constexpr Index halo = 0;

    View2D<Out> out;
    Index origin;  // pixel (j, i) is out.data[origin + j * stride_y + i * stride_x]
    Gain gain;
    double fill;

    /// Asks for the memory, which is written a little later.
    CBLOT_INLINE void expect(Index j, Index i, Index n) const {
        for (Index p = 0; p < n; p += Index(64 / sizeof(Out))) {
            prefetch_to_write(at(j, i) + p * out.stride_x);
        }
    }

    template <class T>
    CBLOT_INLINE void take(const Block<T>& b, Index j, Index i, Index first, Index last) const {
        write_values(b, first, last, gain, fill, at(j, i), out.stride_x);
    }

    CBLOT_INLINE void finish() const {}

  private:
    CBLOT_INLINE Out* at(Index j, Index i) const {
        return out.data + (origin + j * out.stride_y + i * out.stride_x);
    }
};

/// A row of output values with those around it, as many as there are of the frame.
template <class Out>
struct Rows {
    Index y0, y1;          // rows that are there
    Index x0, x1;          // columns that are there
    const Out* memory;     // a ring of rows
    Index ring, ring_row;  // how many it has, and of which row its first is

    const Out& operator()(Index j, Index i) const {
        return memory[(j - ring_row) % ring * (x1 - x0) + (i - x0)];
    }
};

/// Keeps as many rows as Take::halo asks for, and calls take(rows, j) for each row j of the tile.
template <class Out, class Gain, class Take>
class RowSink {
  public:
    static constexpr Index halo = Take::halo;
    static constexpr Index kRing = 2 * halo + 1;

    /// Elements of memory for a tile.
    static Index memory_size(const Box& tile, const Box& frame) {
        return kRing * grown(tile, halo, frame.y1, frame.x1).width();
    }

    /// `tile` is one of `frame`, of which its halo is cut.
    RowSink(const Box& tile, const Box& frame, const Gain& gain, double fill, Take& take,
            Out* memory)
        : tile_(tile),
          seen_(grown(tile, halo, frame.y1, frame.x1)),
          gain_(gain),
          fill_(fill),
          take_(take),
          memory_(memory),
          next_(tile.y0) {}

    void expect(Index, Index, Index) const {}

    template <class T>
    void take(const Block<T>& b, Index j, Index i, Index, Index) {
        if (i + b.n <= seen_.x0 || i >= seen_.x1 || j < seen_.y0 || j >= seen_.y1) {
            return;  // of another sink's wider halo
        }
        const Index first = max_index(0, seen_.x0 - i), last = min_index(b.n, seen_.x1 - i);
        Out* const row = memory_ + (j - seen_.y0) % kRing * seen_.width();
        write_values(b, first, last, gain_, fill_, row + (i - seen_.x0), 1);
        if (i + last == seen_.x1 && j >= tile_.y0 + halo) {
            hand_out(j - halo);
        }
    }

    void finish() {
        while (next_ < tile_.y1) {
            hand_out(next_);
        }
    }

  private:
    void hand_out(Index j) {
        const Index y0 = max_index(seen_.y0, j - halo), y1 = min_index(seen_.y1, j + halo + 1);
        take_(Rows<Out>{y0, y1, seen_.x0, seen_.x1, memory_, kRing, seen_.y0}, j);
        next_ = j + 1;
    }

    Box tile_, seen_;
    Gain gain_;
    double fill_;
    Take& take_;
    Out* memory_;
    Index next_;
};

}  // namespace cblot::CBLOT_ISA
