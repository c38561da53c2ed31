// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

/// COPOLL_SYMMETRIC_TRANSFER is 1 where returning a handle from `await_suspend` is a tail call, so
/// that a chain of awaits uses no stack. Where it is not, the loop's trampoline resumes the handle:
/// WebAssembly without `-mtail-call`, and GCC, which makes tail calls only when it optimizes and
/// without sanitizers, while a program may mix a library with -O2 and code of its own with -O0.
/// Defined by hand it must be the same in the whole program.
#if defined(COPOLL_SYMMETRIC_TRANSFER)
#elif defined(__wasm_tail_call__) || (defined(__clang__) && !defined(__wasm__))
#define COPOLL_SYMMETRIC_TRANSFER 1
#else
#define COPOLL_SYMMETRIC_TRANSFER 0
#endif

/// COPOLL_TASK_TRACE is 1 where each task keeps a record of what it waits for and whom it belongs
/// to, see trace.hpp. The option of that name sets it for the library and all that link it.
#if !defined(COPOLL_TASK_TRACE)
#define COPOLL_TASK_TRACE 0
#endif

/// An inline namespace around what every program calls: parts that chose differently do not link.
#if COPOLL_SYMMETRIC_TRANSFER && COPOLL_TASK_TRACE
#define COPOLL_ABI_NAMESPACE by_tail_call_traced
#elif COPOLL_SYMMETRIC_TRANSFER
#define COPOLL_ABI_NAMESPACE by_tail_call
#elif COPOLL_TASK_TRACE
#define COPOLL_ABI_NAMESPACE by_trampoline_traced
#else
#define COPOLL_ABI_NAMESPACE by_trampoline
#endif
