// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/p2p/identify.hpp>

#include <array>
#include <utility>

#include <copoll/check.hpp>
#include <copoll/p2p/multistream.hpp>
#include <copoll/p2p/protobuf.hpp>
#include <copoll/p2p/varint.hpp>

namespace copoll::p2p {
namespace {

// Fields of the message Identify. The record is not in the specification; all send it.
constexpr std::uint32_t key_field = 1;
constexpr std::uint32_t listen_address_field = 2;
constexpr std::uint32_t protocol_field = 3;
constexpr std::uint32_t observed_address_field = 4;
constexpr std::uint32_t protocol_version_field = 5;
constexpr std::uint32_t agent_version_field = 6;
constexpr std::uint32_t signed_record_field = 8;

/// A message that takes what there is room for.
class bounded_writer {
public:
    void put(std::uint32_t number, std::span<const std::byte> data) {
        const std::size_t head = 1 + varint::encoded{data.size()}.size();
        if (message_.message().size() + head + data.size() <= most_identify_sent)
            message_.bytes(number, data);
    }
    void put(std::uint32_t number, std::string_view text) {
        if (!text.empty()) put(number, bytes_of(text));
    }
    std::vector<std::byte> take() noexcept { return message_.take(); }

private:
    protobuf::writer message_;
};

}  // namespace

std::vector<std::byte> encode(const identify_message& message) {
    bounded_writer out;  // the most important first
    if (message.key) out.put(key_field, message.key->encode());
    out.put(protocol_version_field, message.protocol_version);
    out.put(agent_version_field, message.agent_version);
    if (message.observed_address)
        out.put(observed_address_field, message.observed_address->bytes());
    for (const std::string& protocol : message.protocols)
        out.put(protocol_field, bytes_of(protocol));
    for (const multiaddr& address : message.listen_addresses)
        out.put(listen_address_field, address.bytes());
    if (!message.signed_record.empty()) out.put(signed_record_field, message.signed_record);
    return out.take();
}

result<void> identify_decoder::input(std::span<const std::byte> bytes) {
    unread_.append(bytes);
    for (;;) {
        const auto taken = take_one();
        if (!taken) return fail(taken.error());
        if (!*taken) return {};
    }
}

/// The message at the front, if it is there as a whole.
result<bool> identify_decoder::take_one() {
    const auto bytes = std::as_const(unread_).data();
    const auto length = varint::decode(bytes);
    if (!length) return fail(length.error());
    if (!*length) return false;
    const auto [size, head] = **length;
    if (size > limits_.message_size || messages_ == limits_.messages)
        return fail(copoll::errc::message_too_large);
    if (bytes.size() - head < size) return false;
    const auto n = static_cast<std::size_t>(size);
    if (const auto taken = take(bytes.subspan(head, n)); !taken) return fail(taken.error());
    ++messages_;
    unread_.consume(head + n);
    return true;
}

result<void> identify_decoder::take(std::span<const std::byte> message) {
    protobuf::reader fields{message};
    for (;;) {
        const auto f = fields.next();
        if (!f) return fail(f.error());
        if (!*f) return {};
        if ((*f)->type != protobuf::wire_type::bytes) continue;
        const auto data = (*f)->data;
        result<void> taken{};
        switch ((*f)->number) {
            case key_field: taken = take_key(data); break;
            case listen_address_field: taken = take_listen_address(data); break;
            case protocol_field: taken = take_protocol(data); break;
            case observed_address_field:
                if (auto a = multiaddr::from_bytes(data)) said_.observed_address = *std::move(a);
                break;
            case protocol_version_field: taken = take_text(said_.protocol_version, data); break;
            case agent_version_field: taken = take_text(said_.agent_version, data); break;
            case signed_record_field: said_.signed_record.assign(data.begin(), data.end()); break;
            default: break;  // of a later revision
        }
        if (!taken) return taken;
    }
}

result<void> identify_decoder::take_key(std::span<const std::byte> key) {
    auto decoded = public_key::decode(key);
    if (!decoded) return fail(decoded.error());
    said_.key = *std::move(decoded);
    return {};
}

result<void> identify_decoder::take_protocol(std::span<const std::byte> protocol) {
    if (protocols_++ == limits_.protocols) return fail(copoll::errc::message_too_large);
    std::string id;
    if (const auto taken = take_text(id, protocol); !taken) return taken;
    if (multistream::is_protocol(id)) said_.protocols.push_back(std::move(id));
    return {};
}

result<void> identify_decoder::take_listen_address(std::span<const std::byte> address) {
    if (addresses_++ == limits_.addresses) return fail(copoll::errc::message_too_large);
    if (auto known = multiaddr::from_bytes(address))
        said_.listen_addresses.push_back(*std::move(known));
    return {};
}

result<void> identify_decoder::take_text(std::string& to, std::span<const std::byte> text) {
    if (text.size() > limits_.text_size) return fail(copoll::errc::message_too_large);
    to = text_of(text);
    return {};
}

result<identify_message> identify_decoder::finish() {
    if (messages_ == 0 || !unread_.empty()) return fail(errc::truncated);
    return std::move(said_);
}

result<void> check_identity(const identify_message& message, const public_key& remote) {
    if (message.key && *message.key != remote) return fail(errc::bad_identity);
    return {};
}

void apply_push(identify_message& known, identify_message push) {
    const auto replace = [](auto& old, auto& by) {
        if (!by.empty()) old = std::move(by);
    };
    if (push.key) known.key = std::move(push.key);
    replace(known.listen_addresses, push.listen_addresses);
    replace(known.protocols, push.protocols);
    if (push.observed_address) known.observed_address = std::move(push.observed_address);
    replace(known.protocol_version, push.protocol_version);
    replace(known.agent_version, push.agent_version);
    replace(known.signed_record, push.signed_record);
}

task<result<void>> send_identify(stream& to, const identify_message& message) {
    const auto encoded = encode(message);
    buffer out;
    out.append(varint::encoded{encoded.size()}.bytes());
    out.append(encoded);
    co_await check(write_all(to, std::as_const(out).data()));
    co_return co_await to.shutdown_write();
}

task<result<identify_message>> receive_identify(stream& from, identify_limits limits) {
    identify_decoder decoder{limits};
    std::array<std::byte, 2048> part;
    for (;;) {
        const auto [ec, n] = co_await from.read_some(part);
        if (ec == copoll::errc::eof) break;
        if (ec) co_return fail(ec);
        if (const auto taken = decoder.input(std::span(part).first(n)); !taken) {
            from.reset(reset_code::protocol_violation);
            co_return fail(taken.error());
        }
    }
    auto said = decoder.finish();
    if (!said) {
        from.reset(reset_code::protocol_violation);
        co_return said;
    }
    const auto finished = co_await from.shutdown_write();
    static_cast<void>(finished);  // a peer that has said all may have gone
    co_return said;
}

}  // namespace copoll::p2p
