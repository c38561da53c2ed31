// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/p2p/multistream.hpp>

#include <algorithm>
#include <utility>

#include <copoll/detail/assert.hpp>
#include <copoll/p2p/varint.hpp>

namespace copoll::p2p::multistream {
namespace {

constexpr std::string_view header = "/multistream/1.0.0";
constexpr std::string_view header_message = "\x13/multistream/1.0.0\n";
constexpr std::string_view not_available = "na";
constexpr std::string_view list = "ls";
constexpr std::string_view line_feed = "\n";

/// Whether the header has come and is consumed. What is none is known by its first bytes: a peer
/// that speaks something else waits for an answer perhaps.
result<bool> take_header(buffer& in) {
    const auto front = std::as_const(in).text().substr(0, header_message.size());
    if (!header_message.starts_with(front)) return fail(errc::malformed_negotiation);
    if (front.size() < header_message.size()) return false;
    in.consume(front.size());
    return true;
}

void put(std::string_view text, buffer& out) {
    out.append(varint::encoded{text.size() + line_feed.size()}.bytes());
    out.append(bytes_of(text));
    out.append(bytes_of(line_feed));
}

/// The text of the message at the front of `in`; none if it is not whole. Valid until `in` changes,
/// which loses the `consumed` bytes.
struct message {
    std::string_view text;
    std::size_t consumed;
};

result<std::optional<message>> front_of(const buffer& in) {
    const auto bytes = in.data();
    const auto size = varint::decode(bytes);
    if (!size) return fail(errc::malformed_negotiation);
    if (!*size) return std::nullopt;
    const auto& [length, size_of_length] = **size;
    if (length == 0 || length > longest_message) return fail(errc::malformed_negotiation);
    const auto rest = bytes.subspan(size_of_length);
    if (rest.size() < length) return std::nullopt;
    const auto text = text_of(rest.first(static_cast<std::size_t>(length)));
    if (!text.ends_with(line_feed)) return fail(errc::malformed_negotiation);
    return message{text.substr(0, text.size() - 1), size_of_length + text.size()};
}

/// `ls` is answered with a message of messages.
void put_list(std::span<const std::string> protocols, buffer& out) {
    buffer lines;
    for (const std::string& p : protocols) put(p, lines);
    lines.append(bytes_of(line_feed));
    out.append(varint::encoded{lines.size()}.bytes());
    out.append(std::as_const(lines).data());
}

}  // namespace

bool is_protocol(std::string_view id) noexcept {
    return !id.empty() && id.size() <= longest_protocol && !id.contains('\n') &&
           id != not_available && id != list;
}

dialer::dialer(std::vector<std::string> protocols) : protocols_(std::move(protocols)) {
    copoll::detail::expects(!protocols_.empty(), "multistream: nothing to propose");
    copoll::detail::expects(std::ranges::all_of(protocols_, is_protocol),
                            "multistream: what is proposed is no protocol id");
}

result<progress> dialer::advance(buffer& in, buffer& out) {
    if (!std::exchange(started_, true)) {
        put(header, out);
        put(protocol(), out);
    }
    if (!has_header_) {
        const auto taken = take_header(in);
        if (!taken) return fail(taken.error());
        if (!(has_header_ = *taken)) return progress::needs_input;
    }
    while (!complete_) {
        const auto front = front_of(in);
        if (!front) return fail(front.error());
        if (!*front) return progress::needs_input;
        const auto [text, consumed] = **front;
        if (text == protocol()) {
            complete_ = true;
        } else if (text != not_available) {
            return fail(errc::malformed_negotiation);
        } else if (proposed_ + 1 == protocols_.size()) {
            return fail(errc::protocol_not_supported);
        } else {
            ++proposed_;
            put(protocol(), out);
        }
        in.consume(consumed);
    }
    return progress::complete;
}

result<progress> listener::advance(buffer& in, buffer& out) {
    if (!has_header_) {
        const auto taken = take_header(in);
        if (!taken) return fail(taken.error());
        if (!(has_header_ = *taken)) return progress::needs_input;
        put(header, out);
    }
    while (!chosen_) {
        const auto front = front_of(in);
        if (!front) return fail(front.error());
        if (!*front) return progress::needs_input;
        const auto [text, consumed] = **front;
        if (const auto answered = answer(text, out); !answered) return fail(answered.error());
        in.consume(consumed);
    }
    return progress::complete;
}

result<void> listener::answer(std::string_view text, buffer& out) {
    const auto known = std::ranges::find(protocols_, text);
    if (known != protocols_.end()) {
        chosen_ = &*known;
        put(text, out);
        return {};
    }
    if (++refused_ > most_refused) return fail(errc::too_many_proposals);
    if (text == list)
        put_list(protocols_, out);
    else
        put(not_available, out);
    return {};
}

}  // namespace copoll::p2p::multistream
