// Threads that are ended in the middle of a call.
#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "cblot/blot.h"
#include "images.hpp"
#include "parallel.hpp"

#if defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__)
#include <pthread.h>

TEST_CASE("a thread that is cancelled in the middle of a call ends, and the call's threads too") {
    struct Call {
        Image<float> source = noise<float>(700, 700);
        Positions positions{700, 700, 0.25, 0.5};
        Image<float> out{700, 700};
        int threads = 1;
        bool in_c = false;
        std::atomic<int> polls{0}, unwound{0}, returned{0};

        static void* run(void* self) {
            static_cast<Call*>(self)->blot();
            return nullptr;
        }

        void blot() {
            struct Unwound {
                std::atomic<int>& count;
                ~Unwound() { ++count; }
            } mark{unwound};
            const auto end = [](void* context) {
                ++static_cast<Call*>(context)->polls;
                pthread_exit(nullptr);
            };
            if (!in_c) {
                cblot::Options options;
                options.threads = threads;
                options.poll = end;
                options.poll_context = this;
                cblot::blot<float, float>(source.cview(), positions.mapping(), out.view(), options);
            } else {
                cblot_options options;
                cblot_default_options(&options);
                options.threads = threads;
                options.poll = [](void* context) {
                    ++static_cast<Call*>(context)->polls;
                    pthread_exit(nullptr);
                    return 0;
                };
                options.poll_context = this;
                const cblot_image from{source.memory.data(), CBLOT_FLOAT, 700, 700, 700, 1};
                cblot_image to{out.memory.data(), CBLOT_FLOAT, 700, 700, 700, 1};
                cblot_mapping mapping;
                cblot_default_mapping(&mapping);
                mapping.kind = CBLOT_PIXMAP;
                mapping.x = {positions.x.memory.data(), CBLOT_DOUBLE, 700, 700, 700, 1};
                mapping.y = {positions.y.memory.data(), CBLOT_DOUBLE, 700, 700, 700, 1};
                cblot_blot(&from, &mapping, &to, &options, nullptr, nullptr, 0);
            }
            ++returned;
        }
    };
    for (const bool in_c : {false, true}) {
        for (const int threads : {1, 4}) {
            Call call;
            call.threads = threads;
            call.in_c = in_c;
            pthread_t thread;
            REQUIRE(pthread_create(&thread, nullptr, &Call::run, &call) == 0);
            REQUIRE(pthread_join(thread, nullptr) == 0);
            CHECK(call.polls == 1);
            CHECK(call.unwound == 1);
            CHECK(call.returned == 0);
        }
    }
}

TEST_CASE("a thread that is cancelled while it waits for the call's threads ends after them") {
    struct Call {
        std::atomic<bool> begun{false}, released{false};
        std::atomic<int> workers_ended{0}, unwound{0}, returned{0};
        cblot::Index result = 0;

        static void* run(void* self) {
            static_cast<Call*>(self)->work();
            return nullptr;
        }

        void work() {
            struct Unwound {
                std::atomic<int>& count;
                ~Unwound() { ++count; }
            } mark{unwound};
            const auto caller = std::this_thread::get_id();
            // Its own tile is done once the other thread is at work on the other.
            const auto make_worker = [&] {
                return [&](const cblot::Box& tile) {
                    begun = begun || std::this_thread::get_id() != caller;
                    while (std::this_thread::get_id() == caller ? !begun : !released) {
                        std::this_thread::yield();
                    }
                    workers_ended += std::this_thread::get_id() != caller;
                    return tile.height() * tile.width();
                };
            };
            const cblot::Index width = cblot::kPixelsPerThread;
            result =
                cblot::for_tiles({0, 2, 0, width}, {1, width}, 2, cblot::Options(), make_worker);
            ++returned;
            pthread_testcancel();  // which it had to wait for
            ++returned;
        }
    } call;
    pthread_t thread;
    REQUIRE(pthread_create(&thread, nullptr, &Call::run, &call) == 0);
    while (!call.begun) {
        std::this_thread::yield();
    }
    const std::chrono::milliseconds moment(50);
    std::this_thread::sleep_for(moment);  // for it to wait
    pthread_cancel(thread);
    std::this_thread::sleep_for(moment);  // for what must not happen
    CHECK(call.unwound == 0);
    call.released = true;
    void* end = nullptr;
    REQUIRE(pthread_join(thread, &end) == 0);
    CHECK(end == PTHREAD_CANCELED);
    CHECK(call.workers_ended == 1);
    CHECK(call.result == 2 * cblot::kPixelsPerThread);
    CHECK(call.returned == 1);
    CHECK(call.unwound == 1);
}
#endif
