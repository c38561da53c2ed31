// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/tls/client_hello.hpp>

#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <copoll/buffer.hpp>
#include <copoll/tls/error.hpp>

#include "recorded_hellos.hpp"
#include "support/error_of.hpp"
#include "tls/hello_builder.hpp"

namespace {

using namespace copoll_tests;
using tls::client_hello;
using tls::named_group;

auto parse(std::string_view input) { return client_hello::parse(bytes_of(input)); }

/// The hello that `input` is.
client_hello hello_of(std::string_view input) {
    const auto parsed = parse(input);
    INFO(error_of(parsed).message());
    REQUIRE(parsed);
    REQUIRE(*parsed);
    return **parsed;
}

/// `no_error` as well if more bytes are needed.
std::error_code error_in(std::string_view input) { return error_of(parse(input)); }

bool needs_more(std::string_view input) {
    const auto parsed = parse(input);
    return parsed && !*parsed;
}

template <class T>
std::vector<T> list(std::span<const T> values) {
    return {values.begin(), values.end()};
}
/// The values as plain numbers.
template <class T>
std::vector<unsigned> codes(std::span<const T> values) {
    std::vector<unsigned> numbers;
    for (const T v : values) numbers.push_back(static_cast<unsigned>(v));
    return numbers;
}
using numbers_t = std::vector<unsigned>;
using texts = std::vector<std::string_view>;

texts texts_of(std::span<const std::span<const std::byte>> values) {
    texts list;
    for (const auto v : values) list.push_back(text_of(v));
    return list;
}

TEST_CASE("client_hello: the smallest one") {
    hello_parts parts;
    parts.without_extensions = true;
    const client_hello hello = hello_of(parts.wire());
    CHECK(codes(hello.versions()) == numbers_t{0x303});
    CHECK(codes(hello.cipher_suites()) == numbers_t{0x1301, 0xc02b});
    CHECK(text_of(hello.random()) == std::string(32, 'r'));
    CHECK(text_of(hello.session_id()) == "session");
    CHECK(!hello.server_name());
    CHECK(hello.alpn_ids().empty());
    CHECK(hello.groups().empty());
    CHECK(hello.signature_schemes().empty());
    CHECK(hello.signature_schemes_cert().empty());
    CHECK(hello.key_share_groups().empty());
    CHECK(hello.psk_identities().empty());
    CHECK(hello.certificate_authorities().empty());
    CHECK(hello.extensions().empty());
    CHECK(!hello.session_ticket());
    CHECK(!hello.record_size_limit());
    CHECK(!hello.has_psk());
    CHECK(!hello.has_early_data());
    CHECK(!hello.has_post_handshake_auth());
    CHECK(!hello.has_extended_master_secret());
    CHECK(!hello.has_secure_renegotiation());
    CHECK(!hello.has_ocsp_request());
    CHECK(hello.wire_size() == parts.wire().size());
    CHECK(text_of(hello.message()) == parts.message());
}

TEST_CASE("client_hello: each extension has its getter") {
    namespace ext = copoll_tests::extensions;
    const client_hello hello = hello_of(hello_with(
        extension(0x0a0a, "") + ext::server_name("Example.com") + ext::alpn({"h2", "http/1.1"}) +
        extension(10, sized(2, numbers({0x2a2a, 29, 23}))) +
        extension(13, sized(2, numbers({0x0804, 0x0403}))) +
        extension(50, sized(2, numbers({0x0807}))) +
        extension(43, sized(1, numbers({0x7a7a, 0x0304, 0x0303}))) +
        extension(51, sized(2, numbers({0x3a3a}) + sized(2, "x") + u16(29) + sized(2, "share"))) +
        extension(35, "ticket") + extension(5, u8(1) + u16(0) + u16(0)) + extension(23, "") +
        extension(0xff01, u8(0)) + extension(28, u16(16385)) + extension(49, "") +
        extension(47, sized(2, sized(2, "one") + sized(2, "two"))) + extension(42, "") +
        ext::pre_shared_key({"id one", "id two"}, 2)));
    CHECK(hello.server_name() == "Example.com");
    CHECK(list(hello.alpn_ids()) == texts{"h2", "http/1.1"});
    CHECK(codes(hello.groups()) == numbers_t{0x2a2a, 29, 23});
    CHECK(codes(hello.signature_schemes()) == numbers_t{0x0804, 0x0403});
    CHECK(codes(hello.signature_schemes_cert()) == numbers_t{0x0807});
    CHECK(codes(hello.versions()) == numbers_t{0x7a7a, 0x0304, 0x0303});
    CHECK(codes(hello.key_share_groups()) == numbers_t{0x3a3a, 29});
    REQUIRE(hello.session_ticket());
    CHECK(text_of(*hello.session_ticket()) == "ticket");
    CHECK(hello.has_ocsp_request());
    CHECK(hello.has_extended_master_secret());
    CHECK(hello.has_secure_renegotiation());
    CHECK(hello.record_size_limit() == 16385);
    CHECK(hello.has_post_handshake_auth());
    CHECK(texts_of(hello.certificate_authorities()) == texts{"one", "two"});
    CHECK(hello.has_early_data());
    CHECK(hello.has_psk());
    CHECK(texts_of(hello.psk_identities()) == texts{"id one", "id two"});
    CHECK(hello.extensions().size() == 17);
    CHECK(hello.extensions().front() == 0x0a0a);
    CHECK(hello.extension(0x0a0a)->empty());
    CHECK(text_of(*hello.extension(35)) == "ticket");
    CHECK(!hello.extension(999));
}

TEST_CASE("client_hello: values of GREASE are known by their form") {
    int count = 0;
    for (unsigned v = 0; v <= 0xffff; ++v) count += tls::is_grease(static_cast<std::uint16_t>(v));
    CHECK(count == 16);
    CHECK(tls::is_grease(static_cast<named_group>(0xdada)));
    CHECK(!tls::is_grease(named_group::x25519));
}

TEST_CASE("client_hello: a copy outlives the input and the original") {
    std::optional<client_hello> copy;
    {
        const std::string input = hello_with(extensions::server_name("example.com"));
        const client_hello original = hello_of(input);
        copy = original;
    }
    CHECK(copy->server_name() == "example.com");
}

TEST_CASE("client_hello: versions of clients without supported_versions") {
    const auto versions_of = [](unsigned named) {
        hello_parts parts;
        parts.version = u16(named);
        return codes(hello_of(parts.wire()).versions());
    };
    CHECK(versions_of(0x301) == numbers_t{0x301});
    CHECK(versions_of(0x302) == numbers_t{0x302});
    CHECK(versions_of(0x303) == numbers_t{0x303});
    CHECK(versions_of(0x304) == numbers_t{0x303});
    CHECK(versions_of(0x7f7f) == numbers_t{0x303});
}

TEST_CASE("client_hello: the renegotiation signal among the cipher suites counts") {
    hello_parts parts;
    parts.cipher_suites = sized(2, numbers({0x1301, 0x00ff}));
    CHECK(hello_of(parts.wire()).has_secure_renegotiation());
}

TEST_CASE("client_hello: names of hosts are taken, addresses left out, others refused") {
    const auto wire = [](std::string_view name) {
        return hello_with(extensions::server_name(name));
    };
    const std::string label(63, 'a');
    const std::string longest = label + "." + label + "." + label + "." + std::string(61, 'b');
    for (const std::string& name : {std::string{"localhost"}, std::string{"a.b-c.D0"},
                                    std::string{"xn--bcher-kva.example"}, std::string{"_srv.x"},
                                    std::string{"1.2.3"}, longest}) {
        CAPTURE(name);
        CHECK(hello_of(wire(name)).server_name() == name);
    }
    CHECK(hello_of(wire("example.com.")).server_name() == "example.com");
    for (const std::string_view address : {"127.0.0.1", "::1", "2001:db8::7"})
        CHECK(!hello_of(wire(address)).server_name());
    for (const std::string& bad :
         {std::string{"."}, std::string{"a..b"}, std::string{".a"}, std::string{"a b"},
          std::string{"a/b"}, std::string{"example.com\0.net", 16}, std::string{"b\xc3\xbc"
          "cher.example"}, std::string{"*.example.com"}, label + "a.com", longest + "b"}) {
        CAPTURE(bad);
        CHECK(error_in(wire(bad)) == tls::errc::illegal_parameter);
    }
}

TEST_CASE("client_hello: more bytes are asked for, wherever the input is cut") {
    const std::string input = hello_with(extensions::server_name("example.com"));
    for (std::size_t size = 0; size < input.size(); ++size)
        if (!needs_more(input.substr(0, size))) FAIL_CHECK(size);
    CHECK(hello_of(input).wire_size() == input.size());
    CHECK(hello_of(input + "anything").wire_size() == input.size());
}

TEST_CASE("client_hello: a message is put together from records of any size") {
    hello_parts parts;
    parts.extensions = extensions::server_name("example.com") + extension(21, std::string(300, 0));
    const std::string message = parts.message();
    for (std::size_t size = 1; size <= message.size(); ++size) {
        const std::string input = records(message, size);
        const client_hello hello = hello_of(input + record("0-RTT", 23));
        if (hello.server_name() != "example.com" || hello.wire_size() != input.size() ||
            text_of(hello.message()) != message)
            FAIL_CHECK(size);
    }
    const std::string slow = records(message, 1);
    for (std::size_t size = 0; size < slow.size(); size += 7)
        if (!needs_more(slow.substr(0, size))) FAIL_CHECK(size);
}

TEST_CASE("client_hello: as large as 64 KiB, and no larger") {
    hello_parts parts;
    const std::string empty = parts.message();
    parts.extensions = extension(21, std::string(65536 - empty.size() - 4, '\0'));
    CHECK(parts.message().size() == 65536);
    CHECK(hello_of(parts.wire()).message().size() == 65536);
    CHECK(error_in(record(u8(1) + u24(65532))) == no_error);
    CHECK(error_in(record(u8(1) + u24(65533))) == tls::errc::malformed_message);
}

TEST_CASE("client_hello: a message in too many records is refused") {
    const std::string message = u8(1) + u24(60000) + u16(0x303) + std::string(2000, 'x');
    CHECK(needs_more(records(message.substr(0, 1023), 1)));
    CHECK(error_in(records(message, 1)) == tls::errc::too_much_work);
}

TEST_CASE("client_hello: what is not TLS is told by its first bytes") {
    for (const std::string_view other :
         {"GET / HTTP/1.1\r\n", "G", "PRI * HTTP/2.0", "SSH-2.0-x", "\x13/multistream/1.0.0\n"})
        CHECK(error_in(other) == tls::errc::malformed_message);
    CHECK(error_in(std::string(1, '\0')) == tls::errc::malformed_message);
    CHECK(error_in(from_hex("16020100")) == tls::errc::malformed_message);
    CHECK(error_in(from_hex("1602")) == tls::errc::malformed_message);
    CHECK(error_in(from_hex("1603010000")) == tls::errc::malformed_message);  // empty record
    CHECK(error_in(from_hex("1603014001")) == tls::errc::malformed_message);  // 16385 bytes
    CHECK(needs_more(from_hex("1603014000")));
}

TEST_CASE("client_hello: SSL 2 and 3 are told apart from garbage") {
    CHECK(needs_more(from_hex("80")));
    CHECK(needs_more(from_hex("802e")));
    CHECK(error_in(from_hex("802e01")) == tls::errc::unsupported_version);
    CHECK(error_in(from_hex("802e02")) == tls::errc::malformed_message);
    CHECK(error_in(from_hex("16030000320100002e0300")) == tls::errc::unsupported_version);
    CHECK(error_in(from_hex("16030100320100002e0002")) == tls::errc::unsupported_version);
}

TEST_CASE("client_hello: other messages are unexpected") {
    CHECK(error_in(from_hex("15")) == tls::errc::unexpected_message);           // alert
    CHECK(error_in(from_hex("17")) == tls::errc::unexpected_message);           // data
    CHECK(error_in(from_hex("14")) == tls::errc::unexpected_message);           // change cipher
    CHECK(error_in(from_hex("160301000402")) == tls::errc::unexpected_message); // ServerHello
    const std::string message = hello_parts{}.message();
    CHECK(error_in(record(message + "x")) == tls::errc::unexpected_message);
    CHECK(error_in(record(message.substr(0, 20)) + record("alert", 21)) ==
          tls::errc::unexpected_message);
}

TEST_CASE("client_hello: against the grammar") {
    const auto changed = [](auto change) {
        hello_parts parts;
        change(parts);
        return error_in(parts.wire());
    };
    using parts = hello_parts;
    using std::string;
    const std::error_code bad = tls::errc::malformed_message;
    CHECK(changed([](parts& p) { p.session_id = sized(1, string(33, 's')); }) == bad);
    CHECK(changed([](parts& p) { p.session_id = u8(200); }) == bad);
    CHECK(changed([](parts& p) { p.cipher_suites = sized(2, ""); }) == bad);
    CHECK(changed([](parts& p) { p.cipher_suites = sized(2, "odd"); }) == bad);
    CHECK(changed([](parts& p) { p.compressions = sized(1, ""); }) == bad);
    CHECK(changed([](parts& p) { p.compressions = sized(1, "x"); }) ==
          tls::errc::illegal_parameter);
    CHECK(changed([](parts& p) { p.extensions = "abc"; }) == bad);
    CHECK(changed([](parts& p) { p.extensions = extension(1, "abc") + "x"; }) == bad);
    CHECK(changed([](parts& p) {
              p.without_extensions = true;
              p.compressions += "x";
          }) == bad);
    hello_parts trailing;
    CHECK(error_in(records(u8(1) + sized(3, trailing.body() + "x"))) == bad);
    // each length in the message one too small and one too large
    const string body = trailing.body();
    for (const std::size_t at : {34u, 42u, 43u, 48u, 50u, 51u}) {
        for (const int by : {-1, 1}) {
            string wrong = body;
            wrong[at] = static_cast<char>(wrong[at] + by);
            CAPTURE(at, by);
            CHECK(error_in(records(u8(1) + sized(3, wrong))));
        }
    }
}

TEST_CASE("client_hello: extensions against their grammar") {
    using std::string;
    const string one = u16(0x304);
    for (const string& wrong : {
             extension(0, ""),
             extension(0, sized(2, "")),
             extension(0, sized(2, u8(0) + sized(2, ""))),
             extension(0, sized(2, u8(0) + u16(9) + "short")),
             extension(0, sized(2, u8(0) + sized(2, "a")) + "x"),
             extension(5, ""),
             extension(5, u8(1)),
             extension(5, u8(1) + u16(0) + u16(0) + "x"),
             extension(10, ""),
             extension(10, sized(2, "")),
             extension(10, sized(2, "odd")),
             extension(10, sized(2, one) + "x"),
             extension(13, sized(2, "")),
             extension(16, sized(2, "")),
             extension(16, sized(2, sized(1, ""))),
             extension(16, sized(2, sized(1, "h2") + sized(1, ""))),
             extension(16, sized(2, u8(9) + "short")),
             extension(23, "x"),
             extension(28, u8(1)),
             extension(28, u16(100) + "x"),
             extension(41, ""),
             extension(41, sized(2, "")),
             extension(41, sized(2, sized(2, "id") + u32(7)) + sized(2, "")),
             extension(41, sized(2, sized(2, "") + u32(7) + "x") + sized(2, string(33, ' '))),
             extensions::pre_shared_key({"id"}, 1, 31),
             extension(42, "x"),
             extension(43, ""),
             extension(43, sized(1, "")),
             extension(43, sized(1, "odd")),
             extension(47, sized(2, "")),
             extension(47, sized(2, sized(2, "") + "x")),
             extension(49, "x"),
             extension(50, sized(2, "odd")),
             extension(51, ""),
             extension(51, sized(2, u16(29))),
             extension(51, sized(2, u16(29) + sized(2, ""))),
             extension(0xff01, ""),
             extension(0xff01, u8(3)),
         }) {
        CAPTURE(wrong);
        CHECK(error_in(hello_with(wrong)) == tls::errc::malformed_message);
    }
}

TEST_CASE("client_hello: extensions with values that cannot be") {
    namespace ext = copoll_tests::extensions;
    const std::string share = u16(29) + sized(2, "x");
    const std::string host = u8(0) + sized(2, "a");
    for (const std::string& wrong : {
             extension(35, "") + extension(16, sized(2, sized(1, "h2"))) + extension(35, ""),
             extension(999, "") + extension(999, ""),
             ext::pre_shared_key({"id"}, 1) + extension(42, ""),
             ext::pre_shared_key({"id"}, 2),
             ext::pre_shared_key({"id", "id"}, 1),
             extension(51, sized(2, share + share)),
             extension(0, sized(2, host + host)),
             extension(28, u16(63)),
             extension(0xff01, sized(1, "verify data")),
         }) {
        CAPTURE(wrong);
        CHECK(error_in(hello_with(wrong)) == tls::errc::illegal_parameter);
    }
}

TEST_CASE("client_hello: lists of which the grammar allows empty ones") {
    CHECK(error_in(hello_with(extension(51, sized(2, "")))) == no_error);  // asks for another try
    CHECK(error_in(hello_with(extension(35, ""))) == no_error);
    CHECK(hello_of(hello_with(extension(35, ""))).session_ticket()->empty());
    CHECK(!hello_of(hello_with(extension(5, u8(2) + "unknown"))).has_ocsp_request());
    // another kind of name than of a host
    const std::string other = u8(7) + sized(2, "?");
    CHECK(!hello_of(hello_with(extension(0, sized(2, other)))).server_name());
}

TEST_CASE("client_hello: those of other libraries") {
    for (const auto& [name, digits] : recorded_hellos) {
        INFO(name);
        const client_hello hello = hello_of(from_hex(digits));
        CHECK(hello.server_name());
        CHECK(hello.cipher_suites().size() > 1);
        CHECK(std::ranges::count(hello.versions(), tls::protocol_version::tls1_2) == 1);
        CHECK(std::ranges::count(hello.groups(), named_group::x25519) == 1);
        CHECK(!hello.signature_schemes().empty());
        CHECK(hello.wire_size() == digits.size() / 2);
    }
}

TEST_CASE("client_hello: those of other libraries, cut and damaged anywhere") {
    for (const auto& [name, digits] : recorded_hellos) {
        INFO(name);
        const std::string whole = from_hex(digits);
        for (std::size_t size = 0; size < whole.size(); ++size)
            if (!needs_more(std::string_view{whole}.substr(0, size))) FAIL_CHECK(size);
        for (std::size_t at = 0; at < whole.size(); ++at) {
            for (const int flip : {0x01, 0x40, 0x80, 0xff}) {
                std::string bad = whole;
                bad[at] = static_cast<char>(bad[at] ^ flip);
                const auto parsed = parse(bad);
                if (!parsed && parsed.error().category() != tls::category()) FAIL_CHECK(at);
            }
        }
        // a length changed so that what follows is read as something else
        for (std::size_t at = 9; at < whole.size(); ++at) {
            std::string bad = whole;
            bad.erase(at, 1);
            static_cast<void>(parse(bad));
            bad.insert(at, 2, '\0');
            static_cast<void>(parse(bad));
        }
    }
}

}  // namespace
