// Structs that begin with the size which they have in a caller's header, older or newer than ours:
// members are only ever added at their ends, and what an older header does not have is as we have
// it by default.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <type_traits>

#include "check.hpp"

namespace cblot {

/// What the structs of no release will exceed. A greater size is none but a number that happened to
/// be there, and nothing is looked at of such a struct.
inline constexpr std::size_t kMostSize = 4096;

/// Copies a caller's struct over `own`, which holds the defaults. `first` is the size that it had
/// in the first release, `name` and `part` what it and a member are called in a message. Refuses a
/// newer one's members that are set, unknown as they are here.
template <class Struct>
void take_sized(Struct& own, const Struct& given, std::size_t first, const char* name,
                const char* part) {
    static_assert(std::is_trivially_copyable_v<Struct> && sizeof(Struct) <= kMostSize);
    const std::size_t size = given.size;
    if (size < first || size > kMostSize) {
        fail(std::string("the size of the ") + name + " must be from " + std::to_string(first) +
             " to " + std::to_string(kMostSize) + " bytes, got " + std::to_string(size) +
             "; cblot_default_" + name + " sets it");
    }
    const auto* const bytes = reinterpret_cast<const unsigned char*>(&given);
    if (size > sizeof(own) && std::any_of(bytes + sizeof(own), bytes + size,
                                          [](unsigned char byte) { return byte != 0; })) {
        fail(std::string(part) + " is set that this version of cblot does not have");
    }
    std::memcpy(static_cast<void*>(&own), bytes, std::min(size, sizeof(own)));
    own.size = std::uint32_t(sizeof(own));
}

/// Writes defaults into a caller's struct of so many bytes.
template <class Struct>
void give_sized(const Struct& defaults, Struct* to, std::size_t size) {
    if (to == nullptr) {
        return;
    }
    std::memset(static_cast<void*>(to), 0, size);
    std::memcpy(static_cast<void*>(to), &defaults, std::min(size, sizeof(defaults)));
    if (size >= sizeof(to->size)) {
        to->size = std::uint32_t(size);
    }
}

}  // namespace cblot
