// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/trace.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <string_view>

#include <copoll/detail/function_name.hpp>
#include <copoll/detail/task_record.hpp>
#include <copoll/loop.hpp>

namespace copoll {
namespace {

/// Takes the text of one line or more.
struct sink {
    void (*write)(void* to, std::string_view text);
    void* to;
};

#if COPOLL_TASK_TRACE

using detail::task_record;

constexpr std::size_t most_lines = 100;
constexpr std::size_t deepest_indent = 20;

/// Children before siblings, without recursion: a chain of tasks may be longer than the stack.
class walk {
public:
    explicit walk(const detail::intrusive_list<task_record>& roots) noexcept
        : roots_(roots), at_(roots.first()) {}

    const task_record* at() const noexcept { return at_; }
    /// Among those that are not hidden.
    std::size_t depth() const noexcept { return depth_; }

    void next() noexcept {
        if (const task_record* child = at_->children().first()) {
            depth_ += at_->hidden() ? 0 : 1;
            at_ = child;
            return;
        }
        for (; at_; climb()) {
            const task_record* parent = at_->parent();
            const auto& siblings = parent ? parent->children() : roots_;
            if (const task_record* sibling = siblings.after(*at_)) {
                at_ = sibling;
                return;
            }
        }
    }

private:
    void climb() noexcept {
        at_ = at_->parent();
        if (at_ && !at_->hidden()) --depth_;
    }

    const detail::intrusive_list<task_record>& roots_;
    const task_record* at_;
    std::size_t depth_ = 0;
};

/// Tasks in a row that stand at the same place.
class line {
public:
    line(const task_record& first, std::size_t depth) noexcept
        : first_(first), depth_(depth), last_depth_(depth) {}

    /// False if `t` is not one of them: it stands elsewhere, or its children could not be told
    /// from those of the others.
    bool add(const task_record& t, std::size_t depth) noexcept {
        const bool below = depth == last_depth_ + 1;
        const bool beside = depth == last_depth_ && t.children().empty();
        if (!(below || beside) || !same_place(t)) return false;
        last_depth_ = depth;
        ++tasks_;
        return true;
    }

    void write(const sink& out) const noexcept {
        static constexpr std::array states{"  (not started)", "  (running)", "", "  (done)"};
        static constexpr std::size_t longest = 256;
        const std::source_location& at = first_.where();
        const std::string_view file = detail::base_name(at.file_name());
        const detail::function_name function{at.function_name()};
        std::array<char, 32> count{};
        if (tasks_ > 1) std::snprintf(count.data(), count.size(), "  (%zu tasks)", tasks_);
        std::array<char, longest> text;
        const int n = std::snprintf(
            text.data(), text.size(), "%*s%s  %.*s:%u%s%s\n",
            static_cast<int>(2 * std::min(depth_, deepest_indent)), "", function.text(),
            static_cast<int>(std::min<std::size_t>(file.size(), 60)), file.data(),
            static_cast<unsigned>(at.line()), states[static_cast<std::size_t>(first_.now())],
            count.data());
        out.write(out.to, {text.data(), static_cast<std::size_t>(n)});
    }

private:
    bool same_place(const task_record& t) const noexcept {
        const std::source_location &a = first_.where(), &b = t.where();
        return first_.now() == t.now() && a.line() == b.line() &&
               std::string_view{a.file_name()} == b.file_name();
    }

    const task_record& first_;
    std::size_t depth_;
    std::size_t last_depth_;
    std::size_t tasks_ = 1;
};

void dump(const loop& l, const sink& out) {
    std::size_t lines = 0, left_out = 0;
    std::array<char, 64> text;
    for (walk w{l.tasks().roots()}; w.at();) {
        if (w.at()->hidden()) {
            w.next();
            continue;
        }
        line here{*w.at(), w.depth()};
        std::size_t tasks = 1;
        for (w.next(); w.at(); w.next()) {
            if (w.at()->hidden()) continue;
            if (!here.add(*w.at(), w.depth())) break;
            ++tasks;
        }
        if (lines == most_lines) {
            left_out += tasks;
        } else {
            here.write(out);
            ++lines;
        }
    }
    if (left_out == 0) return;
    const int n = std::snprintf(text.data(), text.size(), "and %zu more tasks\n", left_out);
    out.write(out.to, {text.data(), static_cast<std::size_t>(n)});
}

#else

void dump(const loop&, const sink& out) {
    out.write(out.to, "built without COPOLL_TASK_TRACE: the tasks are not known\n");
}

#endif

}  // namespace

std::string dump_tasks(const loop& l) {
    std::string text;
    dump(l, {[](void* to, std::string_view s) { *static_cast<std::string*>(to) += s; }, &text});
    return text;
}

void dump_tasks(const loop& l, std::FILE* to) noexcept {
    dump(l, {[](void* file, std::string_view s) {
                 std::fwrite(s.data(), 1, s.size(), static_cast<std::FILE*>(file));
             }, to});
}

}  // namespace copoll
