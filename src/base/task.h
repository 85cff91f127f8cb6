// Task<T>: the coroutine type of the exchange, and until(): how a Task waits for a callback from another thread.
//
//   Task<Result<Recorded>> record(Ledger& ledger, Entry entry) {
//     auto start = [&ledger, entry = std::move(entry)](auto done) mutable { ledger.append(std::move(entry), std::move(done)); };
//     auto recorded = co_await until<Result<Recorded>>(std::move(start));   // name it, then await it
//     co_return recorded;
//   }
//
// Thread rule: a Task runs on the io_context of its connection; until() comes back to that same io_context whatever thread called back.
// This is the only header of base that knows Asio; sockets and TLS stay in http/.
#pragma once

#include <asio/any_io_executor.hpp>
#include <asio/associated_executor.hpp>
#include <asio/async_result.hpp>
#include <asio/awaitable.hpp>
#include <asio/dispatch.hpp>
#include <asio/post.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>
#include <coroutine>
#include <memory>
#include <utility>

namespace licet {

template <class T>
using Task = asio::awaitable<T>;

// The event loop that a Task runs on: `Executor here = co_await asio::this_coro::executor;`. post() runs a callable on it, soon, from any
// thread.
using Executor = asio::any_io_executor;
template <class F>
void post(const Executor& executor, F f) {
  asio::post(executor, std::move(f));
}

// `start` is called once with a copyable callable done(T); done must be called exactly once, from any thread.
template <class T, class Start>
Task<T> until(Start start) {
  auto initiate = [](auto handler, Start begin) {
    using Handler = decltype(handler);
    // Asio handlers move only; the callback may sit in a std::function, so share it.
    auto shared = std::make_shared<Handler>(std::move(handler));
    begin([shared](T value) {
      auto executor = asio::get_associated_executor(*shared);
      asio::dispatch(executor, [shared, value = std::make_shared<T>(std::move(value))]() mutable {
        auto h = std::move(*shared);
        shared.reset();
        std::move(h)(std::move(*value));
      });
    });
  };
  co_return co_await asio::async_initiate<decltype(asio::use_awaitable), void(T)>(std::move(initiate), asio::use_awaitable,
                                                                                  std::move(start));
}

}  // namespace licet
