// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/buffer.hpp>

#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <cstring>
#include <random>
#include <string>
#include <utility>

namespace {

using namespace copoll;

/// What a stream does: prepares room, fills some of it.
void fill(buffer& b, std::size_t room, std::string_view text) {
    const std::span<std::byte> to = b.prepare(room);
    CHECK(to.size() >= text.size());
    std::memcpy(to.data(), text.data(), text.size());
    b.commit(text.size());
}

std::string letters(std::size_t n, std::size_t from = 0) {
    std::string text(n, '\0');
    for (std::size_t i = 0; i < n; ++i) text[i] = static_cast<char>('a' + (from + i) % 26);
    return text;
}

}  // namespace

TEST_CASE("buffer: a new one is empty and has allocated nothing") {
    const buffer b;
    CHECK(b.empty());
    CHECK(b.size() == 0);
    CHECK(b.capacity() == 0);
    CHECK(b.data().empty());
    CHECK(b.text().empty());
    CHECK(b.max_size() == buffer::unlimited);
}

TEST_CASE("buffer: what is committed can be read, what is consumed is gone") {
    buffer b;
    const std::span<std::byte> room = b.prepare(10);
    CHECK(room.size() == 10);
    CHECK(b.empty());
    std::memcpy(room.data(), "helloXXXXX", 10);
    b.commit(5);
    CHECK(b.text() == "hello");
    b.consume(2);
    CHECK(b.text() == "llo");
    fill(b, 3, "ws");
    CHECK(b.text() == "llows");
    b.consume(0);
    b.consume(5);
    CHECK(b.empty());
}

TEST_CASE("buffer: room that is not committed is forgotten") {
    buffer b;
    static_cast<void>(b.prepare(100));
    fill(b, 4, "a");
    static_cast<void>(b.prepare(7));
    b.commit(0);
    CHECK(b.text() == "a");
}

TEST_CASE("buffer: data may be changed in place") {
    buffer b;
    b.append(bytes_of("abc"));
    b.data()[1] = std::byte{'X'};
    CHECK(b.text() == "aXc");
}

TEST_CASE("buffer: it keeps its bytes when it grows") {
    buffer b;
    std::string expected;
    for (std::size_t i = 0; i < 3000; ++i) {
        const std::string piece = letters(i % 7, i);
        CHECK(b.append(bytes_of(piece)) == piece.size());
        expected += piece;
    }
    CHECK(b.text() == expected);
    CHECK(b.capacity() < 3 * expected.size());
}

TEST_CASE("buffer: it moves its bytes to the front when that makes room enough") {
    buffer b;
    fill(b, 512, letters(500));
    const std::size_t capacity = b.capacity();
    b.consume(400);
    fill(b, capacity - 100, letters(capacity - 100, 500));
    CHECK(b.capacity() == capacity);
    CHECK(b.text() == letters(capacity, 400));
}

TEST_CASE("buffer: one byte more than fits makes it grow") {
    buffer b;
    fill(b, 512, letters(512));
    const std::size_t capacity = b.capacity();
    b.consume(100);
    fill(b, capacity - 412 + 1, letters(capacity - 412 + 1, 512));
    CHECK(b.capacity() > capacity);
    CHECK(b.text() == letters(capacity + 1, 100));
}

TEST_CASE("buffer: steady traffic allocates no more") {
    buffer b;
    std::mt19937 random{7};
    b.append(bytes_of(letters(1000)));
    const std::size_t capacity = b.capacity();
    const std::byte* const memory = b.prepare(0).data() - b.size();
    for (int i = 0; i < 10000; ++i) {
        b.append(bytes_of(letters(random() % (capacity - b.size() + 1))));
        b.consume(random() % (b.size() + 1));
    }
    b.clear();
    CHECK(b.capacity() == capacity);
    CHECK(b.prepare(0).data() == memory);
}

TEST_CASE("buffer: it behaves as a queue, whatever the sizes") {
    std::mt19937 random{11};
    for (const std::size_t limit : {std::size_t{1}, std::size_t{100}, std::size_t{5000}}) {
        buffer b{limit};
        std::string model;
        std::size_t next = 0;
        for (int i = 0; i < 3000; ++i) {
            const std::string piece = letters(random() % (limit + 3), next);
            const std::size_t taken = b.append(bytes_of(piece));
            CHECK(taken == std::min(piece.size(), limit - model.size()));
            model += piece.substr(0, taken);
            next += taken;
            const std::size_t out = random() % (model.size() + 1);
            b.consume(out);
            model.erase(0, out);
            CHECK(b.text() == model);
            CHECK(b.capacity() <= limit);
        }
    }
}

TEST_CASE("buffer: prepare gives what the limit leaves") {
    buffer b{10};
    CHECK(b.max_size() == 10);
    CHECK(b.prepare(100).size() == 10);
    fill(b, 10, "0123456");
    CHECK(b.prepare(100).size() == 3);
    CHECK(b.append(bytes_of("789ABC")) == 3);
    CHECK(b.text() == "0123456789");
    CHECK(b.prepare(1).empty());
    CHECK(b.append(bytes_of("x")) == 0);
    b.consume(4);
    CHECK(b.prepare(100).size() == 4);
    CHECK(b.capacity() == 10);
}

TEST_CASE("buffer: a limit of 0 leaves no room") {
    buffer b{0};
    CHECK(b.prepare(1).empty());
    CHECK(b.append(bytes_of("x")) == 0);
    CHECK(b.append({}) == 0);
    CHECK(b.capacity() == 0);
}

TEST_CASE("buffer: consumed bytes stay readable where they were until the next prepare") {
    buffer b;
    b.append(bytes_of("line\nnext"));
    const std::string_view line = b.text().substr(0, 4);
    b.consume(5);
    CHECK(line == "line");
    b.consume(4);
    CHECK(line == "line");
}

TEST_CASE("buffer: moving hands over the bytes and keeps the limit") {
    buffer a{100};
    a.append(bytes_of("abc"));
    buffer b{std::move(a)};
    CHECK(b.text() == "abc");
    CHECK(b.max_size() == 100);
    CHECK(a.empty());
    CHECK(a.max_size() == 100);
    a.append(bytes_of("again"));
    CHECK(a.text() == "again");
    b = std::move(a);
    CHECK(b.text() == "again");
    CHECK(a.empty());
    buffer& same = b;
    b = std::move(same);
    CHECK(b.text() == "again");
    buffer c;
    c = std::move(b);
    CHECK(c.max_size() == 100);
}

TEST_CASE("buffer: text and bytes are the same memory") {
    const std::string_view text{"bytes\0too", 9};
    CHECK(text_of(bytes_of(text)).data() == text.data());
    CHECK(text_of(bytes_of(text)) == text);
    CHECK(text_of({}).empty());
}
