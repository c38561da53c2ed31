// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/backend/sim.hpp>

#include <cstdlib>
#include <utility>

#include <copoll/backend/context.hpp>
#include <copoll/detail/assert.hpp>

#include "network.hpp"

namespace copoll {

clock::time_point clock::now() noexcept { return backend::world::current().now(); }

namespace backend {
inline namespace sim {
namespace {

thread_local constinit world* installed = nullptr;

options default_options() {
    options o;
    if (const char* text = std::getenv("COPOLL_SIM_SEED")) o.seed = std::strtoull(text, nullptr, 0);
    return o;
}

}  // namespace

world::world(options o)
    : net_(std::make_unique<network>(std::move(o), clock::time_point{})),
      outer_(std::exchange(installed, this)),
      installed_(true) {}

world::world(fallback) : net_(std::make_unique<network>(default_options(), clock::time_point{})) {}

world::~world() {
    if (!installed_) return;
    detail::expects(net_->contexts == 0 && net_->sockets == 0 && net_->listeners == 0,
                    "sim::world ended before its loops and sockets");
    detail::expects(installed == this, "sim::world ended before one that began later");
    installed = outer_;
}

world& world::current() noexcept {
    if (installed) return *installed;
#if defined(__wasm__)  // one thread, and no destructors of thread locals
    static world shared{fallback{}};
#else
    thread_local world shared{fallback{}};
#endif
    return shared;
}

clock::time_point world::now() const noexcept { return net_->now; }
void world::fail_next(call kind, std::error_code ec) { net_->fail_next(kind, ec); }
bool world::fault_injected() const noexcept { return net_->fault_injected(); }
std::uint64_t world::calls() const noexcept { return net_->calls(); }
void world::reset_connections() noexcept { net_->reset_connections(); }
const std::string& world::output() const noexcept { return net_->texts[0]; }
const std::string& world::errors() const noexcept { return net_->texts[1]; }
std::size_t world::open_sockets() const noexcept { return net_->sockets; }
std::size_t world::open_listeners() const noexcept { return net_->listeners; }
std::uint64_t world::trace_hash() const noexcept { return net_->trace(); }

network& world::enter() {
    if (!installed_ && net_->contexts == 0 && net_->sockets == 0 && net_->listeners == 0)
        net_ = std::make_unique<network>(default_options(), net_->now);  // time never goes back
    ++net_->contexts;
    return *net_;
}

context::context(loop& owner, const polling_options&)
    : owner_(owner), net_(world::current().enter()) {}

}  // namespace sim
}  // namespace backend
}  // namespace copoll
