// Vectors of the width this translation unit is compiled for, in plain C++.
#pragma once

#include <cstring>

#ifndef CBLOT_VECTOR_BYTES
#define CBLOT_VECTOR_BYTES 16
#endif

#if defined(__GNUC__)
#define CBLOT_INLINE inline __attribute__((always_inline))
#else
#define CBLOT_INLINE inline
#endif

namespace cblot::CBLOT_ISA {

#if defined(__GNUC__)
template <class T>
struct VectorOf {
    typedef T type __attribute__((vector_size(CBLOT_VECTOR_BYTES)));
    static constexpr int lanes = CBLOT_VECTOR_BYTES / sizeof(T);
};
#else
template <class T>
struct VectorOf {
    using type = T;
    static constexpr int lanes = 1;
};
#endif

template <class T>
using Vector = typename VectorOf<T>::type;

template <class T>
inline constexpr int kLanes = VectorOf<T>::lanes;

template <class T>
CBLOT_INLINE Vector<T> load(const T* p) {
    Vector<T> v;
    std::memcpy(&v, p, sizeof v);
    return v;
}

template <class T>
CBLOT_INLINE void store(T* p, Vector<T> v) {
    std::memcpy(p, &v, sizeof v);
}

/// All lanes equal to s.
template <class T>
CBLOT_INLINE Vector<T> splat(T s) {
    return Vector<T>{} + s;
}

}  // namespace cblot::CBLOT_ISA
