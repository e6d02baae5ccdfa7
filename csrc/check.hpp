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

/// The k-th of kernel_names, or null.
const char* kernel_name(int k);

/// A number, however small or great, in a message.
std::string text_of(double number);

/// Bytes of the options of the first release, in C++ and in C.
inline constexpr std::size_t kFirstOptions = offsetof(Options, poll_context) + sizeof(void*);

/// The options of a caller whose header may be older or newer; validated.
Options known(const Options& given);

template <class T>
void check_view(const View2D<T>& view, const char* name) {
    if (view.data == nullptr || view.ny < 1 || view.nx < 1) {
        fail(std::string(name) + " must not be empty, got shape " + shape_of(view.ny, view.nx));
    }
    if (view.ny > kMaxAxis || view.nx > kMaxAxis) {
        fail(std::string(name) + " must have axes of at most " + std::to_string(kMaxAxis) +
             " pixels, got shape " + shape_of(view.ny, view.nx));
    }
}

/// Refuses a rectangle that is not one of its image.
template <class T>
void check_window(const Window<T>& window, const char* name) {
    check_view(window.pixels, name);
    const Box box = window.box();
    check_view(View2D<T>{window.pixels.data, window.ny, window.nx, 0, 0}, name);
    if (box.y0 < 0 || box.x0 < 0 || box.y0 > window.ny || box.x0 > window.nx ||
        box.y1 > window.ny || box.x1 > window.nx) {
        fail(std::string(name) + " has rows " + std::to_string(box.y0) + " to " +
             std::to_string(box.y1) + " and columns " + std::to_string(box.x0) + " to " +
             std::to_string(box.x1) + ", which an image of shape " +
             shape_of(window.ny, window.nx) + " has not");
    }
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
