// SPDX-License-Identifier: MIT OR Apache-2.0
//
// A TLS echo server on OpenSSL, one thread and epoll: what the machine does without a Wasm host.
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include <sys/epoll.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "../ceiling/native_listener.hpp"
#include "identity.hpp"

namespace {

constexpr const char* program = "openssl_echo";

template <class T, void (*Free)(T*)>
struct freed {
    void operator()(T* p) const { Free(p); }
};
using context_ptr = std::unique_ptr<SSL_CTX, freed<SSL_CTX, SSL_CTX_free>>;
using ssl_ptr = std::unique_ptr<SSL, freed<SSL, SSL_free>>;
using bio_ptr = std::unique_ptr<BIO, freed<BIO, BIO_vfree>>;
using certificate_ptr = std::unique_ptr<X509, freed<X509, X509_free>>;
using key_ptr = std::unique_ptr<EVP_PKEY, freed<EVP_PKEY, EVP_PKEY_free>>;

[[noreturn]] void wrong_usage() {
    std::fputs("usage: openssl_echo --listen ADDR:PORT [--no-tickets]\n", stderr);
    std::exit(2);
}

/// One connection, which moves on as far as it can without waiting.
class connection {
public:
    connection(SSL_CTX* context, int fd) : ssl_{SSL_new(context)} {
        SSL_set_fd(ssl_.get(), fd);
        SSL_set_accept_state(ssl_.get());
    }

    /// False when it is over.
    bool advance(int epoll) {
        const int fd = SSL_get_fd(ssl_.get());
        static std::array<std::byte, std::size_t{64} << 10> buffer;
        for (;;) {
            if (!send_rest()) break;
            std::size_t n = 0;
            // several records, if there are: they leave together
            std::size_t total = 0;
            int ret = 1;
            while (buffer.size() - total >= largest_record &&
                   (ret = SSL_read_ex(ssl_.get(), buffer.data() + total, buffer.size() - total,
                                      &n)) == 1)
                total += n;
            unsent_.assign(buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(total));
            if (total > 0) continue;
            if (!wants_more(ret)) return false;
            ceiling::watch(epoll, EPOLL_CTL_MOD, fd, EPOLLIN);
            return true;
        }
        if (broken_) return false;
        ceiling::watch(epoll, EPOLL_CTL_MOD, fd, EPOLLOUT);
        return true;
    }

private:
    static constexpr std::size_t largest_record = 16 * 1024;

    /// False when something is left.
    bool send_rest() {
        std::span<const std::byte> left{unsent_};
        while (!left.empty()) {
            std::size_t n = 0;
            const int ret = SSL_write_ex(ssl_.get(), left.data(), left.size(), &n);
            if (ret != 1) {
                broken_ = !wants_more(ret);
                unsent_.erase(unsent_.begin(), unsent_.end() - std::ssize(left));
                return false;
            }
            left = left.subspan(n);
        }
        unsent_.clear();
        return true;
    }

    bool wants_more(int ret) {
        const int error = SSL_get_error(ssl_.get(), ret);
        if (error == SSL_ERROR_ZERO_RETURN) SSL_shutdown(ssl_.get());
        ERR_clear_error();
        return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE;
    }

    ssl_ptr ssl_;
    std::vector<std::byte> unsent_;  // while there is any, nothing is read
    bool broken_ = false;
};

context_ptr make_context(bool tickets) {
    const bio_ptr certificate_text{BIO_new_mem_buf(bench::certificate, -1)};
    const bio_ptr key_text{BIO_new_mem_buf(bench::key, -1)};
    const certificate_ptr certificate{
        PEM_read_bio_X509(certificate_text.get(), nullptr, nullptr, nullptr)};
    const key_ptr key{PEM_read_bio_PrivateKey(key_text.get(), nullptr, nullptr, nullptr)};
    context_ptr made{SSL_CTX_new(TLS_server_method())};
    SSL_CTX* const c = made.get();
    SSL_CTX_use_certificate(c, certificate.get());
    if (SSL_CTX_use_PrivateKey(c, key.get()) != 1) {
        std::fprintf(stderr, "%s: no identity\n", program);
        std::exit(1);
    }
    SSL_CTX_set_min_proto_version(c, TLS1_3_VERSION);
    SSL_CTX_set_mode(c, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                            SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_num_tickets(c, tickets ? 1 : 0);
    return made;
}

[[noreturn]] void run(int listener, SSL_CTX* context) {
    const int epoll = epoll_create1(EPOLL_CLOEXEC);
    ceiling::watch(epoll, EPOLL_CTL_ADD, listener, EPOLLIN);
    std::unordered_map<int, connection> connections;  // by file descriptor
    std::array<epoll_event, 256> events;
    for (;;) {
        const int n = epoll_wait(epoll, events.data(), static_cast<int>(events.size()), -1);
        for (int i = 0; i < n; ++i) {
            const int fd = events[static_cast<std::size_t>(i)].data.fd;
            if (fd == listener) {
                for (int next; (next = ceiling::accept_one(listener)) >= 0;) {
                    ceiling::watch(epoll, EPOLL_CTL_ADD, next, EPOLLIN);
                    connections.try_emplace(next, context, next);
                }
                continue;
            }
            const auto at = connections.find(fd);
            if (at->second.advance(epoll)) continue;
            connections.erase(at);
            close(fd);
        }
    }
}

}  // namespace

int main(int argc, char** argv) {
    std::string_view address;
    bool tickets = true;
    for (int i = 1; i < argc; ++i) {
        const std::string_view word = argv[i];
        if (word == "--no-tickets")
            tickets = false;
        else if (word == "--listen" && i + 1 < argc)
            address = argv[++i];
        else
            wrong_usage();
    }
    if (address.empty()) wrong_usage();
    const auto context = make_context(tickets);
    const int listener = ceiling::listen_at(program, address);
    ceiling::announce(program, listener);
    run(listener, context.get());
}
