// Names of the interpolants, and which options can be used.
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <iterator>

#include "cblot/blot.hpp"
#include "check.hpp"
#include "scale.hpp"
#include "sized.hpp"

namespace cblot {

namespace {

struct Name {
    std::string_view name;
    Kernel kernel;
};

// Those of the kernels, in their order, then their aliases.
constexpr Name kNames[] = {
#define CBLOT_KERNEL(name, ...) {#name, Kernel::name},
#include "cblot/kernels.def"
#define CBLOT_ALIAS(alias, name) {#alias, Kernel::name},
#include "cblot/kernels.def"
};

constexpr bool kHasClassic[] = {
#define CBLOT_KERNEL(name, NAME, Form, ClassicForm, Prefilter) \
    std::string_view(#ClassicForm) != "None",
#include "cblot/kernels.def"
};

void check_number(bool valid, const char* name, const char* expected, double given) {
    if (!valid) {
        fail(std::string(name) + " must be " + expected + ", got " + text_of(given));
    }
}

void check_enum(const char* name, std::int32_t count, std::int32_t value) {
    if (value < 0 || value >= count) {
        fail_enum(name, count, value);
    }
}

/// "a, b and c" of the kernels that have a classic form.
std::string classic_names() {
    std::vector<std::string> names;
    for (std::size_t k = 0; k < std::size(kHasClassic); ++k) {
        if (kHasClassic[k]) {
            names.emplace_back(kNames[k].name);
        }
    }
    std::string text = names.front();
    for (std::size_t k = 1; k < names.size(); ++k) {
        text += (k + 1 < names.size() ? ", " : " and ") + names[k];
    }
    return text;
}

/// Refuses values that can't be used.
void check(const Options& options) {
    check_enum("kernel", std::int32_t(std::size(kHasClassic)), std::int32_t(options.kernel));
    check_enum("classic", 3, std::int32_t(options.classic));
    static_cast<void>(isa_name(options.isa));  // refuses what is none
    if (options.reserved != 0) {
        fail("the reserved member of the options must be 0, got " +
             std::to_string(options.reserved));
    }
    if (options.threads < 1) {
        fail("threads must be at least 1, got " + std::to_string(options.threads));
    }
    check_number(std::isfinite(options.sinscl) && options.sinscl > 0.0, "sinscl",
                 "positive and finite", options.sinscl);
    check_number(std::isfinite(options.pix_ratio) && options.pix_ratio > 0.0, "pix_ratio",
                 "positive and finite", options.pix_ratio);
    check_number(std::isfinite(options.exptime), "exptime", "a finite number", options.exptime);
    const bool classic = options.classic != Classic::off;
    // The numbers that pixels are multiplied and divided by, in the type that has them.
    if (!classic) {
        const double area = area_of(options);
        check_number(std::isfinite(area) && area > 0.0, "pix_ratio",
                     "such that double holds its square", options.pix_ratio);
        check_number(std::isfinite(gain_of(options)), "exptime",
                     "such that double holds exptime / pix_ratio^2", options.exptime);
    } else {
        const auto area = float(area_of(options));
        check_number(options.classic == Classic::drizzle || (std::isfinite(area) && area > 0.0F),
                     "pix_ratio", "such that float32 holds its square", options.pix_ratio);
        check_number(std::isfinite(float(options.exptime)), "exptime", "such that float32 holds it",
                     options.exptime);
    }
    const auto kernel = std::size_t(options.kernel);
    if (classic && !kHasClassic[kernel]) {
        fail("classic arithmetic is defined for " + classic_names() + " only, got " +
             std::string(kNames[kernel].name));
    }
}

}  // namespace

const char* version() { return CBLOT_VERSION; }

std::string text_of(double number) {
    char text[32];
    std::snprintf(text, sizeof(text), "%.15g", number);
    return text;
}

Error::~Error() = default;

Executor::~Executor() = default;

Options known(const Options& given) {
    Options own;
    take_sized(own, given, kFirstOptions, "options", "an option");
    check(own);
    return own;
}

Kernel kernel_from_name(std::string_view name) {
    std::string message = "unknown interpolant '" + std::string(name) + "'; the valid ones are ";
    for (const Name& known : kNames) {
        if (known.name == name) {
            return known.kernel;
        }
        message += (&known == kNames ? "" : ", ") + std::string(known.name);
    }
    fail(message);
}

const char* kernel_name(int k) {
    return k < 0 || std::size_t(k) >= std::size(kNames) ? nullptr : kNames[k].name.data();
}

std::vector<std::string> kernel_names() {
    std::vector<std::string> names;
    for (const Name& known : kNames) {
        names.emplace_back(known.name);
    }
    return names;
}

void validate(const Options& options) { known(options); }

}  // namespace cblot
