// Cuts a region of the output into tiles and has threads work on them.
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

/// Rows and columns of a tile; the last ones of a region may have fewer.
struct TileShape {
    Index rows, columns;
};

inline Index tiles_of(const Box& region, const TileShape& shape) {
    return ((region.height() + shape.rows - 1) / shape.rows) *
           ((region.width() + shape.columns - 1) / shape.columns);
}

/// Tiles of a call; the first exception ends it. Each thread takes those of a share of its own, one
/// after the other, and then those that are left in others': what a thread writes is together in
/// memory, and pages that are new come to it alone.
class TileQueue {
  public:
    TileQueue(const Box& region, const TileShape& shape, int shares)
        : region_(region),
          shape_(shape),
          across_((region.width() + shape.columns - 1) / shape.columns),
          shares_(std::size_t(shares)) {
        const Index count = tiles_of(region, shape);
        for (Index k = 0; k < shares; ++k) {
            Share& share = shares_[std::size_t(k)];
            share.next = count * k / shares;
            share.end = count * (k + 1) / shares;
        }
    }

    /// Works until there are no more tiles, from a share on, with a worker of its own; polls where
    /// that is asked for.
    template <class MakeWorker>
    void run(const MakeWorker& make_worker, int share, const Options* poll) {
        try {
            auto worker = make_worker();
            for (;;) {
                if (poll != nullptr && poll->poll != nullptr) {
                    poll->poll(poll->poll_context);
                }
                const Index k = take(std::size_t(share));
                if (k < 0 || stop_) {
                    return;
                }
                covered_ += worker(tile(k));
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
    struct Share {
        std::atomic<Index> next{0};
        Index end = 0;
    };

    /// The number of a tile that nobody else has, or -1.
    Index take(std::size_t first) {
        for (std::size_t k = 0; k < shares_.size(); ++k) {
            Share& share = shares_[(first + k) % shares_.size()];
            const Index next = share.next.fetch_add(1);
            if (next < share.end) {
                return next;
            }
        }
        return -1;
    }

    Box tile(Index k) const {
        const Index y = region_.y0 + k / across_ * shape_.rows;
        const Index x = region_.x0 + k % across_ * shape_.columns;
        return {y, std::min(y + shape_.rows, region_.y1), x,
                std::min(x + shape_.columns, region_.x1)};
    }

    Box region_;
    TileShape shape_;
    Index across_;
    std::vector<Share> shares_;
    std::atomic<Index> covered_{0};
    std::atomic<bool> stop_{false};
    std::mutex mutex_;
    std::exception_ptr error_;
};

/// A tile of so many pixels, of whole rows of a region, of which each counts for `width` or more.
inline TileShape whole_rows(const Box& region, Index tile_pixels, Index width = 0) {
    return {std::max<Index>(1, tile_pixels / std::max(region.width(), width)), region.width()};
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
inline int tasks_of(const Box& region, const TileShape& shape, int threads) {
    const Index useful =
        std::min(tiles_of(region, shape), region.height() * region.width() / kPixelsPerThread + 1);
    return int(std::clamp<Index>(threads, 1, useful));
}

/// Runs make_worker()(tile) for all tiles of that shape, a worker for each thread, polling in the
/// calling thread; adds up what the workers return.
template <class MakeWorker>
Index for_tiles(const Box& region, const TileShape& shape, int threads, const Options& options,
                const MakeWorker& make_worker) {
    const int count = tasks_of(region, shape, threads);
    TileQueue queue(region, shape, count);
    const auto caller = std::this_thread::get_id();
    auto task = [&](int k) {
        queue.run(make_worker, k, std::this_thread::get_id() == caller ? &options : nullptr);
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
