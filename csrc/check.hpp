// Errors about views, in one wording.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>

#include "cblot/blot.hpp"

namespace cblot {

// Base pixels are 32-bit; the margin is for the rounding up of a nearest pixel and of the taps.
inline constexpr Index kMaxAxis = std::numeric_limits<std::int32_t>::max() - 64;

inline std::string shape_of(Index ny, Index nx) {
    return "(" + std::to_string(ny) + ", " + std::to_string(nx) + ")";
}

[[noreturn]] inline void fail(const std::string& message) { throw Error(message); }

inline bool is_sip_order(int order) { return order >= 0 && order <= kMaxSipOrder; }

/// Of an enumeration's `count` values this is none.
[[noreturn]] inline void fail_enum(const char* name, std::int32_t count, std::int32_t value) {
    fail(std::string(name) + " must be one of " + std::to_string(count) + " numbers from 0, got " +
         std::to_string(value));
}

/// The k-th of kernel_names, or null.
const char* kernel_name(int k);

/// A number, however small or great, in a message.
std::string text_of(double number);

/// Bytes of the options of the first release, in C++ and in C.
inline constexpr std::size_t kFirstOptions = offsetof(Options, poll_context) + sizeof(void*);

/// The options of a caller whose header may be older or newer; validated.
Options known(const Options& given);

inline std::string strides_of(Index stride_y, Index stride_x) {
    return "(" + std::to_string(stride_y) + ", " + std::to_string(stride_x) + ")";
}

/// The view without strides that lead nowhere: those of a single row or column may be any number.
template <class T>
View2D<T> with_used_strides(View2D<T> view) {
    view.stride_y = view.ny > 1 ? view.stride_y : 0;
    view.stride_x = view.nx > 1 ? view.stride_x : 1;
    return view;
}

/// Refuses a view that is not one: beyond this, places in it are numbers that an Index holds.
template <class T>
void check_view(const View2D<T>& given, const char* name) {
    const View2D<T> view = with_used_strides(given);
    if (view.data == nullptr || view.ny < 1 || view.nx < 1) {
        fail(std::string(name) + " must not be empty, got shape " + shape_of(view.ny, view.nx));
    }
    if (view.ny > kMaxAxis || view.nx > kMaxAxis) {
        fail(std::string(name) + " must have axes of at most " + std::to_string(kMaxAxis) +
             " pixels, got shape " + shape_of(view.ny, view.nx));
    }
    constexpr Index most = std::numeric_limits<Index>::max() / 16 / Index(sizeof(T));
    const auto fits = [](Index count, Index stride) {
        const Index bound = most / count;
        return -bound <= stride && stride <= bound;
    };
    if (!fits(view.ny, view.stride_y) || !fits(view.nx, view.stride_x)) {
        fail(std::string(name) + " must have strides that fit into memory, got " +
             strides_of(view.stride_y, view.stride_x));
    }
}

/// Refuses a rectangle that is not one of an image.
inline void check_box(const Box& box, const char* name, Index ny, Index nx) {
    const auto on = [](Index edge, Index n) { return edge >= 0 && edge <= n; };
    if (!on(box.y0, ny) || !on(box.y1, ny) || !on(box.x0, nx) || !on(box.x1, nx)) {
        fail(std::string(name) + " has rows " + std::to_string(box.y0) + " to " +
             std::to_string(box.y1) + " and columns " + std::to_string(box.x0) + " to " +
             std::to_string(box.x1) + ", which an image of shape " + shape_of(ny, nx) + " has not");
    }
}

/// Refuses pixels that are not a window of an image.
template <class T>
void check_window(const Window<T>& window, const char* name) {
    check_view(window.pixels, name);
    const View2D<T> pixels = with_used_strides(window.pixels);
    // The image that they are of, in the same layout.
    check_view(View2D<T>{pixels.data, window.ny, window.nx, pixels.stride_y, pixels.stride_x},
               name);
    if (window.y0 > window.ny || window.x0 > window.nx) {  // what is added to them might overflow
        fail(std::string(name) + " begins at row " + std::to_string(window.y0) + " and column " +
             std::to_string(window.x0) + ", which an image of shape " +
             shape_of(window.ny, window.nx) + " has not");
    }
    check_box(window.box(), name, window.ny, window.nx);
}

template <class T>
void check_shape(const View2D<const T>& view, const char* name, Index ny, Index nx) {
    check_view(view, name);
    if (view.ny != ny || view.nx != nx) {
        fail(std::string(name) + " must have shape " + shape_of(ny, nx) +
             " to fit the output, got " + shape_of(view.ny, view.nx));
    }
}

}  // namespace cblot
