// NumPy arrays to views of the memory they have, and keep for a call. Part of the extension.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <cstdint>
#include <string>
#include <type_traits>
#include <vector>

#include "cblot/view.hpp"

namespace cblot::python {

namespace py = pybind11;

/// Whether an array holds native values of this type. Equal dtypes need not be one object.
template <class Value>
bool has_type(const py::array& array) {
    return array.dtype().equal(py::dtype::of<Value>());
}

/// Views are borrowed from arrays that the Python layer has already brought into shape; what is
/// checked here are the assumptions that memory safety rests on.
template <class T>
View2D<T> plane_of(const py::array& array, const char* name, Index plane = 0) {
    using Value = std::remove_const_t<T>;
    const bool planes = array.ndim() == 3;
    if (!has_type<Value>(array)) {
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
    if (!std::is_const_v<T> && !array.writeable()) {
        throw py::value_error(std::string(name) + " is read-only");
    }
    Value* data = static_cast<Value*>(const_cast<void*>(array.data())) + offset;
    return {data, array.shape(0), array.shape(1), array.strides(0) / item, array.strides(1) / item};
}

/// The array, or a copy that is aligned: one out of a pickle may lie anywhere in a message's bytes.
inline py::array aligned(const py::handle& given) {
    auto array = given.cast<py::array>();
    const bool lies_well = (array.flags() & py::detail::npy_api::NPY_ARRAY_ALIGNED_) != 0;
    return lies_well ? array : array.attr("copy")().cast<py::array>();
}

/// Keeps arrays in their memory while views of it are used: NumPy does not resize an array, not
/// even with refcheck=False, that has a weak reference. An array may be a view of another's memory,
/// as it is or by a memoryview; what else a memoryview is of does not move under it.
class Held {
  public:
    template <class... Arrays>
    explicit Held(const Arrays&... arrays) {
        (add(arrays), ...);
    }

    /// Whether the memory is kept: of that of an unknown kind of object it can't be.
    bool add(const py::array& array) {
        references_.emplace_back(py::handle(array));
        py::handle base = array.base();
        const bool viewed = base && PyMemoryView_Check(base.ptr());
        if (viewed) {
            base = PyMemoryView_GET_BASE(base.ptr());
        }
        if (base && py::isinstance<py::array>(base)) {
            return add(py::reinterpret_borrow<py::array>(base));
        }
        return viewed || !base || PyBytes_CheckExact(base.ptr());
    }

  private:
    std::vector<py::weakref> references_;
};

}  // namespace cblot::python
