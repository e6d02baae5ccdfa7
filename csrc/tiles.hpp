// Cuts an output into tiles of whole rows and has threads work on them.
#pragma once

#include <algorithm>
#include <atomic>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "job.hpp"

namespace cblot {

/// Below this many output pixels a thread, starting one costs more than it gives.
inline constexpr Index kPixelsPerThread = 1 << 17;

/// Tiles of a call, handed out in order; the first exception ends the call.
class TileQueue {
  public:
    TileQueue(Index ny, Index nx, Index tile_pixels)
        : ny_(ny), nx_(nx), rows_(std::max<Index>(1, tile_pixels / nx)) {}

    Index size() const { return (ny_ + rows_ - 1) / rows_; }

    /// Works until there are no more tiles; returns how many pixels were covered.
    template <class Worker>
    Index run(Worker& worker, const std::function<void()>& poll) noexcept {
        Index covered = 0;
        try {
            for (;;) {
                if (poll) {
                    poll();
                }
                const Index begin = next_.fetch_add(1) * rows_;
                if (begin >= ny_ || stop_) {
                    return covered;
                }
                covered += worker(Box{begin, std::min(begin + rows_, ny_), 0, nx_});
            }
        } catch (...) {
            stop_ = true;
            const std::lock_guard<std::mutex> lock(mutex_);
            if (!error_) {
                error_ = std::current_exception();
            }
        }
        return covered;
    }

    void rethrow() const {
        if (error_) {
            std::rethrow_exception(error_);
        }
    }

  private:
    Index ny_, nx_, rows_;
    std::atomic<Index> next_{0};
    std::atomic<bool> stop_{false};
    std::mutex mutex_;
    std::exception_ptr error_;
};

/// Runs make_worker()(tile) for all tiles, a worker for each thread, polling in the calling thread;
/// adds up what the workers return.
template <class MakeWorker>
Index for_tiles(Index ny, Index nx, Index tile_pixels, int threads,
                const std::function<void()>& poll, const MakeWorker& make_worker) {
    TileQueue queue(ny, nx, tile_pixels);
    const Index useful = std::min(queue.size(), ny * nx / kPixelsPerThread + 1);
    const std::size_t helpers = std::size_t(std::clamp<Index>(threads, 1, useful)) - 1;
    std::vector<Index> covered(helpers + 1, 0);
    std::vector<std::thread> pool;
    pool.reserve(helpers);
    try {
        for (std::size_t t = 1; t <= helpers; ++t) {
            pool.emplace_back([&queue, &covered, &make_worker, t] {
                auto worker = make_worker();
                covered[t] = queue.run(worker, nullptr);
            });
        }
    } catch (const std::exception&) {
        // No more threads, or no memory for them: those there are do the work.
    }
    auto worker = make_worker();
    covered[0] = queue.run(worker, poll);
    for (std::thread& thread : pool) {
        thread.join();
    }
    queue.rethrow();
    Index total = 0;
    for (const Index count : covered) {
        total += count;
    }
    return total;
}

}  // namespace cblot
