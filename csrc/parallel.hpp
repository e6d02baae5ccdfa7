// Cuts a region of the output into tiles of whole rows and has threads work on them.
#pragma once

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

#include "cblot/blot.hpp"
#include "unwind.hpp"

namespace cblot {

/// Below this many output pixels a thread, starting one costs more than it gives.
inline constexpr Index kPixelsPerThread = 1 << 17;

/// Tiles of a call, handed out in order; the first exception ends the call.
class TileQueue {
  public:
    /// `rows` are those of a tile.
    TileQueue(const Box& region, Index rows) : region_(region), rows_(rows) {}

    Index size() const { return (region_.height() + rows_ - 1) / rows_; }

    /// Works until there are no more tiles, with a worker of its own; polls where that is asked
    /// for.
    template <class MakeWorker>
    void run(const MakeWorker& make_worker, const Options* poll) {
        try {
            auto worker = make_worker();
            for (;;) {
                if (poll != nullptr && poll->poll != nullptr) {
                    poll->poll(poll->poll_context);
                }
                const Index begin = region_.y0 + next_.fetch_add(1) * rows_;
                if (begin >= region_.y1 || stop_) {
                    return;
                }
                covered_ +=
                    worker(Box{begin, std::min(begin + rows_, region_.y1), region_.x0, region_.x1});
            }
        }
        CBLOT_PASS_ON_FORCED_UNWINDING catch (...) {
            stop();
            const std::lock_guard<std::mutex> lock(mutex_);
            if (!error_) {
                error_ = std::current_exception();
            }
        }
    }

    /// No more tiles for anyone.
    void stop() { stop_ = true; }

    /// How many pixels are covered, or the exception that ended the call.
    Index result() const {
        if (error_) {
            std::rethrow_exception(error_);
        }
        return covered_;
    }

  private:
    Box region_;
    Index rows_;
    std::atomic<Index> next_{0}, covered_{0};
    std::atomic<bool> stop_{false};
    std::mutex mutex_;
    std::exception_ptr error_;
};

/// Rows of a tile of so many pixels, of rows of a width.
inline Index rows_of(Index tile_pixels, Index width) {
    return std::max<Index>(1, tile_pixels / width);
}

/// Threads of a call, which ends when they have: at once if it is left by an exception or because
/// its thread is ended.
class Pool {
  public:
    explicit Pool(TileQueue& queue) : queue_(queue) {}

    Pool(const Pool&) = delete;
    Pool& operator=(const Pool&) = delete;

    ~Pool() {
        queue_.stop();
        join();
    }

    template <class Task>
    void start(int count, const Task& task) {
        try {
            threads_.reserve(std::size_t(count));
            for (int k = 0; k < count; ++k) {
                threads_.emplace_back(task, k + 1);
            }
        } catch (const std::exception&) {
            // No more threads, or no memory for them: those there are do the work.
        }
    }

    void join() {
        const NotCancelled here;  // a thread whose joining is broken off can't be joined again
        for (std::thread& thread : threads_) {
            thread.join();
        }
        threads_.clear();
    }

  private:
    TileQueue& queue_;
    std::vector<std::thread> threads_;
};

/// Threads that a call may use, its own included.
inline int threads_of(const Options& options, bool single_thread) {
    if (single_thread) {
        return 1;
    }
    return std::max(
        1, options.executor != nullptr ? options.executor->concurrency() : options.threads);
}

/// Tasks that a call is worth, of as many threads.
inline int tasks_of(const Box& region, Index rows, int threads) {
    const Index useful = std::min(TileQueue(region, rows).size(),
                                  region.height() * region.width() / kPixelsPerThread + 1);
    return int(std::clamp<Index>(threads, 1, useful));
}

/// Runs make_worker()(tile) for all tiles of so many rows, a worker for each thread, polling in the
/// calling thread; adds up what the workers return.
template <class MakeWorker>
Index for_tiles(const Box& region, Index rows, int threads, const Options& options,
                const MakeWorker& make_worker) {
    TileQueue queue(region, rows);
    const int count = tasks_of(region, rows, threads);
    const auto caller = std::this_thread::get_id();
    auto task = [&](int) {
        queue.run(make_worker, std::this_thread::get_id() == caller ? &options : nullptr);
    };
    if (options.executor != nullptr && count > 1) {
        using Task = decltype(task);
        options.executor->run(
            count, [](void* context, int k) { (*static_cast<Task*>(context))(k); }, &task);
        task(0);  // should the host have left something
        return queue.result();
    }
    Pool pool(queue);
    pool.start(count - 1, task);
    task(0);
    pool.join();
    return queue.result();
}

}  // namespace cblot
