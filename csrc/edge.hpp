// What stands in for samples beyond the first and the last of an axis: the one place that knows,
// but for the rules of the peers.
#pragma once

#include "interp.hpp"

namespace cblot::CBLOT_ISA {

/// The end of an axis of n samples beyond which sample k is.
CBLOT_INLINE Index end_before(Index k, Index n) { return k < 0 ? 0 : n - 1; }

/// The sample whose mirror image sample k is, by as many mirrors at the ends of the axis as it
/// takes: at(end) is called for each, in order. An axis of one sample is constant.
template <class AtEnd>
CBLOT_INLINE Index mirrored(Index k, Index n, const AtEnd& at) {
    while (k < 0 || k >= n) {
        const Index end = end_before(k, n);
        if (n == 1) {
            return end;
        }
        at(end);
        k = 2 * end - k;
    }
    return k;
}

CBLOT_INLINE Index mirror(Index k, Index n) {
    return mirrored(k, n, [](Index) {});
}

/// By Edge::odd: 2 c(end) - c(mirror image).
CBLOT_INLINE float odd_extension(float end, float image) { return 2.0f * end - image; }

/// Sample k by Edge::odd of samples get(0) ... get(n - 1).
template <class Get>
float odd_sample(const Get& get, Index k, Index n) {
    if (k >= 0 && k < n) {
        return get(k);
    }
    const Index end = end_before(k, n);
    return n == 1 ? get(end) : odd_extension(get(end), odd_sample(get, 2 * end - k, n));
}

/// Weights of an axis, gathered onto the samples that exist.
template <class T, int Width>
struct Folded {
    T weight[3 * Width];
    bool used[3 * Width];
    Index first = 0, count = 0;

    Folded(const T* w, Index start, Index n, Edge edge)
        : first(max_index(0, min_index(start, n) - Width)),
          count(min_index(n, start + 2 * Width) - first) {
        for (Index c = 0; c < count; ++c) {
            weight[c] = T(0);
            used[c] = false;
        }
        T kept = T(0);
        for (int c = 0; c < Width; ++c) {
            Index k = start + c;
            T value = w[c];
            if (edge == Edge::drop) {
                if (k < 0 || k >= n) {
                    continue;
                }
                kept += value;
            } else if (edge == Edge::clamp) {
                k = k < 0 ? 0 : min_index(k, n - 1);
            } else {
                k = mirrored(k, n, [&](Index end) {
                    if (edge == Edge::odd) {
                        add(end, value + value);
                        value = -value;
                    }
                });
            }
            add(k, value);
        }
        if (edge == Edge::drop) {
            for (Index c = 0; c < count; ++c) {
                weight[c] /= kept;
            }
        }
    }

  private:
    void add(Index k, T value) {
        weight[k - first] += value;
        used[k - first] = true;
    }
};

}  // namespace cblot::CBLOT_ISA
