// Names of the interpolants, and which options can be used.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstring>

#include "cblot/blot.hpp"
#include "check.hpp"

namespace cblot {

namespace {

struct Name {
    std::string_view name;
    Kernel kernel;
};

constexpr std::array<Name, 12> kNames{{{"nearest", Kernel::nearest},
                                       {"linear", Kernel::linear},
                                       {"poly3", Kernel::poly3},
                                       {"poly5", Kernel::poly5},
                                       {"spline3", Kernel::spline3},
                                       {"sinc", Kernel::sinc},
                                       {"lanczos3", Kernel::lanczos3},
                                       {"lanczos5", Kernel::lanczos5},
                                       {"bilinear", Kernel::linear},
                                       {"lsinc", Kernel::sinc},
                                       {"lan3", Kernel::lanczos3},
                                       {"lan5", Kernel::lanczos5}}};

void check_number(bool valid, const char* name, const char* expected, double given) {
    if (!valid) {
        fail(std::string(name) + " must be " + expected + ", got " + std::to_string(given));
    }
}

void check_enum(std::int32_t value, std::int32_t count, const char* name) {
    if (value < 0 || value >= count) {
        fail(std::string(name) + " must be one of " + std::to_string(count) +
             " numbers from 0, got " + std::to_string(value));
    }
}

// The size of the first release's options.
constexpr std::size_t kLeastSize = offsetof(Options, poll_context) + sizeof(void*);

}  // namespace

const char* version() { return CBLOT_VERSION; }

Error::~Error() = default;

Executor::~Executor() = default;

Options known(const Options& given) {
    Options own;
    const std::size_t size = given.size;
    if (size < kLeastSize) {
        fail("the size of the options must be at least " + std::to_string(kLeastSize) + ", got " +
             std::to_string(size));
    }
    const auto* bytes = reinterpret_cast<const unsigned char*>(&given);
    const std::size_t extra =
        size > sizeof(own) ? std::min<std::size_t>(size - sizeof(own), 4096) : 0;
    if (std::any_of(bytes + sizeof(own), bytes + sizeof(own) + extra,
                    [](unsigned char byte) { return byte != 0; })) {
        fail("an option is set that this version of cblot does not have");
    }
    std::memcpy(static_cast<void*>(&own), bytes, std::min(size, sizeof(own)));
    own.size = sizeof(own);
    validate(own);
    return own;
}

Kernel kernel_from_name(std::string_view name) {
    for (const Name& known : kNames) {
        if (known.name == name) {
            return known.kernel;
        }
    }
    std::string message = "unknown interpolant '" + std::string(name) + "'; the valid ones are ";
    for (std::size_t i = 0; i < kNames.size(); ++i) {
        message += (i == 0 ? "" : ", ") + std::string(kNames[i].name);
    }
    fail(message);
}

std::vector<std::string> kernel_names() {
    std::vector<std::string> names;
    for (const Name& known : kNames) {
        names.emplace_back(known.name);
    }
    return names;
}

void validate(const Options& options) {
    check_enum(std::int32_t(options.kernel), 8, "kernel");
    check_enum(std::int32_t(options.classic), 3, "classic");
    check_enum(std::int32_t(options.isa), 4, "isa");
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
    const bool has_classic = options.kernel <= Kernel::poly5;
    if (options.classic != Classic::off && !has_classic) {
        fail("classic arithmetic is defined for nearest, linear, poly3 and poly5 only, got " +
             std::string(kNames[std::size_t(options.kernel)].name));
    }
}

}  // namespace cblot
