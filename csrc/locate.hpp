// A block of output pixels: positions become base pixels, fractions and runs.
#pragma once

#include "inside.hpp"
#include "interp.hpp"
#include "job.hpp"

namespace cblot::CBLOT_ISA {

/// Base pixel of a position that is not inside.
inline constexpr std::int32_t kOutside = -(1 << 30);

/// One array a quantity. Elements from n to the next multiple of kPad stand for pixels outside.
template <class T>
struct Block {
    static constexpr Index size = kBlock + kPad;
    alignas(64) double x[size], y[size];          // positions
    alignas(64) T tx[size], ty[size];             // fractions
    alignas(64) std::int32_t ix[size], iy[size];  // base pixels, or kOutside
    alignas(64) unsigned char breaks[size];       // 1: not of the run of the pixel before
    alignas(64) T value[size];                    // interpolated
    Most most;                                    // of the positions
    Index n = 0;                                  // pixels in use
    Index covered = 0;                            // of which inside

    Index padded() const { return (n + kPad - 1) / kPad * kPad; }

    void pad() {
        for (Index p = n; p < padded(); ++p) {
            x[p] = y[p] = -1.0;
        }
    }
};

/// Counts the pixels inside and finds the runs: neighbours whose base pixels are neighbours in the
/// same row, or which are outside. `Inside`: all of them are, and there are no others.
template <bool Inside = false, class T>
CBLOT_INLINE void mark_runs(Block<T>& b) {
    const Index padded = b.padded();
    std::int32_t outside = 0;
    for (Index p = 0; p < padded; ++p) {
        outside += !Inside && b.iy[p] == kOutside;
    }
    b.covered = padded - outside;
    b.breaks[0] = 1;
    for (Index p = 1; p < padded; ++p) {
        // Unsigned, because the distance to kOutside may not fit.
        const std::uint32_t step = std::uint32_t(b.ix[p]) - std::uint32_t(b.ix[p - 1]);
        const std::int32_t on = (step == 1u) | (!Inside && b.iy[p] == kOutside);
        b.breaks[p] = static_cast<unsigned char>((on & (b.iy[p] == b.iy[p - 1])) ^ 1);
    }
    for (Index p = b.n; p < padded; ++p) {
        b.breaks[p] = 0;
    }
}

/// Bit l is set where lane l > 0 of the kLanes pixels from p on begins a run.
template <class T>
CBLOT_INLINE unsigned run_starts(const Block<T>& b, Index p) {
    unsigned bits = 0;
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    for (int l = 0; l < kLanes<T>; l += 8) {
        std::uint64_t bytes = 0;
        std::memcpy(&bytes, b.breaks + p + l, kLanes<T> < 8 ? kLanes<T> : 8);
        bits |= unsigned((bytes * 0x0102040810204080u) >> 56) << l;  // eight 0/1 bytes to bits
    }
#else
    for (int l = 0; l < kLanes<T>; ++l) {
        bits |= unsigned(b.breaks[p + l]) << l;
    }
#endif
    return bits & ~1u;
}

/// The floor of 0 <= x < 2^31. Adding 1.5 * 2^52 rounds to a whole number, which may be the next
/// one.
CBLOT_INLINE Vector<double> floor_of(Vector<double> x) {
    constexpr double magic = 6755399441055744.0;
    const Vector<double> rounded = (x + magic) - magic;
    return rounded > x ? rounded - 1.0 : rounded;
}

/// Base pixels of positions in double, and their fractions where a kernel asks for them.
template <Base B, bool Fractions = true>
struct PlainLocate {
    template <class T>
    CBLOT_INLINE static void locate(Block<T>& b, Index ny, Index nx) {
        const double width = double(nx), height = double(ny);
        if (b.n == b.padded() && block_inside(b.most, width, height)) {
            locate<true>(b, width, height);
        } else {
            b.pad();
            locate<false>(b, width, height);
        }
    }

  private:
    /// `Inside`: all positions are.
    template <bool Inside, class T>
    CBLOT_NOINLINE static void locate(Block<T>& b, double width, double height) {
        const Vector<double> zero{}, outside = splat(double(kOutside));
        const Index padded = b.padded();
        for (Index p = 0; p < padded; p += kLanes<double>) {
            const Vector<double> x = load(b.x + p), y = load(b.y + p);
            const auto within = Inside ? zero == zero : inside<false>(x, y, width, height);
            const Vector<double> xs = within ? x : zero, ys = within ? y : zero;
            Vector<double> ix = floor_of(xs), iy = floor_of(ys), tx = xs - ix, ty = ys - iy;
            if (B == Base::nearest) {
                const Vector<double> one = splat(1.0);
                const Vector<double> up_x = tx >= 0.5 ? one : zero, up_y = ty >= 0.5 ? one : zero;
                ix += up_x;
                iy += up_y;
                tx -= up_x;
                ty -= up_y;
            }
            store(b.ix + p, convert<std::int32_t>(within ? ix : outside));
            store(b.iy + p, convert<std::int32_t>(within ? iy : outside));
            if (Fractions) {
                store(b.tx + p, convert<T>(tx));
                store(b.ty + p, convert<T>(ty));
            }
        }
        mark_runs<Inside>(b);
    }
};

}  // namespace cblot::CBLOT_ISA
