// Vectors of the width this translation unit is compiled for, in plain C++.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>

#ifndef CBLOT_VECTOR_BYTES
#define CBLOT_VECTOR_BYTES 16
#endif

#if defined(__GNUC__)
#define CBLOT_INLINE inline __attribute__((always_inline))
#define CBLOT_NOINLINE __attribute__((noinline))
#else
#define CBLOT_INLINE inline
#define CBLOT_NOINLINE
#endif

namespace cblot::CBLOT_ISA {

#if defined(__GNUC__)
template <class T, int Lanes>
struct VectorOf {
    typedef T type __attribute__((vector_size(Lanes * sizeof(T))));
};
template <class T>
inline constexpr int kLanes = CBLOT_VECTOR_BYTES / sizeof(T);
#else
template <class T, int Lanes>
struct VectorOf {
    using type = T;
};
template <class T>
inline constexpr int kLanes = 1;
#endif

template <class T, int Lanes = kLanes<T>>
using Vector = typename VectorOf<T, Lanes>::type;

template <class T>
CBLOT_INLINE Vector<T> load(const T* p) {
    Vector<T> v;
    std::memcpy(&v, p, sizeof v);
    return v;
}

/// A vector of consecutive elements, or one: code for either is written once.
template <class V, class T>
CBLOT_INLINE V load_as(const T* p) {
    V v;
    std::memcpy(&v, p, sizeof v);
    return v;
}

template <class V, class T>
CBLOT_INLINE void store(T* p, const V& v) {
    std::memcpy(p, &v, sizeof v);
}

/// A vector of lanes all equal to s, or s itself. (s - 0, unlike s + 0, is s for every s, which
/// compilers know.)
template <class V, class T>
CBLOT_INLINE V splat_as(T s) {
    return s - V{};
}

template <class T>
CBLOT_INLINE Vector<T> splat(T s) {
    return splat_as<Vector<T>>(s);
}

/// Lane by lane conversion of a vector of as many lanes as one of doubles has.
template <class To, class V>
CBLOT_INLINE auto convert(const V& v) {
#if defined(__GNUC__)
    return __builtin_convertvector(v, Vector<To, kLanes<double>>);
#else
    return To(v);
#endif
}

/// One lane of a vector.
template <class V>
CBLOT_INLINE auto lane_of(const V& v, [[maybe_unused]] int lane) {
#if defined(__GNUC__)
    return v[lane];
#else
    return v;
#endif
}

template <class V, class T>
CBLOT_INLINE void set_lane(V& v, [[maybe_unused]] int lane, T value) {
#if defined(__GNUC__)
    v[lane] = value;
#else
    v = value;
#endif
}

/// Lanes of v from `lane` on, those of rest before it.
template <class V>
CBLOT_INLINE V from_lane([[maybe_unused]] int lane, const V& v, [[maybe_unused]] const V& rest) {
#if defined(__GNUC__)
    using Mask = decltype(v < v);
    Mask index;
    for (int l = 0; l < int(sizeof(V) / sizeof(v[0])); ++l) {
        index[l] = l;
    }
    return index >= lane ? v : rest;
#else
    return v;
#endif
}

#if defined(__has_builtin)
#if __has_builtin(__builtin_shufflevector)
#define CBLOT_HAS_SHUFFLES
#endif
#endif

#ifdef CBLOT_HAS_SHUFFLES
/// Lanes of a and b, as if b's came after a's: lane l of the result is lane_of_both(l).
template <int Lanes, class V, class LaneOfBoth, int... L>
CBLOT_INLINE auto shuffle_lanes(const V& a, const V& b, LaneOfBoth lane_of_both,
                                std::integer_sequence<int, L...>) {
    return __builtin_shufflevector(a, b, lane_of_both(L)...);
}

template <int Lanes, class V, class LaneOfBoth>
CBLOT_INLINE auto shuffle(const V& a, const V& b, LaneOfBoth lane_of_both) {
    return shuffle_lanes<Lanes>(a, b, lane_of_both, std::make_integer_sequence<int, Lanes>{});
}

/// Calls f with the integral constants 0 ... N - 1.
template <int... I, class F>
CBLOT_INLINE void unrolled(std::integer_sequence<int, I...>, const F& f) {
    (f(std::integral_constant<int, I>{}), ...);
}

template <int N, class F>
CBLOT_INLINE void unrolled(const F& f) {
    unrolled(std::make_integer_sequence<int, N>{}, f);
}

/// Rows of Width elements, of kLanes<T> pixels, that become columns, a vector of those pixels each.
/// Width is a power of two, and not more than kLanes<T>, so that a vector holds the rows of
/// `blocks` pixels.
template <class T, int Width>
struct Transposed {
    static constexpr int width = Width, lanes = kLanes<T>;
    static constexpr int quarter = 16 / int(sizeof(T));  // lanes of 128 bits: shuffles stay inside
    static constexpr bool narrow = Width < quarter;

    /// The pixel whose row is block b of vector q.
    static constexpr int pixel(int q, int b) {
        return narrow ? b / Width * quarter + q * Width + b % Width : b * Width + q;
    }

    /// Vectors of rows to those of columns.
    CBLOT_INLINE static void columns(Vector<T>* v) {
        if constexpr (narrow) {
            static_assert(Width == 2 && quarter == 4);
            exchange(
                v[0], v[1], [](int l) { return pick(l, 0); }, [](int l) { return pick(l, 1); });
        } else {
            halves<Width / 2>(v);
            constexpr auto low = [](int l) { return zip(l, 0); };
            constexpr auto high = [](int l) { return zip(l, quarter / 2); };
            if constexpr (quarter == 2) {
                for (int i = 0; i < Width; i += 2) {
                    exchange(v[i], v[i + 1], low, high);
                }
            } else {
                constexpr auto lower = [](int l) { return pair(l, 0); };
                constexpr auto upper = [](int l) { return pair(l, 2); };
                for (int i = 0; i < Width; i += 4) {
                    exchange(v[i], v[i + 1], low, high);
                    exchange(v[i + 2], v[i + 3], low, high);
                    exchange(v[i], v[i + 2], lower, upper);
                    exchange(v[i + 1], v[i + 3], lower, upper);
                    const Vector<T> third = v[i + 1];
                    v[i + 1] = v[i + 2];
                    v[i + 2] = third;
                }
            }
        }
    }

  private:
    /// Of both vectors, in each 128 bits: every second lane from `first` on, first of a, then of b.
    static constexpr int pick(int l, int first) {
        const int in = l % quarter;
        return l - in + (in % 2) * 2 + first + (in / 2) * lanes;
    }
    /// Lanes of a and b in turn, from `first` on.
    static constexpr int zip(int l, int first) {
        const int in = l % quarter;
        return l - in + in / 2 + first + (in % 2) * lanes;
    }
    /// Two of a, then two of b, from `first` on.
    static constexpr int pair(int l, int first) {
        const int in = l % quarter;
        return l - in + in % 2 + first + (in / 2) * lanes;
    }

    template <class Low, class High>
    CBLOT_INLINE static void exchange(Vector<T>& a, Vector<T>& b, Low low, High high) {
        const Vector<T> first = shuffle<lanes>(a, b, low);
        b = shuffle<lanes>(a, b, high);
        a = first;
    }

    /// Exchanges squares beside the diagonal, ever smaller, down to those of 128 bits.
    template <int Step>
    CBLOT_INLINE static void halves(Vector<T>* v) {
        if constexpr (Step >= quarter) {
            for (int i = 0; i < Width; ++i) {
                if ((i & Step) == 0) {
                    exchange(
                        v[i], v[i + Step], [](int l) { return l & Step ? lanes + l - Step : l; },
                        [](int l) { return l & Step ? lanes + l : l + Step; });
                }
            }
            halves<Step / 2>(v);
        }
    }
};

#if defined(__SIZEOF_INT128__) && !defined(__clang__)
#define CBLOT_HAS_128_BITS
/// With these, gcc loads a vector piece by piece, and else by way of zeros and shuffles.
__extension__ using Bits128 = __int128;
#endif

/// Blocks of Width elements from several places, in one vector: block b is at(b).
template <class T, int Width, int First = 0, int Blocks = kLanes<T> / Width, class At>
CBLOT_INLINE Vector<T, Blocks * Width> load_blocks(const At& at) {
    if constexpr (Blocks == 1) {
        return load_as<Vector<T, Width>>(at(First));
#ifdef CBLOT_HAS_128_BITS
    } else if constexpr (Blocks == 4 && Width * sizeof(T) == 16) {
        const Vector<Bits128, 4> v = {load_as<Bits128>(at(First)), load_as<Bits128>(at(First + 1)),
                                      load_as<Bits128>(at(First + 2)),
                                      load_as<Bits128>(at(First + 3))};
        return load_as<Vector<T, Blocks * Width>>(&v);
    } else if constexpr (Blocks == 2 && Width * sizeof(T) == 16) {
        const Vector<Bits128, 2> v = {load_as<Bits128>(at(First)), load_as<Bits128>(at(First + 1))};
        return load_as<Vector<T, Blocks * Width>>(&v);
#endif
    } else {
        constexpr int half = Blocks / 2;
        return shuffle<Blocks * Width>(load_blocks<T, Width, First, half>(at),
                                       load_blocks<T, Width, First + half, half>(at),
                                       [](int l) { return l; });
    }
}
#endif

/// Hints that the element at that distance from p will be read soon, but not at once. It need not
/// exist: nothing is read, and no pointer to it is made but for the hint.
template <class T>
CBLOT_INLINE void prefetch([[maybe_unused]] const T* p, [[maybe_unused]] std::ptrdiff_t distance) {
#if defined(__GNUC__)
    const auto address = reinterpret_cast<std::uintptr_t>(p) + std::uintptr_t(distance) * sizeof(T);
    __builtin_prefetch(reinterpret_cast<const void*>(address), 0, 2);
#endif
}

/// Hints that memory at p will soon be written.
CBLOT_INLINE void prefetch_to_write([[maybe_unused]] const void* p) {
#if defined(__GNUC__)
    __builtin_prefetch(p, 1, 3);
#endif
}

constexpr std::ptrdiff_t min_index(std::ptrdiff_t a, std::ptrdiff_t b) { return a < b ? a : b; }
constexpr std::ptrdiff_t max_index(std::ptrdiff_t a, std::ptrdiff_t b) { return a > b ? a : b; }

inline int lowest_bit(unsigned bits) {
#if defined(__GNUC__)
    return __builtin_ctz(bits);
#else
    int n = 0;
    while ((bits >> n & 1u) == 0) {
        ++n;
    }
    return n;
#endif
}

inline int count_bits(unsigned bits) {
#if defined(__GNUC__)
    return __builtin_popcount(bits);
#else
    int n = 0;
    for (; bits != 0; bits &= bits - 1) {
        ++n;
    }
    return n;
#endif
}

}  // namespace cblot::CBLOT_ISA
