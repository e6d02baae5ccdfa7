// Threads that are ended where they are: pthread_cancel and pthread_exit unwind the stack, by what
// looks like an exception that nobody may keep. A handler of all exceptions passes it on.
#pragma once

#include <exception>

#if defined(__GLIBCXX__)
#include <cxxabi.h>
#define CBLOT_PASS_ON_FORCED_UNWINDING    \
    catch (const abi::__forced_unwind&) { \
        throw;                            \
    }
#else
#define CBLOT_PASS_ON_FORCED_UNWINDING
#endif
