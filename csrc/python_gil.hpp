// The GIL of a call: away while the core works, back for what needs Python. Part of the extension.
#pragma once

#include <pybind11/pybind11.h>

#include <chrono>
#include <thread>

namespace cblot::python {

namespace py = pybind11;

/// Runs what may take the GIL. Where the interpreter has ended meanwhile, CPython before 3.14 ends
/// a daemon thread there, by unwinding its stack: through frames that own Python objects, which
/// nobody may let go of any more. Such a thread waits for the end of the process instead, as
/// CPython from 3.14 on has it do. So does one that Python code ends by pthread_exit, without the
/// GIL, which others need. `function` is C and throws no exceptions.
template <class Function>
auto or_wait_for_exit(const Function& function) -> decltype(function()) {
    try {
        return function();
    } catch (...) {
        if (Py_IsInitialized() != 0 && PyGILState_Check() != 0) {
            PyEval_SaveThread();
        }
        for (;;) {
            std::this_thread::sleep_for(std::chrono::hours(1));
        }
    }
}

/// Gives the GIL away for as long as it lives. Of one thread.
class Released {
  public:
    Released() : state_(PyEval_SaveThread()) {}
    ~Released() { take(); }

    Released(const Released&) = delete;
    Released& operator=(const Released&) = delete;

    /// Has the GIL back, in the thread that gave it away, for as long as it lives.
    class Taken {
      public:
        explicit Taken(Released& released) : released_(released) { released_.take(); }
        ~Taken() { released_.state_ = PyEval_SaveThread(); }

        Taken(const Taken&) = delete;
        Taken& operator=(const Taken&) = delete;

      private:
        Released& released_;
    };

  private:
    void take() {
        or_wait_for_exit([this] { PyEval_RestoreThread(state_); });
    }

    PyThreadState* state_;
};

/// Python's `threading`, kept since the extension was loaded: at the interpreter's end nothing can
/// be imported. Never let go of.
inline py::handle& threading_module() {
    static py::handle module;
    return module;
}

/// Whether Python's signal handlers may run in this thread. They do in the interpreter's first,
/// which need not be the main thread to `threading`: that is the one which imported it. So only a
/// thread that `threading` has started is none.
inline bool may_handle_signals() {
    try {
        const py::handle threading = threading_module();
        const py::object current = threading.attr("current_thread")();
        return current.is(threading.attr("main_thread")()) ||
               py::isinstance(current, threading.attr("_DummyThread"));
    } catch (const py::error_already_set&) {
        return false;  // the interpreter is about to end
    }
}

/// Lets Ctrl-C through now and then, where it may come: there is nothing to let through in a
/// thread of `threading`'s. Taking the GIL for every tile would cost more than it is worth.
class SignalPoll {
  public:
    /// Made with the GIL, used without.
    SignalPoll() : needed_(may_handle_signals()) {}

    /// Whose GIL to take.
    void bind(Released& released) { released_ = &released; }

    static void call(void* context) { (*static_cast<SignalPoll*>(context))(); }

    void operator()() {
        const auto now = std::chrono::steady_clock::now();
        if (!needed_ || now - last_ < std::chrono::milliseconds(50)) {
            return;
        }
        last_ = now;
        const Released::Taken taken(*released_);
        if (PyErr_CheckSignals() != 0) {
            throw py::error_already_set();
        }
    }

  private:
    bool needed_;
    Released* released_ = nullptr;
    std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
};

}  // namespace cblot::python
