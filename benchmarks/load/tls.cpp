// SPDX-License-Identifier: MIT OR Apache-2.0
#include "tls.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <sys/socket.h>

#include <utility>

#include "client.hpp"

namespace load {
namespace {

using enum moved::outcome;

constexpr std::size_t largest_record = 16 * 1024;

template <class T, void (*Free)(T*)>
struct freed {
    void operator()(T* p) const { Free(p); }
};
template <class T, void (*Free)(T*)>
using owned = std::unique_ptr<T, freed<T, Free>>;

using context_ptr = owned<SSL_CTX, SSL_CTX_free>;
using ssl_ptr = owned<SSL, SSL_free>;
using session_ptr = owned<SSL_SESSION, SSL_SESSION_free>;
using certificate_ptr = owned<X509, X509_free>;

struct openssl_slot final : session_slot {
    session_ptr session;
};

moved failure_of(const char* what) {
    const unsigned long code = ERR_get_error();
    ERR_clear_error();
    const char* reason = code == 0 ? "the connection was cut" : ERR_reason_error_string(code);
    return {failed, 0, std::string{what} + ": " + (reason ? reason : "unknown")};
}

class openssl_channel final : public tls_channel {
public:
    openssl_channel(SSL_CTX* context, load::descriptor fd, openssl_slot* slot,
                    certificate_ptr& server, run_state& run)
        : fd_{std::move(fd)}, ssl_{SSL_new(context)}, server_{server}, run_{run} {
        SSL_set_fd(ssl_.get(), fd_.get());
        SSL_set_app_data(ssl_.get(), slot);
        if (slot && slot->session) {
            must_resume_ = true;
            SSL_set_session(ssl_.get(), slot->session.get());
        }
    }

    moved shake_hands() override {
        const int ret = SSL_connect(ssl_.get());
        if (ret != 1) return classify(ret, "handshake");
        return is_as_asked();
    }

    [[nodiscard]] bool is_resumed() const override { return SSL_session_reused(ssl_.get()) != 0; }

    moved send(std::span<const std::byte> data) override {
        std::size_t n = 0;
        const int ret = SSL_write_ex(ssl_.get(), data.data(), data.size(), &n);
        if (ret != 1) return classify(ret, "send");
        return {some, n};
    }

    // Reads on while another record surely fits: what stays in the socket makes it ready again.
    moved receive(std::span<std::byte> into) override {
        std::size_t total = 0;
        while (total == 0 || into.size() - total >= largest_record) {
            std::size_t n = 0;
            const int ret = SSL_read_ex(ssl_.get(), into.data() + total, into.size() - total, &n);
            if (ret != 1) {
                if (total > 0) break;
                return classify(ret, "receive");
            }
            total += n;
        }
        return {some, total};
    }

    bool end() override {
        const int ret = SSL_shutdown(ssl_.get());
        if (ret < 0 && SSL_get_error(ssl_.get(), ret) == SSL_ERROR_WANT_WRITE) return false;
        ERR_clear_error();
        shutdown(fd_.get(), SHUT_WR);
        return true;
    }

    [[nodiscard]] int descriptor() const override { return fd_.get(); }

private:
    moved classify(int ret, const char* what) {
        switch (SSL_get_error(ssl_.get(), ret)) {
            case SSL_ERROR_WANT_READ:
            case SSL_ERROR_WANT_WRITE: return {again};
            case SSL_ERROR_ZERO_RETURN: return {ended};
            default: return failure_of(what);
        }
    }

    moved is_as_asked() {
        SSL* const ssl = ssl_.get();
        run_.suite = SSL_CIPHER_get_name(SSL_get_current_cipher(ssl));
        if (must_resume_ != is_resumed()) return {failed, 0, "a session was not resumed"};
        if (SSL_get_negotiated_group(ssl) != NID_X25519) return {failed, 0, "it is not X25519"};
        if (must_resume_) return {some};
        certificate_ptr shown{SSL_get1_peer_certificate(ssl)};
        if (!shown) return {failed, 0, "a server without a certificate"};
        if (!server_) server_ = std::move(shown);
        else if (X509_cmp(server_.get(), shown.get()) != 0)
            return {failed, 0, "another certificate than before"};
        return {some};
    }

    load::descriptor fd_;
    ssl_ptr ssl_;
    certificate_ptr& server_;
    run_state& run_;
    bool must_resume_ = false;
};

// OpenSSL gives the session away if this returns 1.
int keep_session(SSL* ssl, SSL_SESSION* session) {
    auto* slot = static_cast<openssl_slot*>(SSL_get_app_data(ssl));
    if (!slot) return 0;
    slot->session.reset(session);
    return 1;
}

class openssl_factory final : public tls_factory {
public:
    explicit openssl_factory(run_state& run)
        : context_{SSL_CTX_new(TLS_client_method())}, run_{run} {
        SSL_CTX* const c = context_.get();
        SSL_CTX_set_min_proto_version(c, TLS1_3_VERSION);
        SSL_CTX_set1_groups_list(c, "X25519");
        SSL_CTX_set1_sigalgs_list(c, "ECDSA+SHA256");
        // Unless `verify` is called. The server still has to prove that it has the key of the
        // certificate that it shows.
        SSL_CTX_set_verify(c, SSL_VERIFY_NONE, nullptr);
        SSL_CTX_set_mode(c, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                SSL_MODE_RELEASE_BUFFERS);
        SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
        SSL_CTX_sess_set_new_cb(c, keep_session);
    }

    [[nodiscard]] bool verify(const std::string& ca_file, const std::string& name) {
        SSL_CTX* const c = context_.get();
        SSL_CTX_set_verify(c, SSL_VERIFY_PEER, nullptr);
        X509_VERIFY_PARAM* const with = SSL_CTX_get0_param(c);
        return X509_VERIFY_PARAM_set1_host(with, name.c_str(), name.size()) == 1 &&
               SSL_CTX_load_verify_file(c, ca_file.c_str()) == 1;
    }

    [[nodiscard]] bool restrict_to(const std::string& suite) {
        return SSL_CTX_set_ciphersuites(context_.get(), suite.c_str()) == 1;
    }

    std::unique_ptr<session_slot> make_slot() override { return std::make_unique<openssl_slot>(); }

    std::unique_ptr<tls_channel> connect(descriptor fd, session_slot* slot) override {
        return std::make_unique<openssl_channel>(context_.get(), std::move(fd),
                                                 static_cast<openssl_slot*>(slot), server_, run_);
    }

private:
    context_ptr context_;
    certificate_ptr server_;
    run_state& run_;
};

}  // namespace

bool has_tls() { return true; }

std::unique_ptr<tls_factory> make_tls(const options& opt, run_state& run, std::string& error) {
    auto made = std::make_unique<openssl_factory>(run);
    if (!opt.suite.empty() && !made->restrict_to(opt.suite)) {
        error = "no cipher suite " + opt.suite;
        return nullptr;
    }
    if (!opt.ca_file.empty() && !made->verify(opt.ca_file, opt.server_name)) {
        error = failure_of(opt.ca_file.c_str()).failure;
        return nullptr;
    }
    return made;
}

}  // namespace load
