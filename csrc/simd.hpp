// Vectors of the width this translation unit is compiled for, in plain C++.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

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
CBLOT_INLINE auto lane_of(const V& v, int lane) {
#if defined(__GNUC__)
    return v[lane];
#else
    return v;
#endif
}

template <class V, class T>
CBLOT_INLINE void set_lane(V& v, int lane, T value) {
#if defined(__GNUC__)
    v[lane] = value;
#else
    v = value;
#endif
}

/// Lanes of v from `lane` on, those of rest before it.
template <class V>
CBLOT_INLINE V from_lane(int lane, const V& v, const V& rest) {
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
    int n = 0;
    for (; bits != 0; bits &= bits - 1) {
        ++n;
    }
    return n;
}

}  // namespace cblot::CBLOT_ISA
