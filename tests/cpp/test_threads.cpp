// Threads, the library's and a host's, and functions of a caller's that throw.
#include <doctest/doctest.h>

#include <atomic>
#include <stdexcept>
#include <thread>

#include "images.hpp"

namespace {

const Index kNy = 700, kNx = 900;

struct Scene {
    Image<float> source = noise<float>(kNy, kNx);
    Positions positions{kNy, kNx, -3.2, -1.1, 1.003, 0.004};
    cblot::Mapping mapping = positions.mapping();

    std::vector<float> blot(const cblot::Options& options) const {
        Image<float> out(kNy, kNx);
        cblot::blot<float, float>(source.cview(), mapping, out.view(), options);
        return out.memory;
    }
};

/// A host's threads, made anew for each call, that do tasks backwards.
class Threads : public cblot::Executor {
  public:
    int concurrency() const override { return 5; }

    void run(int count, void (*task)(void*, int), void* context) override {
        std::vector<std::thread> pool;
        for (int k = count - 1; k >= 0; --k) {
            pool.emplace_back(task, context, k);
        }
        for (std::thread& thread : pool) {
            thread.join();
        }
        ++calls;
    }

    int calls = 0;
};

/// A host that does nothing, or all in the calling thread.
class Inline : public cblot::Executor {
  public:
    explicit Inline(int tasks) : tasks_(tasks) {}
    int concurrency() const override { return 3; }
    void run(int count, void (*task)(void*, int), void* context) override {
        for (int k = 0; k < std::min(count, tasks_); ++k) {
            task(context, k);
        }
    }

  private:
    int tasks_;
};

}  // namespace

TEST_CASE("a host's threads give the same bits") {
    const Scene scene;
    for (const auto kernel : kKernels) {
        cblot::Options options;
        options.kernel = kernel;
        const auto expected = scene.blot(options);
        Threads threads;
        options.executor = &threads;
        CHECK(scene.blot(options) == expected);
        CHECK(threads.calls == 1);
        for (const int tasks : {0, 1, 100}) {
            Inline host(tasks);
            options.executor = &host;
            CHECK(scene.blot(options) == expected);
        }
    }
}

TEST_CASE("many calls at once") {
    const Scene scene;
    cblot::Options options;
    options.threads = 2;
    const auto expected = scene.blot(options);
    std::atomic<int> same{0};
    std::vector<std::thread> pool;
    for (int k = 0; k < 8; ++k) {
        pool.emplace_back([&] { same += scene.blot(options) == expected; });
    }
    for (std::thread& thread : pool) {
        thread.join();
    }
    CHECK(same == 8);
}

TEST_CASE("a poll is called in the calling thread, and stops the call by throwing") {
    const Scene scene;
    struct State {
        std::thread::id caller = std::this_thread::get_id();
        int calls = 0, last = 1 << 30;
        bool elsewhere = false;
    } state;
    cblot::Options options;
    options.threads = 4;
    options.poll_context = &state;
    options.poll = [](void* context) {
        auto& own = *static_cast<State*>(context);
        own.elsewhere = own.elsewhere || std::this_thread::get_id() != own.caller;
        if (++own.calls > own.last) {
            throw std::runtime_error("enough");
        }
    };
    scene.blot(options);
    CHECK(state.calls > 0);
    CHECK(!state.elsewhere);
    state.last = state.calls = 0;
    CHECK_THROWS_WITH_AS(scene.blot(options), "enough", std::runtime_error);
}

TEST_CASE("a callback's exception is passed on, and it is asked in the calling thread only") {
    Scene scene;
    const auto caller = std::this_thread::get_id();
    bool elsewhere = false;
    Index rows = 0;
    scene.mapping = cblot::CallbackMapping{[&](Index begin, Index end, double* x, double* y) {
        elsewhere = elsewhere || std::this_thread::get_id() != caller;
        rows += end - begin;
        std::fill(x, x + (end - begin) * kNx, 3.0);
        std::fill(y, y + (end - begin) * kNx, 4.0);
    }};
    cblot::Options options;
    options.threads = 4;
    CHECK(scene.blot(options)[77] == scene.source.cview()(4, 3));
    CHECK(rows == kNy);
    CHECK(!elsewhere);
    scene.mapping = cblot::CallbackMapping{
        [](Index, Index, double*, double*) { throw std::out_of_range("mine"); }};
    CHECK_THROWS_WITH_AS(scene.blot(options), "mine", std::out_of_range);
}
