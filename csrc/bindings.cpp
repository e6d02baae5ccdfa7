// What Python sees of the core. Only this file and those called python_* know Python.
#include <pybind11/functional.h>
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "cblot/blot.h"
#include "cblot/blot.hpp"
#include "file_window.hpp"
#include "node_bend.hpp"
#include "python_arrays.hpp"
#include "python_gil.hpp"
#include "python_options.hpp"

namespace py = pybind11;

namespace {

using namespace cblot::python;
using cblot::Index;

/// A node grid: x and y of shape (rows, columns), float64; cells that are given pixel by pixel, if
/// any, as (cells, patch x, patch y): int32 of shape (rows - 1, columns - 1) and two of float64.
struct NodeMapping {
    using Patches = std::optional<std::array<py::array, 3>>;

    py::array x, y;
    Index step;
    Patches patches;

    cblot::Mapping view() const {
        cblot::NodeMapping nodes{plane_of<const double>(x, "node x"),
                                 plane_of<const double>(y, "node y"), step};
        if (patches) {
            nodes.cells = plane_of<const std::int32_t>((*patches)[0], "cells");
            nodes.patch_x = plane_of<const double>((*patches)[1], "patch x");
            nodes.patch_y = plane_of<const double>((*patches)[2], "patch y");
        }
        return nodes;
    }

    static NodeMapping aligned_of(const py::tuple& state) {
        NodeMapping self{aligned(state[0]), aligned(state[1]), state[2].cast<Index>(),
                         state[3].cast<Patches>()};
        if (self.patches) {
            for (py::array& array : *self.patches) {
                array = aligned(array);
            }
        }
        return self;
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

    /// Takes back the GIL that the call gives away.
    cblot::Mapping view(Index frame_nx, std::optional<Released>& gil) const {
        if (frame_nx != nx) {
            throw py::value_error("the mapping's rows have " + std::to_string(nx) +
                                  " columns, the output's " + std::to_string(frame_nx));
        }
        // Only pointers cross to the GIL-free side; the mapping outlives the call.
        PyObject* const callable = function.ptr();
        const Index columns = nx;
        return cblot::CallbackMapping{[callable, columns, &gil](Index begin, Index end, double* x,
                                                                double* y) {
            const Released::Taken taken(*gil);
            const Index rows = end - begin;
            // Arrays of their own: a callback may keep them, the core's buffers end with
            // the call.
            const py::array_t<double> px({rows, columns}), qy({rows, columns});
            const Held held(px, qy);
            const py::tuple arguments = py::make_tuple(begin, end, px, qy);
            PyObject* const answer =
                or_wait_for_exit([&] { return PyObject_Call(callable, arguments.ptr(), nullptr); });
            if (answer == nullptr) {
                throw py::error_already_set();
            }
            Py_DECREF(answer);
            std::copy_n(px.data(), rows * columns, x);
            std::copy_n(qy.data(), rows * columns, y);
        }};
    }
};

/// Coefficients of an exact mapping. A projection is (crpix_x, crpix_y, cd11, cd12, cd21, cd22,
/// lon, lat); a table is (values, crpix, crval, cdelt), its values float32, the rest pairs (x, y);
/// polynomials are (a, b, crpix), two square float64 arrays and a pair.
class ExactMapping {
  public:
    using Projection = std::array<double, 8>;
    using Pair = std::array<double, 2>;
    using Table = std::optional<std::tuple<py::array, Pair, Pair, Pair>>;
    using Sip = std::optional<std::tuple<py::array, py::array, Pair>>;

    ExactMapping(const Projection& exposure, const Projection& source, const Sip& sip,
                 const Table& detector_x, const Table& detector_y, const Table& table_x,
                 const Table& table_y)
        : arguments_(py::make_tuple(exposure, source, own(sip), own(detector_x), own(detector_y),
                                    own(table_x), own(table_y))) {
        mapping_.exposure = projection(exposure);
        mapping_.source = projection(source);
        if (const auto polynomials = arguments_[2].cast<Sip>()) {
            const auto& [a, b, crpix] = *polynomials;
            mapping_.sip = cblot::SipPolynomials{int(a.shape(0)) - 1,
                                                 int(b.shape(0)) - 1,
                                                 coefficients(a),
                                                 coefficients(b),
                                                 crpix[0],
                                                 crpix[1]};
        }
        mapping_.detector_x = table(arguments_[3]);
        mapping_.detector_y = table(arguments_[4]);
        mapping_.table_x = table(arguments_[5]);
        mapping_.table_y = table(arguments_[6]);
    }

    cblot::Mapping view() const { return mapping_; }

    /// What it was made with, in arrays of its own.
    const py::tuple& arguments() const { return arguments_; }

    /// x and y, two arrays of one shape, are filled with the positions of the nodes.
    void nodes(py::array x, py::array y, Index step, const py::kwargs& given) const {
        const cblot::Options options = options_of(given);
        const auto to_x = plane_of<double>(x, "x"), to_y = plane_of<double>(y, "y");
        const Held held(x, y);
        const Released released;
        cblot::nodes(mapping_, step, to_x, to_y, options);
    }

    /// x and y, contiguous, are replaced.
    void positions_at(py::array_t<double, py::array::c_style>& x,
                      py::array_t<double, py::array::c_style>& y, const py::kwargs& given) const {
        if (x.size() != y.size()) {
            throw py::value_error("x and y must be of one size");
        }
        const cblot::Options options = options_of(given);
        double *px = x.mutable_data(), *py = y.mutable_data();
        const Index count = x.size();
        const Held held(x, y);
        const Released released;
        cblot::positions_at(mapping_, count, px, py, options);
    }

  private:
    static cblot::TanProjection projection(const Projection& p) {
        return {p[0], p[1], p[2], p[3], p[4], p[5], p[6], p[7]};
    }

    // Copies: the caller's arrays may change, or be resized, in the mapping's life.
    static py::array own(const py::array& array) { return array.attr("copy")(); }

    static Sip own(Sip sip) {
        if (sip) {
            std::get<0>(*sip) = own(std::get<0>(*sip));
            std::get<1>(*sip) = own(std::get<1>(*sip));
        }
        return sip;
    }

    static Table own(Table table) {
        if (table) {
            std::get<0>(*table) = own(std::get<0>(*table));
        }
        return table;
    }

    static std::vector<double> coefficients(const py::array& square) {
        const auto view = plane_of<const double>(square, "SIP coefficients");
        std::vector<double> values;
        for (Index p = 0; p < view.ny; ++p) {
            for (Index q = 0; q < view.nx; ++q) {
                values.push_back(view(p, q));
            }
        }
        return values;
    }

    std::optional<cblot::DistortionTable> table(const py::handle& argument) {
        const auto given = argument.cast<Table>();
        if (!given) {
            return std::nullopt;
        }
        const auto& [values, crpix, crval, cdelt] = *given;
        held_.add(values);
        return cblot::DistortionTable{plane_of<const float>(values, "distortion table"),
                                      crpix[0],
                                      crpix[1],
                                      crval[0],
                                      crval[1],
                                      cdelt[0],
                                      cdelt[1]};
    }

    py::tuple arguments_;
    cblot::ExactMapping mapping_;
    Held held_;  // tables of arguments_, which mapping_ has views of
};

/// A mapping as the core takes it, for an output of nx columns, of a call that gives the GIL away.
template <class PyMapping>
cblot::Mapping view_of(const PyMapping& mapping, Index, std::optional<Released>&) {
    return mapping.view();
}

cblot::Mapping view_of(const CallbackMapping& mapping, Index nx, std::optional<Released>& gil) {
    return mapping.view(nx, gil);
}

/// Keeps a mapping's arrays where they are.
void hold(const NodeMapping& mapping, Held& held) {
    held.add(mapping.x);
    held.add(mapping.y);
    if (mapping.patches) {
        for (const py::array& array : *mapping.patches) {
            held.add(array);
        }
    }
}
void hold(const PixmapMapping& mapping, Held& held) { held.add(mapping.pixmap); }
void hold(const ExactMapping&, Held&) {}  // its tables are its own
void hold(const CallbackMapping&, Held&) {}

/// Has the core work without the GIL, on a mapping of an output of nx columns and on arrays that
/// are held: run(mapping).
template <class PyMapping, class Run>
auto without_gil(const PyMapping& mapping, Index nx, Held& held, cblot::Options& options,
                 const Run& run) {
    hold(mapping, held);
    SignalPoll poll;
    options.poll = SignalPoll::call;
    options.poll_context = &poll;
    std::optional<Released> released;
    const cblot::Mapping view = view_of(mapping, nx, released);
    released.emplace();
    poll.bind(*released);
    return run(view);
}

/// (y0, x0, ny, nx) of a window, or none where an array is the whole image.
using Place = std::optional<std::array<Index, 4>>;

template <class T>
cblot::Window<T> window_of(const py::array& array, const char* name, const Place& place) {
    const auto view = plane_of<T>(array, name);
    return place ? cblot::Window<T>{view, (*place)[0], (*place)[1], (*place)[2], (*place)[3]}
                 : cblot::Window<T>{view, 0, 0, view.ny, view.nx};
}

template <class Source, class Out, class PyMapping>
Index blot_typed(const py::array& source, const Place& source_place, const py::array& out,
                 const Place& out_place, const PyMapping& mapping, cblot::Options& options) {
    Held held(out);
    // A caller's function could free what is not held.
    const bool stays = held.add(source) || !std::is_same_v<PyMapping, CallbackMapping>;
    const py::array kept = stays ? source : source.attr("copy")().cast<py::array>();
    const auto from = window_of<const Source>(kept, "source", source_place);
    const auto to = window_of<Out>(out, "out", out_place);
    return without_gil(mapping, to.nx, held, options, [&](const cblot::Mapping& view) {
        return cblot::blot_window<Source, Out>(from, view, to, options);
    });
}

template <class PyMapping>
Index blot(const py::array& source, const py::array& out, const PyMapping& mapping,
           const Place& source_place, const Place& out_place, const py::kwargs& given) {
    cblot::Options options = options_of(given);
    const bool single = has_type<float>(source);
    const bool to_single = has_type<float>(out);
    const auto run = [&](auto function) {
        return function(source, source_place, out, out_place, mapping, options);
    };
    if (single) {
        return to_single ? run(&blot_typed<float, float, PyMapping>)
                         : run(&blot_typed<float, double, PyMapping>);
    }
    return to_single ? run(&blot_typed<double, float, PyMapping>)
                     : run(&blot_typed<double, double, PyMapping>);
}

/// (y0, y1, x0, x1) of the source pixels that a region, of that form too, of an output depends on.
template <class PyMapping>
std::array<Index, 4> source_box(const PyMapping& mapping, const std::array<Index, 2>& shape,
                                const std::array<Index, 4>& region,
                                const std::array<Index, 2>& source_shape, const py::kwargs& given) {
    cblot::Options options = options_of(given);
    Held held;
    const auto box = without_gil(mapping, shape[1], held, options, [&](const cblot::Mapping& view) {
        return cblot::source_box(view, shape[0], shape[1],
                                 {region[0], region[1], region[2], region[3]}, source_shape[0],
                                 source_shape[1], options);
    });
    return {box.y0, box.y1, box.x0, box.x1};
}

template <class PyMapping>
void positions(const PyMapping& mapping, py::array pixmap, double origin, const py::kwargs& given) {
    cblot::Options options = options_of(given);
    const auto x = plane_of<double>(pixmap, "pixmap", 0), y = plane_of<double>(pixmap, "pixmap", 1);
    Held held(pixmap);
    without_gil(mapping, x.nx, held, options,
                [&](const cblot::Mapping& view) { cblot::positions(view, origin, x, y, options); });
}

#ifdef CBLOT_HAS_FILE_WINDOW
/// Fills `to`, contiguous, from a file of big-endian numbers; `offset` is that of its first pixel.
template <class T>
void read_file_window(int fd, std::uint64_t offset, Index stride,
                      py::array_t<T, py::array::c_style>& to) {
    T* const values = to.mutable_data();
    const auto rows = std::size_t(to.shape(0)), columns = std::size_t(to.shape(1));
    const Held held(to);
    SignalPoll poll;
    try {
        Released released;
        poll.bind(released);
        cblot::read_file_window(fd, offset, std::size_t(stride), rows, columns, values, poll);
    } catch (const std::system_error& error) {
        if (error.code().value() == 0) {
            PyErr_SetString(PyExc_EOFError, "the file ends before the image does");
        } else {
            errno = error.code().value();
            PyErr_SetFromErrno(PyExc_OSError);
        }
        throw py::error_already_set();
    }
}
#endif

template <class PyMapping>
void define_blot(py::module_& module) {
    module.def("blot", &blot<PyMapping>, py::arg("source"), py::arg("out"), py::arg("mapping"),
               py::kw_only(), py::arg("source_place"), py::arg("out_place"),
               "Blot source into out through mapping; returns the number of covered pixels.");
    module.def("source_box", &source_box<PyMapping>, py::arg("mapping"), py::kw_only(),
               py::arg("shape"), py::arg("region"), py::arg("source_shape"),
               "The box of source pixels that a region of the output depends on.");
    module.def("positions", &positions<PyMapping>, py::arg("mapping"), py::arg("pixmap"),
               py::kw_only(), py::arg("origin"),
               "Fill pixmap (ny, nx, 2) with the source positions of all pixels, plus origin.");
}

/// Copied, unless its rows are dense.
using Table = py::array_t<float, py::array::c_style | py::array::forcecast>;

}  // namespace

PYBIND11_MODULE(_core, module, py::mod_gil_not_used()) {
    module.doc() = "The compiled core of cblot.";
    threading_module() = py::module_::import("threading").release();
    py::register_exception<cblot::Error>(module, "CoreError", PyExc_ValueError);
    py::class_<NodeMapping>(module, "NodeMapping")
        .def(py::init([](py::array x, py::array y, Index step, NodeMapping::Patches patches) {
                 return NodeMapping{std::move(x), std::move(y), step, std::move(patches)};
             }),
             py::arg("x"), py::arg("y"), py::arg("step"), py::arg("patches") = py::none())
        .def_readonly("x", &NodeMapping::x)
        .def_readonly("y", &NodeMapping::y)
        .def_readonly("step", &NodeMapping::step)
        .def(
            "bend",
            [](const NodeMapping& self) {
                return cblot::greatest_bend(plane_of<const double>(self.x, "node x"),
                                            plane_of<const double>(self.y, "node y"));
            },
            "Greatest second difference of neighbouring nodes; NaN where one is not finite.")
        .def(py::pickle(
            [](const NodeMapping& self) {
                return py::make_tuple(self.x, self.y, self.step, self.patches);
            },
            &NodeMapping::aligned_of));
    py::class_<PixmapMapping>(module, "PixmapMapping")
        .def(py::init([](py::array pixmap) { return PixmapMapping{std::move(pixmap)}; }),
             py::arg("pixmap"))
        .def(py::pickle([](const PixmapMapping& self) { return py::make_tuple(self.pixmap); },
                        [](const py::tuple& state) { return PixmapMapping{aligned(state[0])}; }));
    py::class_<CallbackMapping>(module, "CallbackMapping")
        .def(py::init([](py::function function, Index nx) {
                 return CallbackMapping{std::move(function), nx};
             }),
             py::arg("function"), py::arg("nx"));
    using Exact = ExactMapping;
    py::class_<Exact>(module, "ExactMapping")
        .def(py::init<const Exact::Projection&, const Exact::Projection&, const Exact::Sip&,
                      const Exact::Table&, const Exact::Table&, const Exact::Table&,
                      const Exact::Table&>(),
             py::kw_only(), py::arg("exposure"), py::arg("source"), py::arg("sip"),
             py::arg("detector_x"), py::arg("detector_y"), py::arg("table_x"), py::arg("table_y"))
        .def(py::pickle([](const Exact& self) { return self.arguments(); },
                        [](const py::tuple& state) {
                            return Exact(
                                state[0].cast<Exact::Projection>(),
                                state[1].cast<Exact::Projection>(), state[2].cast<Exact::Sip>(),
                                state[3].cast<Exact::Table>(), state[4].cast<Exact::Table>(),
                                state[5].cast<Exact::Table>(), state[6].cast<Exact::Table>());
                        }))
        .def("nodes", &Exact::nodes, py::arg("x"), py::arg("y"), py::kw_only(), py::arg("step"),
             "Fill x and y with the FITS source positions of a grid of nodes.")
        .def("positions_at", &Exact::positions_at, py::arg("x").noconvert(),
             py::arg("y").noconvert(),
             "Replace FITS output positions by 0-based source positions.");
    module.def("node_count", &cblot_node_count, py::arg("step"), py::arg("n"),
               "Rows, or columns, of the nodes of an output of n pixels along that axis.");
    module.def("patch_size", &cblot_patch_size, py::arg("step"), py::arg("n"),
               "Height, or width, of a patch of an output of n pixels along that axis.");
    module.def(
        "greatest_roughness",
        [](const Table& table, Index n, bool down) {
            if (n < 1) {
                throw py::value_error("n must be at least 1, got " + std::to_string(n));
            }
            return cblot::greatest_roughness(plane_of<const float>(table, "table"), n, down);
        },
        py::arg("table"), py::arg("n"), py::arg("down"),
        "How far elements of a table are from the means of every n-th along x, or along y.");
    module.def(
        "greatest_kink",
        [](const Table& table, bool down) {
            return cblot::greatest_kink(plane_of<const float>(table, "table"), down);
        },
        py::arg("table"), py::arg("down"),
        "How much a table's step from an element to the next changes, along x, or along y.");
    define_blot<ExactMapping>(module);
    define_blot<NodeMapping>(module);
    define_blot<PixmapMapping>(module);
    define_blot<CallbackMapping>(module);
    module.def(
        "validate", [](const py::kwargs& given) { cblot::validate(options_of(given)); },
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
#ifdef CBLOT_HAS_FILE_WINDOW
    module.def("read_file_window", &read_file_window<float>, py::arg("fd"), py::arg("offset"),
               py::arg("stride"), py::arg("to").noconvert(),
               "Fill an array with a window of an image of big-endian numbers in a file.");
    module.def("read_file_window", &read_file_window<double>, py::arg("fd"), py::arg("offset"),
               py::arg("stride"), py::arg("to").noconvert());
#endif
    module.attr("compiler") = CBLOT_COMPILER;
    module.def("kernel_names", &cblot::kernel_names, "Names of the interpolants.");
}
