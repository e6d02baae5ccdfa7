// Keywords to options. Part of the extension.
#pragma once

#include <pybind11/pybind11.h>

#include <string>
#include <string_view>

#include "cblot/blot.hpp"

namespace cblot::python {

namespace py = pybind11;

inline void set(Kernel& option, const py::handle& given) {
    option = kernel_from_name(given.cast<std::string>());
}

inline void set(Isa& option, const py::handle& given) {
    option = isa_from_name(given.cast<std::string>());
}

inline void set(Classic& option, const py::handle& given) {
    const auto name = given.cast<std::string>();
    if (name == "drizzlepac") {
        option = Classic::drizzlepac;
    } else if (name == "drizzle") {
        option = Classic::drizzle;
    } else if (name.empty()) {
        option = Classic::off;
    } else {
        throw py::value_error("classic must be 'drizzlepac', 'drizzle' or '', got '" + name + "'");
    }
}

template <class Number>
void set(Number& option, const py::handle& given) {
    option = given.cast<Number>();
}

inline void set(Options& options, std::string_view name, const py::handle& given) {
#define CBLOT_OPTION(type, c_type, member, value, keyword) \
    if (*keyword != 0 && name == keyword) {                \
        return set(options.member, given);                 \
    }
#include "cblot/options.def"
    throw py::type_error("there is no option " + std::string(name));
}

/// The options that a call is given by their keywords; the others have their defaults.
inline Options options_of(const py::kwargs& given) {
    Options options;
    for (const auto& [keyword, value] : given) {
        const auto name = keyword.cast<std::string_view>();
        try {
            set(options, name, value);
        } catch (const py::cast_error&) {
            throw py::type_error(std::string(name) + " has an unexpected type");
        }
    }
    return options;
}

}  // namespace cblot::python
