// The mappings that there are. Compiled once, and once more for each instruction set, for the
// functions that make positions.
#include "mapping_files.hpp"  // all of csrc/mapping
#include "source_box.hpp"

#ifndef CBLOT_ISA
namespace cblot {

namespace {

template <class Given>
class HeldMapping : public Mapping::Held {
  public:
    explicit HeldMapping(Given given) : given_(std::move(given)) {}

    std::unique_ptr<const PlannedMapping> plan(const Frame& frame) const override {
        return plan_of(given_, frame);
    }

    void check_output(const Footprint& out, const char* name) const override {
        check_memory(given_, out, name);
    }

  private:
    Given given_;
};

}  // namespace

template <class Given, class>
Mapping::Mapping(Given given) : held_(std::make_shared<HeldMapping<Given>>(std::move(given))) {}

#define CBLOT_INSTANTIATE(Given) template CBLOT_API Mapping::Mapping(Given);
CBLOT_MAPPINGS(CBLOT_INSTANTIATE)

}  // namespace cblot
#endif
