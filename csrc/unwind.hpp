// Threads that are ended where they are: pthread_cancel and pthread_exit unwind the stack, by what
// looks like an exception that nobody may keep. A handler of all exceptions passes it on.
#pragma once

#include <exception>

#if (defined(__unix__) || defined(__APPLE__)) && !defined(__ANDROID__)
#include <pthread.h>
#define CBLOT_HAS_CANCEL
#endif

#if defined(__GLIBCXX__)
#include <cxxabi.h>
#define CBLOT_PASS_ON_FORCED_UNWINDING    \
    catch (const abi::__forced_unwind&) { \
        throw;                            \
    }
#else
#define CBLOT_PASS_ON_FORCED_UNWINDING
#endif

namespace cblot {

/// Where a thread must not be ended: for as long as it lives, pthread_cancel has to wait.
class NotCancelled {
  public:
#if defined(CBLOT_HAS_CANCEL)
    NotCancelled() { pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before_); }
    ~NotCancelled() { pthread_setcancelstate(before_, nullptr); }
#else
    NotCancelled() {}
#endif

    NotCancelled(const NotCancelled&) = delete;
    NotCancelled& operator=(const NotCancelled&) = delete;

#if defined(CBLOT_HAS_CANCEL)
  private:
    int before_ = 0;
#endif
};

}  // namespace cblot
