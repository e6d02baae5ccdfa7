// Arrays to views, and the GIL: the only file that knows Python.
#include <pybind11/functional.h>
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "cblot/blot.hpp"

namespace py = pybind11;

namespace {

using cblot::Index;
using cblot::View2D;

/// Views are borrowed from arrays that the Python layer has already brought into shape; what is
/// checked here are the assumptions that memory safety rests on.
template <class T>
View2D<T> plane_of(const py::array& array, const char* name, Index plane = 0) {
    using Value = std::remove_const_t<T>;
    const bool planes = array.ndim() == 3;
    if (!array.dtype().is(py::dtype::of<Value>())) {
        throw py::type_error(std::string(name) + " has an unexpected dtype");
    }
    if (array.ndim() != 2 && !(planes && array.shape(2) == 2)) {
        throw py::value_error(std::string(name) + " has an unexpected shape");
    }
    constexpr Index item = sizeof(Value);
    for (py::ssize_t axis = 0; axis < array.ndim(); ++axis) {
        if (array.strides(axis) % item != 0) {
            throw py::value_error(std::string(name) + " has strides of fractions of an element");
        }
    }
    if (reinterpret_cast<std::uintptr_t>(array.data()) % alignof(Value) != 0) {
        throw py::value_error(std::string(name) + " is not aligned");
    }
    const Index offset = planes ? plane * (array.strides(2) / item) : 0;
    // A view of an output array is written only after check_writeable.
    Value* data = static_cast<Value*>(const_cast<void*>(array.data())) + offset;
    return {data, array.shape(0), array.shape(1), array.strides(0) / item, array.strides(1) / item};
}

/// A node grid: x and y of shape (rows, columns), float64.
struct NodeMapping {
    py::array x, y;
    Index step;

    cblot::Mapping view() const {
        return cblot::NodeMapping{plane_of<const double>(x, "node x"),
                                  plane_of<const double>(y, "node y"), step};
    }
};

/// A pixmap of shape (ny, nx, 2), float64.
struct PixmapMapping {
    py::array pixmap;

    cblot::Mapping view() const {
        return cblot::PixmapMapping{plane_of<const double>(pixmap, "pixmap", 0),
                                    plane_of<const double>(pixmap, "pixmap", 1)};
    }
};

/// A function of (row_begin, row_end, x, y) that fills the arrays x and y, float64, (rows, nx).
struct CallbackMapping {
    py::function function;
    Index nx;

    cblot::Mapping view() const {
        // Only the pointer crosses to the GIL-free side; the mapping outlives the call.
        PyObject* const object = function.ptr();
        const Index columns = nx;
        return cblot::CallbackMapping{
            [object, columns](Index begin, Index end, double* x, double* y) {
                py::gil_scoped_acquire gil;
                const Index rows = end - begin;
                // Arrays of their own: a callback may keep them, the core's buffers end with
                // the call.
                py::array_t<double> px({rows, columns}), qy({rows, columns});
                const py::handle callable(object);
                callable(begin, end, px, qy);
                std::copy_n(px.data(), rows * columns, x);
                std::copy_n(qy.data(), rows * columns, y);
            }};
    }
};

/// Lets Ctrl-C through now and then; taking the GIL for every tile would cost more than it is
/// worth.
class SignalPoll {
  public:
    void operator()() {
        const auto now = std::chrono::steady_clock::now();
        if (now - last_ < std::chrono::milliseconds(50)) {
            return;
        }
        last_ = now;
        py::gil_scoped_acquire gil;
        if (PyErr_CheckSignals() != 0) {
            throw py::error_already_set();
        }
    }

  private:
    std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
};

template <class Source, class Out, class PyMapping>
Index blot_typed(const py::array& source, py::array& out, const PyMapping& mapping,
                 const cblot::Options& options) {
    const auto from = plane_of<const Source>(source, "source");
    const auto to = plane_of<Out>(out, "out");
    const cblot::Mapping view = mapping.view();
    py::gil_scoped_release release;
    return cblot::blot<Source, Out>(from, view, to, options);
}

cblot::Options options_of(const std::string& interp, double sinscl, double exptime,
                          double pix_ratio, const std::string& classic) {
    cblot::Options options;
    options.kernel = cblot::kernel_from_name(interp);
    options.sinscl = sinscl;
    options.exptime = exptime;
    options.pix_ratio = pix_ratio;
    options.classic = classic == "drizzlepac" ? cblot::Classic::drizzlepac
                      : classic == "drizzle"  ? cblot::Classic::drizzle
                                              : cblot::Classic::off;
    return options;
}

template <class PyMapping>
Index blot(const py::array& source, py::array out, const PyMapping& mapping,
           const std::string& interp, double sinscl, double exptime, double pix_ratio,
           double fillval, const std::string& classic, int threads, const std::string& isa) {
    cblot::Options options = options_of(interp, sinscl, exptime, pix_ratio, classic);
    options.fill = fillval;
    options.threads = threads;
    options.isa = cblot::isa_from_name(isa);
    options.poll = SignalPoll();
    if (!out.writeable()) {
        throw py::value_error("out is read-only");
    }
    const bool single = source.dtype().is(py::dtype::of<float>());
    const bool to_single = out.dtype().is(py::dtype::of<float>());
    if (single) {
        return to_single ? blot_typed<float, float>(source, out, mapping, options)
                         : blot_typed<float, double>(source, out, mapping, options);
    }
    return to_single ? blot_typed<double, float>(source, out, mapping, options)
                     : blot_typed<double, double>(source, out, mapping, options);
}

template <class PyMapping>
void define_blot(py::module_& module) {
    module.def("blot", &blot<PyMapping>, py::arg("source"), py::arg("out"), py::arg("mapping"),
               py::kw_only(), py::arg("interp"), py::arg("sinscl"), py::arg("exptime"),
               py::arg("pix_ratio"), py::arg("fillval"), py::arg("classic"), py::arg("threads"),
               py::arg("isa"),
               "Blot source into out through mapping; returns the number of covered pixels.");
}

}  // namespace

PYBIND11_MODULE(_core, module, py::mod_gil_not_used()) {
    module.doc() = "The compiled core of cblot.";
    py::register_exception<cblot::Error>(module, "CoreError", PyExc_ValueError);
    py::class_<NodeMapping>(module, "NodeMapping")
        .def(py::init([](py::array x, py::array y, Index step) {
                 return NodeMapping{std::move(x), std::move(y), step};
             }),
             py::arg("x"), py::arg("y"), py::arg("step"));
    py::class_<PixmapMapping>(module, "PixmapMapping")
        .def(py::init([](py::array pixmap) { return PixmapMapping{std::move(pixmap)}; }),
             py::arg("pixmap"));
    py::class_<CallbackMapping>(module, "CallbackMapping")
        .def(py::init([](py::function function, Index nx) {
                 return CallbackMapping{std::move(function), nx};
             }),
             py::arg("function"), py::arg("nx"));
    define_blot<NodeMapping>(module);
    define_blot<PixmapMapping>(module);
    define_blot<CallbackMapping>(module);
    module.def(
        "validate",
        [](const std::string& interp, double sinscl, double exptime, double pix_ratio,
           const std::string& classic) {
            cblot::validate(options_of(interp, sinscl, exptime, pix_ratio, classic));
        },
        py::kw_only(), py::arg("interp"), py::arg("sinscl"), py::arg("exptime"),
        py::arg("pix_ratio"), py::arg("classic"),
        "Raise CoreError for options that can't be used.");
    module.def(
        "resolve_isa",
        [](const std::string& name) {
            const auto isa = name.empty() ? cblot::Isa::best : cblot::isa_from_name(name);
            return std::string(cblot::isa_name(cblot::resolve(isa)));
        },
        py::arg("name"), "Name of the instruction set to use; '' stands for the best there is.");
    module.def(
        "available_isas",
        [] {
            std::vector<std::string> names;
            for (const auto isa : {cblot::Isa::baseline, cblot::Isa::avx2, cblot::Isa::avx512}) {
                if (cblot::available(isa)) {
                    names.emplace_back(cblot::isa_name(isa));
                }
            }
            return names;
        },
        "Names of the instruction sets of this machine and build.");
    module.attr("compiler") = CBLOT_COMPILER;
    module.def("kernel_names", &cblot::kernel_names, "Names of the interpolants.");
}
