// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/tls/engine.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fuzz.hpp"
#include "identities.hpp"
#include "middle.hpp"

using namespace copoll;
using fuzz::bytes;
namespace pem = copoll_tests::pem;

// The input is a program: what the connection is like, and what is done with it (make_corpus.py
// writes such programs). A client and a server shake hands in memory; between them records are
// changed, cut, left out, said twice or made up, with the keys of both (middle.hpp). Where the
// program ends they go on undisturbed.

namespace {

std::uint64_t random_state;

}  // namespace

/// All randomness of mbedTLS in this program: the same for each input.
extern "C" int getentropy(void* into, std::size_t size) {
    for (std::size_t i = 0; i < size; ++i) {
        random_state = random_state * 6364136223846793005u + 1442695040888963407u;
        static_cast<unsigned char*>(into)[i] = static_cast<unsigned char>(random_state >> 56);
    }
    return 0;
}

namespace {

/// What is left of the input; zeros behind its end.
class program {
public:
    explicit program(std::span<const std::byte> input) : rest_(input) {}
    bool is_over() const { return rest_.empty(); }
    unsigned byte() {
        if (rest_.empty()) return 0;
        const auto value = std::to_integer<unsigned>(rest_[0]);
        rest_ = rest_.subspan(1);
        return value;
    }
    unsigned number() {
        const unsigned high = byte();
        return high << 8 | byte();
    }
    /// As many bytes as the next says.
    std::span<const std::byte> part() {
        const std::size_t wanted = byte();
        const std::size_t size = std::min(wanted, rest_.size());
        return std::exchange(rest_, rest_.subspan(size)).first(size);
    }
    std::span<const std::byte> rest() { return std::exchange(rest_, {}); }

private:
    std::span<const std::byte> rest_;
};

/// What both sides are made of; parsed once.
struct materials {
    tls::private_identity server =
        *tls::private_identity::parse(pem::server_p256_key, pem::server_p256_chain);
    tls::private_identity client =
        *tls::private_identity::parse(pem::client_one_key, pem::client_one_chain);
    tls::trust_anchors roots = *tls::trust_anchors::parse(pem::root_ca);
    tls::ticket_keys tickets;
    tls::pre_shared_key psk{"a key", bytes(32, std::byte{7})};
    std::optional<tls::session> sessions[2];  ///< of TLS 1.2 and 1.3
};

/// The certificates are good for years, so the day does.
std::chrono::sys_seconds today() {
    static const auto now =
        std::chrono::floor<std::chrono::days>(std::chrono::system_clock::now());
    return now;
}

/// What the connection is like, a bit of the first byte each. The lowest two: 0 and 1 are the
/// versions, 2 is both, 3 is no connection but one side that gets the input as it is.
enum feature : unsigned {
    requires_client = 4,
    requests_client = 8,
    resumes = 16,
    has_psk = 32,
    other_group = 64,  ///< than the client's first: in TLS 1.3 a HelloRetryRequest
    holds = 128,       ///< at the first milestone, until the program says otherwise
};

tls::protocol_parameters protocol_of(unsigned like) {
    using tls::protocol_version;
    tls::protocol_parameters p;
    p.min_version = (like & 3) == 1 ? protocol_version::tls1_3 : protocol_version::tls1_2;
    p.max_version = (like & 3) == 0 ? protocol_version::tls1_2 : protocol_version::tls1_3;
    p.cipher_suites = {tls::cipher_suite::chacha20_poly1305_sha256,
                       tls::cipher_suite::ecdhe_ecdsa_with_chacha20_poly1305_sha256,
                       tls::cipher_suite::ecdhe_psk_with_chacha20_poly1305_sha256};
    p.groups = {tls::named_group::x25519, tls::named_group::secp256r1};
    return p;
}

tls::client_options client_of(unsigned like, const materials& m) {
    tls::client_options o;
    o.server_name = "example.com";
    o.alpn = {"h2", "http/1.1"};
    o.roots = m.roots;
    o.identities = {m.client};
    if (like & requests_client) o.identities.clear();
    o.allow_renegotiation = true;
    o.protocol = protocol_of(like);
    if (like & has_psk) o.psk = m.psk;
    if (like & resumes) o.resume = m.sessions[(like & 3) != 0];
    o.now = today;
    return o;
}

tls::server_options server_of(unsigned like, const materials& m) {
    tls::server_options o;
    o.identities = {m.server};
    o.alpn = {"http/1.1"};
    o.client_roots = m.roots;
    // who proves itself by a pre-shared key in TLS 1.3 presents no certificate
    if ((like & requires_client) && !(like & has_psk))
        o.authenticate = tls::client_authentication::required;
    if (like & requests_client) o.authenticate = tls::client_authentication::requested;
    o.protocol = protocol_of(like);
    if (like & other_group) o.protocol.groups = {tls::named_group::secp256r1};
    if (like & has_psk) o.psks = {m.psk};
    o.tickets = m.tickets;
    o.now = today;
    return o;
}

constexpr std::size_t most_output = 128 * 1024;  // of an engine: a host's write, and a flight

/// An engine, what came for it and what it made of that.
class side {
public:
    side(tls::engine e, tls::milestone until, std::size_t at_once, std::size_t read_size)
        : e_(std::move(e)), until_(until), at_once_(at_once), into_(read_size) {}

    tls::engine& engine() { return e_; }
    const bytes& data() const { return data_; }
    bool has_failed() const { return failed_; }
    /// Complete, and nothing was wrong with it.
    bool is_fine() const { return e_.is_complete() && !failed_ && !read_ended_; }

    void go_on_to(tls::milestone m) { until_ = std::max(until_, m); }
    void set_at_once(std::size_t n) { at_once_ = n; }
    void give(std::span<const std::byte> stream) { fuzz::append(inbox_, stream); }
    void end_input() {
        e_.input_ended();
        ended_ = true;
    }

    /// As far as it goes with what it got. Each round takes input or gives data, or is the last.
    void run() {
        while (step()) {
            if (!take_chunk()) return;
        }
    }

    /// What it says now.
    bytes output() {
        const auto said = std::as_const(e_.output()).data();
        must(said.size() <= most_output);
        bytes taken{said.begin(), said.end()};
        e_.output().clear();
        return taken;
    }

    /// Behind an error it does nothing any more, and keeps saying why.
    void check_failed() {
        if (!failed_) return;
        const std::error_code why = e_.error();
        must(why == error_ && static_cast<bool>(why));
        must(e_.advance(tls::milestone::complete) == tls::progress::failed);
        std::array<std::byte, 16> some{};
        const auto read = e_.read(some);
        must(read.n == 0 && read.ec);
        const auto written = e_.write(some);
        must(written.n == 0 && written.ec == why);
        must(!e_.update_keys() && !e_.request_client_identity());
        e_.close();
        e_.release_buffers();
        must(e_.error() == why);
        must(e_.output().empty());
    }

    void note_failure() {
        if (failed_) return;
        failed_ = true;
        error_ = e_.error();
        must(static_cast<bool>(error_));
    }

private:
    /// True if it needs more input.
    bool step() {
        if (failed_ || read_ended_) return false;
        if (!e_.is_complete()) {
            const auto p = e_.advance(until_);
            if (p == tls::progress::failed) note_failure();
            if (p == tls::progress::needs_input) {
                must(e_.unread() == 0 && !ended_);
                return true;
            }
            if (!e_.is_complete()) return false;
        }
        return read();
    }
    bool read() {
        for (;;) {
            const auto r = e_.read(into_);
            must(r.n <= into_.size());
            fuzz::append(data_, std::span(into_).first(r.n));
            if (r.ec) {
                must(r.n == 0 && e_.read(into_).ec == r.ec && e_.read(into_).n == 0);
                must(e_.error() == r.ec);
                if (r.ec == copoll::errc::eof || r.ec == tls::errc::truncated)
                    read_ended_ = true;
                else
                    note_failure();
                return false;
            }
            if (r.n > 0) continue;
            must(e_.unread() == 0 && !ended_);
            return true;
        }
    }
    bool take_chunk() {
        if (inbox_.empty()) return false;
        const std::size_t n = std::min(at_once_ ? at_once_ : inbox_.size(), inbox_.size());
        current_.assign(inbox_.begin(), inbox_.begin() + static_cast<std::ptrdiff_t>(n));
        inbox_.erase(inbox_.begin(), inbox_.begin() + static_cast<std::ptrdiff_t>(n));
        e_.input(current_);
        return true;
    }

    tls::engine e_;
    tls::milestone until_;
    std::size_t at_once_;
    bytes into_, inbox_{}, current_{}, data_{};
    bool ended_ = false, failed_ = false, read_ended_ = false;
    std::error_code error_{};
};

tls::client_options with_keys(tls::client_options o, fuzz::secrets& into) {
    o.keys = [&into](std::string_view line) { into.note(line); };
    return o;
}
tls::server_options with_keys(tls::server_options o, fuzz::secrets& into) {
    o.keys = [&into](std::string_view line) { into.note(line); };
    return o;
}

/// What each side of a connection knows, and nobody else. None while it is not known.
std::optional<std::array<std::byte, 32>> exported(const tls::engine& e) {
    std::array<std::byte, 32> key{};
    const auto r = e.export_keying_material(key, "EXPORTER-fuzz", std::nullopt);
    if (r) {
        must(e.is_complete());
        return key;
    }
    must(r.error() == copoll::errc::invalid_state);
    return std::nullopt;
}

/// Both sides, and what is between them.
class connection {
public:
    connection(unsigned like, tls::client_options c, tls::server_options s, std::size_t at_once,
               std::size_t read_size)
        : client_(tls::engine{with_keys(std::move(c), client_secrets_)},
                  like & holds ? tls::milestone::server_identity : tls::milestone::complete,
                  at_once, read_size),
          server_(tls::engine{with_keys(std::move(s), server_secrets_)},
                  like & holds ? tls::milestone::client_hello : tls::milestone::complete, at_once,
                  read_size) {
        turn(client_);
        turn(server_);
    }

    side& of(bool server) { return server ? server_ : client_; }
    fuzz::direction& from(side& writer) { return &writer == &client_ ? up_ : down_; }
    side& peer_of(side& s) { return &s == &client_ ? server_ : client_; }

    /// Lets a side go on, and hears what it says.
    void turn(side& s) {
        s.run();
        const bytes said = s.output();
        from(s).said(said);
        s.check_failed();
    }
    void deliver(side& to, std::span<const std::byte> wire) {
        to.give(wire);
        turn(to);
    }
    /// The next record of a side passes as it is. False if there is none.
    bool pass(side& writer) {
        const auto p = from(writer).next();
        if (!p) return false;
        if (!p->plain) {
            deliver_unknown(writer, p->wire);
            return true;
        }
        const bytes wire = from(writer).seal(*p->plain);
        if (past_.size() < 64) past_.push_back(wire);
        deliver(peer_of(writer), wire);
        return true;
    }
    /// What its writer's keys do not open. What its reader makes of it is not known here.
    void deliver_unknown(side& writer, const bytes& wire) {
        touched_ = true;
        all_known_ = false;
        deliver(peer_of(writer), wire);
    }
    /// Until nothing moves any more.
    void settle() {
        turn(client_);
        turn(server_);
        for (int records = 0; pass(client_) || pass(server_); ++records) must(records < 10'000);
    }

    void step(program& script);
    void finish();
    bool is_untouched() const { return !touched_; }

private:
    void change(side& writer, unsigned how, program& script);
    void act(side& s, unsigned what, program& script);

    fuzz::secrets client_secrets_{}, server_secrets_{};
    side client_, server_;
    fuzz::direction up_{client_secrets_, server_secrets_, true};
    fuzz::direction down_{server_secrets_, client_secrets_, false};
    std::vector<bytes> past_{};
    bytes written_[2]{};
    bool touched_ = false;   ///< what passes is not what was said, or a side has closed
    bool all_known_ = true;  ///< every record was opened
    bool asked_again_ = false;
    int key_updates_ = 0;
};

/// The length in the header of a handshake message that is a whole record, after a change.
void mend_length(fuzz::record& r) {
    if (r.type != fuzz::handshake || r.body.size() < 4) return;
    const std::size_t size = r.body.size() - 4;
    r.body[1] = std::byte{0};
    r.body[2] = static_cast<std::byte>(size >> 8);
    r.body[3] = static_cast<std::byte>(size);
}

/// The next record of a side passes changed.
void connection::change(side& writer, unsigned how, program& script) {
    side& reader = peer_of(writer);
    fuzz::direction& d = from(writer);
    auto p = d.next();
    if (!p) return;
    if (!p->plain) return deliver_unknown(writer, p->wire);
    touched_ = true;
    fuzz::record& plain = *p->plain;
    bytes& body = plain.body;
    const auto at = [&] { return body.empty() ? 0 : script.number() % body.size(); };
    const auto behind = [&](std::size_t n) {
        return body.begin() + static_cast<std::ptrdiff_t>(std::min(n, body.size()));
    };
    switch (how) {
        case 0: {  // a byte of what is said
            const auto where = at();
            if (!body.empty()) body[where] ^= static_cast<std::byte>(script.byte());
            break;
        }
        case 1: {  // bytes more
            const auto where = at();
            const auto added = script.part();
            body.insert(behind(where), added.begin(), added.end());
            break;
        }
        case 2:
        case 3: {  // bytes less, or others
            const auto where = at();
            const auto other = how == 3 ? script.part() : std::span<const std::byte>{};
            const std::size_t n = how == 3 ? other.size() : script.byte();
            body.erase(behind(where), behind(where + n));
            body.insert(behind(where), other.begin(), other.end());
            break;
        }
        case 4: plain.type = static_cast<std::byte>(script.byte()); break;
        case 5: return;  // left out
        case 6: deliver(reader, d.seal(plain)); break;  // said again, as a new record
        case 7: {  // in two records
            const auto where = at();
            deliver(reader, d.seal({plain.type, {body.begin(), behind(where)}}));
            body.erase(body.begin(), behind(where));
            break;
        }
        case 8: {  // together with the next
            const auto more = d.next();
            if (more && more->plain) fuzz::append(body, more->plain->body);
            break;
        }
        case 9: {  // behind the next
            const auto more = d.next();
            if (more && more->plain) deliver(reader, d.seal(*more->plain));
            break;
        }
        default: {  // a byte of the record, or its end
            bytes wire = d.seal(plain);
            const auto where = script.number() % wire.size();
            if (how == 10) wire[where] ^= static_cast<std::byte>(script.byte());
            if (how == 11) wire.resize(where);
            if (how == 12) fuzz::append(wire, wire);
            return deliver(reader, wire);
        }
    }
    if (how < 4 && script.byte() % 2 == 0) mend_length(plain);
    deliver(reader, d.seal(plain));
}

/// A side does what applications do.
void connection::act(side& s, unsigned what, program& script) {
    tls::engine& e = s.engine();
    const bool server = e.is_server();
    switch (what) {
        case 0:
        case 1: {
            if (!e.is_complete()) return;
            bytes& all = written_[server];
            bytes more(what == 0 ? script.byte() : script.number());
            for (std::size_t i = 0; i < more.size(); ++i)
                more[i] = static_cast<std::byte>((all.size() + i) * 7);
            const auto r = e.write(more);
            must(r.n <= more.size());
            more.resize(r.n);
            fuzz::append(all, more);
            if (r.ec && r.ec != copoll::errc::closed) s.note_failure();
            break;
        }
        case 2:
            touched_ = touched_ || ++key_updates_ > 16;  // which may be too much work for the peer
            static_cast<void>(e.update_keys(script.byte() % 2 == 0));
            break;
        case 3:
            asked_again_ = true;
            if (!e.is_complete() || !e.request_client_identity()) return;
            break;
        case 4: e.release_buffers(); break;
        case 5:
            touched_ = touched_ || e.is_complete();
            e.close();
            break;
        case 6:
            touched_ = true;
            e.abort(static_cast<tls::alert>(script.byte()));
            s.note_failure();
            break;
        case 7:
            touched_ = true;
            s.end_input();
            break;
        case 8: s.go_on_to(static_cast<tls::milestone>(script.byte() % 5)); break;
        case 9: s.set_at_once(script.byte()); break;
        default: static_cast<void>(exported(e));
    }
    turn(s);
}

void connection::step(program& script) {
    const unsigned op = script.byte();
    side& s = of(op & 1);
    const unsigned what = op >> 1 & 15;
    switch (op >> 5) {
        case 0:
        case 1:
            for (unsigned i = 0; i <= what && (pass(s) || pass(peer_of(s))); ++i) {}
            break;
        case 2:
        case 3: act(s, what, script); break;
        case 4:
        case 5: change(s, what, script); break;
        case 6: {  // a record that nobody said
            touched_ = true;
            static constexpr std::byte types[] = {
                std::byte{20}, std::byte{21}, std::byte{22}, std::byte{23},
                std::byte{22}, std::byte{22}, std::byte{24}, std::byte{0}};
            const auto body = script.part();
            deliver(peer_of(s), from(s).seal({types[what % 8], {body.begin(), body.end()}}));
            break;
        }
        default: {  // one that was said before, or bytes that are none
            touched_ = true;
            if (what % 2 == 0 && !past_.empty())
                deliver(peer_of(s), past_[script.byte() % past_.size()]);
            else
                deliver(peer_of(s), script.part());
        }
    }
}

/// Nobody gets a byte that was not sent with the right keys.
bool is_prefix(const bytes& got, const bytes& sent) {
    return got.size() <= sent.size() && std::equal(got.begin(), got.end(), sent.begin());
}

void connection::finish() {
    client_.go_on_to(tls::milestone::complete);
    server_.go_on_to(tls::milestone::complete);
    settle();
    if (all_known_)
        must(is_prefix(server_.data(), up_.data()) && is_prefix(client_.data(), down_.data()));
    tls::engine& c = client_.engine();
    tls::engine& s = server_.engine();
    if (c.is_complete() && !c.psk_identity()) must(c.server_identity().has_value());
    if (s.is_complete() && s.server().authenticate == tls::client_authentication::required &&
        !s.psk_identity())
        must(s.client_identity().has_value());
    if (!touched_) {
        must(client_.is_fine() && server_.is_fine());
        must(server_.data() == written_[0] && client_.data() == written_[1]);
    }
    if (!client_.is_fine() || !server_.is_fine() || asked_again_) return;
    must(c.version() == s.version() && c.cipher_suite() == s.cipher_suite());
    must(c.alpn_id() == s.alpn_id() && c.group() == s.group());
    must(c.is_resumed() == s.is_resumed() && c.psk_identity() == s.psk_identity());
    const auto at_client = exported(c), at_server = exported(s);
    if (at_client && at_server) must(*at_client == *at_server);
    if (!touched_) must(at_client && at_server);
}

/// One of each version.
void make_sessions(materials& m) {
    for (const unsigned like : {0u, 1u}) {
        auto options = client_of(like, m);
        options.on_session = [&m, like](tls::session s) { m.sessions[like] = std::move(s); };
        connection c{like, std::move(options), server_of(like, m), 0, 4096};
        c.finish();
        must(c.is_untouched() && m.sessions[like].has_value());
    }
}

materials& made() {
    static materials all = [] {
        materials m;
        make_sessions(m);
        return m;
    }();
    return all;
}

/// One side alone, and whatever comes.
void feed_one(tls::engine e, std::size_t at_once, std::size_t read_size,
              std::span<const std::byte> input) {
    side s{std::move(e), tls::milestone::complete, at_once, read_size};
    s.run();
    s.output();
    s.give(input);
    s.run();
    s.output();
    s.check_failed();
    if (!s.has_failed()) s.end_input();
    s.run();
    s.output();
    must(s.has_failed());
    s.check_failed();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    random_state = 1;
    const materials& m = made();
    program script{std::as_bytes(std::span{data, size})};
    random_state = 2;
    const unsigned like = script.byte();
    const std::size_t at_once = script.byte();
    const std::size_t read_size = 1 + script.byte() * 16;
    if ((like & 3) == 3) {
        tls::engine e = like & 4 ? tls::engine{server_of(1, m)} : tls::engine{client_of(2, m)};
        feed_one(std::move(e), at_once, read_size, script.rest());
        return 0;
    }
    connection c{like, client_of(like, m), server_of(like, m), at_once, read_size};
    for (int steps = 0; steps < 100 && !script.is_over(); ++steps) c.step(script);
    c.finish();
    return 0;
}
