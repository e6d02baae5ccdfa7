// How to blot: kernel, scaling, precision, threads. The layout of Options is part of the ABI.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "cblot/export.h"

namespace cblot {

/// An argument the core can't work with; the message gives what was given and what was expected.
/// The one type of exception of the library's own: std::bad_alloc is the standard's, and what a
/// caller's function throws is passed on.
class CBLOT_API Error : public std::invalid_argument {
  public:
    using std::invalid_argument::invalid_argument;
    Error(const Error&) = default;
    Error& operator=(const Error&) = default;
    ~Error() override;
};

/// The interpolants, in the order of kernels.def: nearest, linear, poly3, poly5 ...
enum class Kernel : std::int32_t {
#define CBLOT_KERNEL(name, ...) name,
#include "cblot/kernels.def"
};

/// Kernel of a name or an alias; throws Error, naming the valid ones.
CBLOT_API Kernel kernel_from_name(std::string_view name);

/// All names that kernel_from_name takes, canonical names before their aliases.
CBLOT_API std::vector<std::string> kernel_names();

/// Whose float32 arithmetic to reproduce bit for bit (nearest, linear, poly3 and poly5 only).
enum class Classic : std::int32_t { off, drizzlepac, drizzle };

/// Instruction sets. `best` is the widest that this machine has.
enum class Isa : std::int32_t { best, baseline, avx2, avx512 };

/// Whether this build and this machine have an instruction set.
CBLOT_API bool available(Isa isa);

/// What `best` stands for; throws Error for a set that is not available.
CBLOT_API Isa resolve(Isa isa);

/// Throws Error for what is not one of them.
CBLOT_API std::string_view isa_name(Isa isa);

/// Throws Error, naming the valid ones.
CBLOT_API Isa isa_from_name(std::string_view name);

/// A host's own threads, for calls to work on in the place of the library's.
class CBLOT_API Executor {
  public:
    virtual ~Executor();

    /// How many tasks are worth having: threads that can work at once.
    virtual int concurrency() const = 0;

    /// Calls task(context, k) for every k from 0 to count - 1, on any threads, the calling one
    /// among them if it likes, in any order, at once or one after the other. Must not return, nor
    /// throw, while a task is running. Tasks do not throw.
    virtual void run(int count, void (*task)(void* context, int k), void* context) = 0;
};

/// What is called between tiles; it may throw to stop the call.
using Poll = void (*)(void* context);

/// What there is to choose, in the rows of options.def: kernel, sinscl, exptime, pix_ratio, fill,
/// classic, isa, threads, executor, poll, poll_context.
///
/// The layout is stable: members are only ever added at the end, and `size` tells the library which
/// of them a caller's header has; of a newer header, up to 4096 bytes, all further ones must be 0.
/// What such a caller does not set has its default.
struct Options {
    std::uint32_t size = sizeof(Options);
#define CBLOT_OPTION(type, c_type, name, value, keyword) type name = value;
#define CBLOT_HOOK(type, c_type, name) type name = nullptr;
#include "cblot/options.def"
};

/// Throws Error, naming the first option that can't be used. `blot` does this itself.
CBLOT_API void validate(const Options& options);

}  // namespace cblot
